//! Finding the kernel: where its image lies in physical memory, where in virtual, and by which tables.
//!
//! What the kernel wrote down about itself is believed first (VMCOREINFO). Without it the table of symbols is
//! searched in physical memory; it leads to the page tables, and to the text that must stand where they lead.
//! Neither way is believed before that text has been read through the page tables.

use std::borrow::Cow;

use arch::{Arch, Paging};
use base::{Gap, PhysAddr, Target, VirtAddr};
use debuginfo::{AddressTable, Kallsyms, KallsymsTables, find_tables};
use value::{AddressSpace, Root, Window};

use super::machines::{self, Machine};
use super::search;
use super::vmcoreinfo::Vmcoreinfo;

/// How every kernel's text about itself begins.
const BANNER: &[u8] = b"Linux version ";

/// Such texts in one piece of memory that are tried: logs have it too.
const MOST_BANNERS: usize = 256;

/// How the kernel was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// VMCOREINFO told.
    Vmcoreinfo,
    /// Its table of symbols was searched in memory.
    Search,
}

/// Where the kernel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How it was found.
    pub way: Way,
    /// Its page tables.
    pub root: Root,
    /// Virtual addresses of its image minus physical ones.
    pub shift: u64,
}

/// What finding gives: the place, memory by virtual address, and the symbols.
pub(crate) struct Start<'a> {
    pub(crate) arch: &'static Arch,
    pub(crate) found: Found,
    pub(crate) space: AddressSpace<'a>,
    pub(crate) kallsyms: Kallsyms<'a>,
}

struct Finder<'a> {
    target: &'a dyn Target,
    machine: &'static Machine,
    paging: Paging,
}

/// Finds the kernel of `target`.
pub(crate) fn find(target: &dyn Target) -> Result<Start<'_>, Gap> {
    let what = "the kernel";
    let number = target.elf_machine();
    let arch = arch::find_elf(number, 64).ok_or_else(|| {
        let why = format!("no architecture of 64 bits with the ELF number {number} is known");
        Gap::new(what, why)
    })?;
    let (Some(machine), Some(mut paging)) = (machines::find(number), arch.paging) else {
        let why = format!("page tables of {} are not read yet", arch.name);
        return Err(Gap::new(what, why));
    };
    let info = target.vmcoreinfo().map(Vmcoreinfo::new);
    // Of encrypted memory a bit of each entry says so (`sme_mask`).
    if let Some(mask) = info.and_then(|info| info.number("sme_mask")) {
        paging.frame &= !mask;
    }
    let finder = Finder {
        target,
        machine,
        paging,
    };
    let told = match info {
        Some(info) => finder.by_vmcoreinfo(info),
        None => Err("the dump has no VMCOREINFO".to_owned()),
    };
    let (found, space, kallsyms) = match told {
        Ok(found) => found,
        Err(why) => finder.by_search().ok_or_else(|| {
            let why = format!("{why}, and no table of its symbols was found in memory");
            Gap::new(what, why)
        })?,
    };
    Ok(Start {
        arch,
        found,
        space,
        kallsyms,
    })
}

type Place<'a> = (Found, AddressSpace<'a>, Kallsyms<'a>);

