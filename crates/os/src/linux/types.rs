//! The kernel's own description of its types (BTF), out of its memory.

use std::borrow::Cow;

use arch::Arch;
use base::{Budget, Gap, VirtAddr};
use debuginfo::{DebugInfo, Object, Store};
use value::{AddressSpace, Types};

use super::Kernel;
use super::list::walk_list;

/// Bytes of a description of types; that of a kernel has some 5 MiB.
const MOST_BYTES: u64 = 64 << 20;

/// Modules whose types are read.
const MOST_MODULES: u64 = 1 << 14;

/// How BTF begins: its magic, its version 1 and no flags.
const MAGIC: &[u8] = &[0x9f, 0xeb, 1, 0];

/// The kernel's types, between `start` and `stop` where symbols tell, else in its `image` by how they begin.
pub(crate) fn read<'a>(
    space: &AddressSpace<'a>,
    arch: &Arch,
    range: Option<(u64, u64)>,
    image: std::ops::Range<u64>,
    store: &'a Store,
) -> Result<DebugInfo<'a>, Gap> {
    let what = "the types of the kernel";
    let bytes = match range {
        Some((start, stop)) => {
            let size = stop.saturating_sub(start).min(MOST_BYTES);
            let read = space.bytes(VirtAddr(start), size);
            read.map_err(|error| Gap::new(what, error.to_string()))?
        }
        None => search(space, image).ok_or_else(|| {
            Gap::new(what, "the kernel has no BTF in its memory").supply("its vmlinux with DWARF")
        })?,
    };
    let mut info = DebugInfo::new();
    info.add(object("vmlinux", bytes, arch, None, store)?);
    Ok(info)
}

fn object<'a>(
    label: &str,
    bytes: Cow<'a, [u8]>,
    arch: &Arch,
    module: Option<&str>,
    store: &'a Store,
) -> Result<Object<'a>, Gap> {
    let bytes = match bytes {
        Cow::Borrowed(bytes) => bytes,
        Cow::Owned(bytes) => store.keep(bytes),
    };
    let object = Object::of_types(label, bytes, arch, module, store);
    object.map_err(|error| Gap::new(format!("the types of {label}"), error.to_string()))
}

/// BTF in an image, where no symbol tells: the largest piece that begins as one.
fn search<'a>(space: &AddressSpace<'a>, image: std::ops::Range<u64>) -> Option<Cow<'a, [u8]>> {
    let size = image.end.saturating_sub(image.start).min(1 << 28);
    let bytes = space.bytes(VirtAddr(image.start), size).ok()?;
    let word = |at: usize| {
        let word = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u64::from(u32::from_le_bytes(word)))
    };
    let sized = |at: usize| {
        let header = word(at + 4)?;
        let (types, texts) = (
            word(at + 8)? + word(at + 12)?,
            word(at + 16)? + word(at + 20)?,
        );
        let size = header + types.max(texts);
        (header >= 24 && size <= MOST_BYTES).then_some((size, at))
    };
    let found = memchr::memmem::find_iter(&bytes, MAGIC).take(1024);
    let (size, at) = found.filter_map(sized).max()?;
    space.bytes(VirtAddr(image.start + at as u64), size).ok()
}

impl<'a> Kernel<'a> {
    /// The kernel's types.
    pub fn types(&self) -> Types<'_, 'a> {
        Types::new(&self.info)
    }

    /// The types of a module of this name, which count on from the kernel's; none where it has none. Where those of
    /// some module could not be read, and this one's are not among the others, nobody knows.
    pub fn module_types(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>, Gap> {
        let (found, gaps) = self.types_of_modules()?;
        let mut found = found.into_iter();
        match found.find(|(module, _)| module == name) {
            Some((_, bytes)) => Ok(Some(bytes)),
            None => gaps.into_iter().next().map_or(Ok(None), Err),
        }
    }

    /// The kernel's types and those of its modules (`btf_modules`), with what could not be read of them.
    pub fn all_types(&self) -> Result<(DebugInfo<'a>, Vec<Gap>), Gap> {
        let range = self.known("__start_BTF").zip(self.known("__stop_BTF"));
        let mut info = read(
            &self.space,
            self.arch,
            range,
            self.image.clone(),
            self.store,
        )?;
        let (found, mut gaps) = self.types_of_modules()?;
        for (name, bytes) in found {
            match object(&name, bytes, self.arch, Some(&name), self.store) {
                Ok(object) => {
                    info.add(object);
                }
                Err(gap) => gaps.push(gap),
            }
        }
        Ok((info, gaps))
    }

    /// The types of each module that has some, with its name.
    #[allow(
        clippy::type_complexity,
        reason = "what was read, and what could not be"
    )]
    fn types_of_modules(&self) -> Result<(Vec<(String, Cow<'a, [u8]>)>, Vec<Gap>), Gap> {
        let types = self.types();
        let (entry, btf) = (
            types.layout("struct btf_module")?,
            types.layout("struct btf")?,
        );
        let (list, of, module) = (
            entry.any(&["list"])?,
            entry.any(&["btf"])?,
            entry.any(&["module"])?,
        );
        let (data, size) = (btf.any(&["data"])?, btf.any(&["data_size"])?);
        let name = types.layout("struct module")?.any(&["name"])?;
        let mut budget = Budget::new("modules with types", MOST_MODULES);
        let head = self.symbol("btf_modules")?;
        let walked = walk_list(&self.space, head, "the list of modules' types", &mut budget);
        let mut gaps = walked.gaps;
        let mut found = Vec::new();
        for node in walked.value {
            let entry = VirtAddr(node.0.wrapping_sub(list.offset));
            let read = || {
                let btf = of.pointer(&self.space, entry)?;
                let module = module.pointer(&self.space, entry)?;
                let name = self.space.text(name.at(module), name.size as usize)?;
                let (data, size) = (data.read(&self.space, btf)?, size.read(&self.space, btf)?);
                Ok((
                    name,
                    self.space.bytes(VirtAddr(data), size.min(MOST_BYTES))?,
                ))
            };
            let read = read().map_err(|error: base::ReadError| {
                Gap::new(
                    format!("the types of a module at {entry}"),
                    error.to_string(),
                )
            });
            match read {
                Ok(types) => found.push(types),
                Err(gap) => gaps.push(gap),
            }
        }
        Ok((found, gaps))
    }
}
