//! What a lock is called: by the variable that it is, the structure that it lies in, the object of a slab cache, the
//! stack of a thread.
//!
//! Only the pages of the locks in question are looked at: a walk over all slabs takes longer than all else.

use base::VirtAddr;

use super::survey::Survey;
use super::well_known::{ABOUT, CACHES, VARIABLES};
use crate::linux::PageKind;

/// What a lock is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The symbol, the type and member, or the cache and the offset.
    pub(super) name: Option<String>,
    /// What it protects, of well-known ones.
    pub(super) about: Option<&'static str>,
}

/// The name of what lies at `address`, as a lock of this kind.
pub(super) fn name(survey: &Survey<'_, '_>, kind: &str, address: VirtAddr) -> Named {
    let name = variable(survey, address)
        .or_else(|| per_cpu(survey, address))
        .or_else(|| on_stack(survey, address))
        .or_else(|| in_object(survey, kind, address));
    let is_it = |known: &str, name: &str| {
        // `rtnl_mutex`, and the member at the end of a path.
        let tail = name.strip_suffix(known);
        tail.is_some_and(|tail| tail.is_empty() || tail.ends_with('.'))
    };
    let about = name.as_deref().and_then(|name| {
        let mut known = ABOUT.iter().filter(|(of, _, _)| *of == kind);
        known.find(|(_, known, _)| is_it(known, name))
    });
    Named {
        about: about.map(|(_, _, words)| *words),
        name,
    }
}

/// Of a variable of the kernel or of a module: the symbol, and where its type is known the member.
fn variable(survey: &Survey<'_, '_>, address: VirtAddr) -> Option<String> {
    let name = survey.kernel.name(address)?;
    let module = match &name.module {
        Some(module) => format!(" [{module}]"),
        None => String::new(),
    };
    if name.offset == 0 {
        return Some(format!("{}{module}", name.symbol));
    }
    let members = VARIABLES
        .iter()
        .filter(|known| name.module.is_none() && known.symbol == name.symbol);
    let member = members.flat_map(|known| {
        let paths = known.members.iter();
        paths.map(|path| (known.layout, std::slice::from_ref(path)))
    });
    let mut member = member.filter(|(layout, path)| {
        let field = survey.field(layout, path);
        field.is_ok_and(|field| field.offset == name.offset)
    });
    match member.next() {
        Some((_, path)) => Some(format!("{}.{}", name.symbol, path.concat())),
        None => Some(format!("{}+{:#x}{module}", name.symbol, name.offset)),
    }
}

/// Of a variable that each CPU has.
fn per_cpu(survey: &Survey<'_, '_>, address: VirtAddr) -> Option<String> {
    let kernel = survey.kernel;
    let (start, end) = kernel
        .known("__per_cpu_start")
        .zip(kernel.known("__per_cpu_end"))?;
    let mut cpus = kernel.cpus().value.iter().filter(|cpu| cpu.offset != 0);
    let (cpu, at) = cpus.find_map(|cpu| {
        let at = address.0.wrapping_sub(cpu.offset);
        (start..end).contains(&at).then_some((cpu, at))
    })?;
    let symbol = kernel.kallsyms().at(at)?;
    if !(start..end).contains(&symbol.address) {
        return None;
    }
    let offset = match at - symbol.address {
        0 => String::new(),
        offset => format!("+{offset:#x}"),
    };
    Some(format!("{}{offset} of CPU {}", symbol.name, cpu.number))
}

/// Of a variable of a function that has not returned.
fn on_stack(survey: &Survey<'_, '_>, address: VirtAddr) -> Option<String> {
    let on = survey.stack_of(address)?;
    Some(format!(
        "on the stack of {} (pid {})",
        on.task.comm, on.task.pid
    ))
}

/// Of an object of a slab cache.
fn in_object(survey: &Survey<'_, '_>, kind: &str, address: VirtAddr) -> Option<String> {
    let kernel = survey.kernel;
    let pfn = kernel.pfn_at(address).ok()?;
    let page = kernel.page(pfn).ok()?;
    let PageKind::Slab(cache) = page.kind else {
        return None;
    };
    let bits = kernel.arch.paging.map_or(12, |paging| paging.page_bits);
    let before = pfn.checked_sub(page.head.unwrap_or(pfn))?;
    let within = address.0 & ((1 << bits) - 1);
    let offset = (before << bits).checked_add(within)?;
    let read = |path: &'static [&'static str]| {
        let field = survey.field("struct kmem_cache", path).ok()?;
        field.read(kernel.space(), cache).ok()
    };
    let size = read(&["size"])?;
    // The red zone before each object, with slab_debug=Z only (d86bd1bece6f, "mm/slub: support left redzone", 4.6).
    let left = read(&["red_left_pad"]).unwrap_or(0);
    let offset = offset.checked_rem(size)?.checked_sub(left)?;
    let name = kernel.space().text(VirtAddr(read(&["name"])?), 128).ok()?;
    Some(match member(survey, kind, &name, offset) {
        Some(member) => member,
        None => format!("{name}+{offset:#x}"),
    })
}

/// The member of a lock's kind at an offset in the objects of a cache that has one type.
fn member(survey: &Survey<'_, '_>, kind: &str, cache: &str, offset: u64) -> Option<String> {
    let known = CACHES.iter().filter(|known| known.cache == cache);
    let mut paths = known.flat_map(|known| {
        let paths = known.members.iter().filter(|(of, _)| *of == kind);
        paths.map(move |(_, path)| (known, std::slice::from_ref(path)))
    });
    let (known, path) = paths.find(|(known, path)| {
        let field = survey.field(known.layout, path);
        field.is_ok_and(|field| field.offset == offset)
    })?;
    Some(format!("{}.{}", known.layout, path.concat()))
}