impl<'a> Finder<'a> {
    fn space(&self) -> AddressSpace<'a> {
        AddressSpace::new(self.target, self.target.endian(), self.paging)
    }

    /// The whole room for images, as if the kernel filled it.
    fn image(&self, shift: u64) -> AddressSpace<'a> {
        let start = self.machine.image.start;
        self.space().window(Window {
            start: VirtAddr(start),
            size: self.machine.image.end - start,
            physical: PhysAddr(start.wrapping_sub(shift)),
        })
    }

    fn by_vmcoreinfo(&self, info: Vmcoreinfo<'_>) -> Result<Place<'a>, String> {
        let base = info.number("phys_base");
        let base = base.ok_or("VMCOREINFO does not tell phys_base")?;
        // `__pa_symbol`: the image's addresses count from the start of its room, plus `phys_base`.
        let shift = self.machine.image.start.wrapping_sub(base);
        let root = self.machine.roots.iter().find_map(|name| info.symbol(name));
        let root = root.ok_or("VMCOREINFO does not tell the page tables")?;
        let image = self.image(shift);
        let levels = match info.number("pgtable_l5_enabled") {
            Some(1) => &[5],
            Some(_) => &[4],
            None => self.paging.levels,
        };
        let kallsyms = match self.named_tables(info, &image) {
            Some(kallsyms) => kallsyms,
            // Kernels before 6.0 do not tell where; but where the image is.
            None => {
                let at = info.symbol("_stext").unwrap_or(root).wrapping_sub(shift);
                let end = at.saturating_add(128 << 20);
                let ranges = self.target.physical_ranges();
                let range = ranges.iter().find(|range| range.contains(&at));
                let piece = at..range.map_or(end, |range| range.end.min(end));
                let mut found = self.tables_in(piece).into_iter();
                let (kallsyms, _) = found.next().ok_or("there is no table of symbols")?;
                kallsyms
            }
        };
        let table = PhysAddr(root.wrapping_sub(shift));
        let checked = levels.iter().find_map(|levels| {
            let root = Root {
                table,
                levels: *levels,
            };
            self.check(Way::Vmcoreinfo, root, shift, &kallsyms)
        });
        let (found, space) =
            checked.ok_or("the page tables that VMCOREINFO tells do not lead to the kernel")?;
        Ok((found, space, kallsyms))
    }

    /// The tables of symbols where VMCOREINFO names them (Linux 6.0 and later).
    fn named_tables(&self, info: Vmcoreinfo<'_>, image: &AddressSpace<'a>) -> Option<Kallsyms<'a>> {
        let symbol = |name: &str| info.symbol(&format!("kallsyms_{name}"));
        let count = image.u32(VirtAddr(symbol("num_syms")?)).ok()?;
        let bytes = |start: u64, size: u64| image.bytes(VirtAddr(start), size).ok();
        let (names, tokens, index) = (
            symbol("names")?,
            symbol("token_table")?,
            symbol("token_index")?,
        );
        let small = u64::from(count).checked_mul(4)?;
        let addresses = match (symbol("offsets"), symbol("relative_base")) {
            (Some(at), Some(base)) => AddressTable::FromBase {
                base: image.u64(VirtAddr(base)).ok()?,
                offsets: bytes(at, small)?,
            },
            (Some(at), None) => AddressTable::FromItself {
                at,
                offsets: bytes(at, small)?,
            },
            (None, _) => AddressTable::Whole(bytes(symbol("addresses")?, 2 * small)?),
        };
        let tables = KallsymsTables {
            count,
            names: bytes(names, tokens.checked_sub(names)?)?,
            token_table: bytes(tokens, index.checked_sub(tokens)?)?,
            token_index: bytes(index, 512)?,
            addresses,
            endian: self.target.endian(),
        };
        Kallsyms::new(tables).ok()
    }

    /// All tables of symbols in a piece of physical memory. Where addresses are told from where the table lies
    /// itself, they are physical ones; says so.
    fn tables_in(&self, piece: std::ops::Range<u64>) -> Vec<(Kallsyms<'a>, bool)> {
        let start = piece.start;
        let memory: &'a dyn base::Memory = self.target;
        let mut all = Vec::new();
        match search::bytes(memory, piece) {
            Cow::Borrowed(bytes) => {
                for found in find_tables(bytes, self.target.endian()) {
                    all.extend(placed(found.tables, start));
                }
            }
            Cow::Owned(bytes) => {
                for found in find_tables(&bytes, self.target.endian()) {
                    all.extend(placed(owned(found.tables), start));
                }
            }
        }
        all
    }

    fn by_search(&self) -> Option<Place<'a>> {
        search::pieces(self.target).into_iter().find_map(|piece| {
            let tables = self.tables_in(piece.clone());
            tables.into_iter().find_map(|(kallsyms, is_physical)| {
                if is_physical {
                    self.by_physical_symbols(kallsyms)
                } else {
                    self.by_banner(kallsyms, piece.clone())
                }
            })
        })
    }

    /// Symbols tell virtual addresses: the banner in memory tells how far physical ones are from them.
    fn by_banner(&self, kallsyms: Kallsyms<'a>, piece: std::ops::Range<u64>) -> Option<Place<'a>> {
        let banner = kallsyms.address_of("linux_banner")?;
        let bytes = search::bytes(self.target, piece.clone());
        let texts = memchr::memmem::find_iter(&bytes, BANNER).take(MOST_BANNERS);
        for text in texts {
            let shift = banner.wrapping_sub(piece.start.wrapping_add(text as u64));
            if !shift.is_multiple_of(self.machine.step) {
                continue;
            }
            for root in self.roots(&kallsyms, shift) {
                if let Some((found, space)) = self.check(Way::Search, root, shift, &kallsyms) {
                    return Some((found, space, kallsyms));
                }
            }
        }
        None
    }

    /// Symbols tell physical addresses: the page tables tell where the image is mapped.
    fn by_physical_symbols(&self, kallsyms: Kallsyms<'a>) -> Option<Place<'a>> {
        let text = kallsyms.address_of("_text")?;
        for root in self.roots(&kallsyms, 0) {
            let mut at = self.machine.image.start;
            while at < self.machine.image.end {
                let page = self
                    .paging
                    .walk(self.target, root.table, root.levels, VirtAddr(at));
                if page.is_ok_and(|page| page.physical.0 == text) {
                    let shift = at.wrapping_sub(text);
                    let kallsyms = kallsyms.clone().moved(shift)?;
                    let (found, space) = self.check(Way::Search, root, shift, &kallsyms)?;
                    return Some((found, space, kallsyms));
                }
                at += self.machine.step;
            }
        }
        None
    }

    /// Page tables that may be the kernel's: by its symbols, or those that a CPU used.
    fn roots(&self, kallsyms: &Kallsyms<'_>, shift: u64) -> Vec<Root> {
        let named = kallsyms.addresses_of(self.machine.roots);
        let mut tables: Vec<u64> = named
            .into_iter()
            .flatten()
            .map(|at| at.wrapping_sub(shift))
            .collect();
        let (register, mask) = self.machine.root_register;
        for cpu in self.target.cpus() {
            let mut all = cpu.registers.iter();
            let found = all.find(|(name, _)| *name == register);
            tables.extend(found.map(|(_, value)| value & mask));
        }
        let with_levels = |table| {
            let table = PhysAddr(table);
            let levels = self.paging.levels.iter();
            levels.map(move |levels| Root {
                table,
                levels: *levels,
            })
        };
        tables.into_iter().flat_map(with_levels).collect()
    }

    /// The kernel's memory, if these page tables lead to the kernel's text about itself.
    fn check(
        &self,
        way: Way,
        root: Root,
        shift: u64,
        kallsyms: &Kallsyms<'_>,
    ) -> Option<(Found, AddressSpace<'a>)> {
        let names = ["linux_banner", "_text", "_stext", "_end"];
        let [banner, text, stext, end] = kallsyms.addresses_of(&names).try_into().ok()?;
        let space = self.space().root(root);
        if let Some(banner) = banner {
            let mut text = [0; BANNER.len()];
            space.read(VirtAddr(banner), &mut text).ok()?;
            if text != BANNER {
                return None;
            }
        }
        let start = text.or(stext)?;
        let (physical, _) = space.translate(VirtAddr(start)).ok()?;
        if physical.0 != start.wrapping_sub(shift) {
            return None;
        }
        let space = match end.and_then(|end| end.checked_sub(start)) {
            Some(size) if size < self.machine.image.end - self.machine.image.start => {
                space.window(Window {
                    start: VirtAddr(start),
                    size,
                    physical,
                })
            }
            _ => space,
        };
        Some((Found { way, root, shift }, space))
    }
}

/// The symbols of tables that were found `start` bytes into physical memory, and whether they tell physical
/// addresses.
fn placed(mut tables: KallsymsTables<'_>, start: u64) -> Option<(Kallsyms<'_>, bool)> {
    let mut is_physical = false;
    if let AddressTable::FromItself { at, .. } = &mut tables.addresses {
        *at = at.wrapping_add(start);
        is_physical = true;
    }
    Some((Kallsyms::new(tables).ok()?, is_physical))
}

fn owned<'o>(tables: KallsymsTables<'_>) -> KallsymsTables<'o> {
    let own = |bytes: Cow<'_, [u8]>| Cow::Owned(bytes.into_owned());
    KallsymsTables {
        count: tables.count,
        names: own(tables.names),
        token_table: own(tables.token_table),
        token_index: own(tables.token_index),
        addresses: match tables.addresses {
            AddressTable::FromItself { at, offsets } => AddressTable::FromItself {
                at,
                offsets: own(offsets),
            },
            AddressTable::FromBase { base, offsets } => AddressTable::FromBase {
                base,
                offsets: own(offsets),
            },
            AddressTable::Whole(addresses) => AddressTable::Whole(own(addresses)),
        },
        endian: tables.endian,
    }
}
