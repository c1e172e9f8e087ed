//! Whether code that ran is the code of a file: a kernel rewrites its own code while it starts and later, so
//! only what it leaves alone is compared.

mod memory;
mod running;
mod sites;
mod tables;

use std::ops::Range;

use object::elf;

use crate::error::Result;
use crate::object::Object;
use crate::sources::elf_symtab::Symbol;

pub use running::{Ran, Running};
pub use sites::{Rewrite, Site};

/// How code that ran compares with the code of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Bytes that were compared and are equal.
    pub equal: u64,
    /// Bytes that a running kernel rewrites: they say nothing.
    pub rewritten: u64,
    /// Bytes for which the file has no code.
    pub outside: u64,
    /// The first bytes that differ.
    pub difference: Option<Difference>,
}

/// Bytes that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The address of the first, in the file.
    pub at: u64,
    /// The bytes that ran, from there on.
    pub ran: Vec<u8>,
    /// The bytes of the file.
    pub file: Vec<u8>,
}

/// How a function's printed size compares with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeFit {
    /// It is the distance to a symbol behind it, or the size of its own.
    Same,
    /// It cannot be told: nothing known follows the function, and the printed size is not too small.
    Open,
    /// It is another.
    Other {
        /// Bytes in the file.
        file: u64,
    },
}

/// Bytes that are shown of each side of a difference.
const SHOWN: usize = 8;

/// Breakpoints in one window; more are not a probe's.
const MOST_PROBES: u64 = 2;

/// Symbols behind a function of which a kernel may know only some: its table leaves out local labels, mapping
/// symbols and others (`scripts/kallsyms.c`, `is_ignored_symbol`).
const MOST_BEHIND: usize = 16;

impl<'a> Object<'a> {
    /// Compares code that ran at `address` with the file's.
    pub fn compare(&self, address: u64, ran: &[u8]) -> Result<Comparison> {
        let mut comparison = Comparison::default();
        let end = address.saturating_add(ran.len() as u64);
        let sites = self.rewritten_between(address..end)?;
        let mut probes = 0;
        for (at, byte) in (address..end).zip(ran) {
            let Some([own]) = self.code_at(at, 1) else {
                comparison.outside += 1;
                continue;
            };
            if sites.iter().any(|site| site.range.contains(&at)) || self.is_spare(at, *own)? {
                comparison.rewritten += 1;
            } else if own == byte {
                comparison.equal += 1;
            } else if self.is_probe(*byte) && probes < MOST_PROBES {
                probes += 1;
                comparison.rewritten += 1;
            } else if self.is_shadow_call(at, address, ran) {
                comparison.rewritten += 1;
            } else if comparison.difference.is_none() {
                let skipped = usize::try_from(at - address).unwrap_or(usize::MAX);
                let behind = ran.get(skipped..).unwrap_or_default();
                let shown = SHOWN.min(behind.len());
                let file = self.code_at(at, shown as u64).unwrap_or_default();
                comparison.difference = Some(Difference {
                    at,
                    ran: behind.get(..shown).unwrap_or_default().to_vec(),
                    file: file.to_vec(),
                });
            }
        }
        Ok(comparison)
    }

    /// Compares the size that a kernel has printed of a function with the file's.
    ///
    /// A kernel knows no sizes: it prints the distance to the next symbol that it knows.
    pub fn size_fits(&self, symbol: &Symbol<'_>, printed: u64) -> Result<SizeFit> {
        let Some(section) = symbol.section() else {
            return Ok(SizeFit::Open);
        };
        if symbol.size == printed {
            return Ok(SizeFit::Same);
        }
        let table = self.symbol_table()?;
        let mut from = symbol.address;
        let mut first = None;
        for _ in 0..MOST_BEHIND {
            let Some(next) = table.next_start(from, section) else {
                break;
            };
            let room = next - symbol.address;
            first.get_or_insert(room);
            match room.cmp(&printed) {
                std::cmp::Ordering::Less => from = next,
                std::cmp::Ordering::Equal => return Ok(SizeFit::Same),
                std::cmp::Ordering::Greater => {
                    return Ok(SizeFit::Other {
                        file: first.unwrap_or(room),
                    });
                }
            }
        }
        // The next symbol is one of another section, which lies wherever the loader has put it.
        let known = symbol.size.max(from - symbol.address);
        Ok(match printed >= known {
            true => SizeFit::Open,
            false => SizeFit::Other {
                file: first.unwrap_or(known),
            },
        })
    }

    /// Sites of a range that may begin before a section or end behind it.
    fn rewritten_between(&self, range: Range<u64>) -> Result<Vec<Site>> {
        let holds = |at: &u64| self.code_at(*at, 1).is_some();
        let start = range.clone().find(holds).unwrap_or(range.start);
        self.rewritten(start..range.end)
    }

    /// Code at an address; none where there is other than code.
    fn code_at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        let code = self
            .section_at(address)
            .is_some_and(|section| section.is_code());
        self.bytes_at(address, size)
            .filter(|bytes| code && !bytes.is_empty())
    }

    fn is_machine(&self, machines: &[elf::Machine]) -> bool {
        machines.contains(&elf::Machine(self.identity().machine))
    }

    /// `int3`: a probe has its breakpoint there.
    fn is_probe(&self, byte: u8) -> bool {
        byte == 0xcc && self.is_machine(&[elf::EM_X86_64, elf::EM_386])
    }

    /// Whether a byte is one of the nops before an entry, where code that counts the depth of calls may be put
    /// (`CONFIG_CALL_PADDING`): compilers pad with longer nops elsewhere.
    fn is_spare(&self, at: u64, own: u8) -> Result<bool> {
        if own != 0x90 || !self.is_machine(&[elf::EM_X86_64]) {
            return Ok(false);
        }
        let start = at.saturating_sub(7);
        let around = self.code_at(start, 15).unwrap_or_default();
        Ok(around
            .windows(8)
            .any(|window| window.iter().all(|byte| *byte == 0x90)))
    }

    /// Whether arm64's instruction around `at` signs or checks the return address in the file, and saves or
    /// loads it on the shadow stack where it ran: `CONFIG_UNWIND_PATCH_PAC_INTO_SCS` finds these places by
    /// `.eh_frame` (3b619e22c460 "arm64: implement dynamic shadow call stack for Clang").
    fn is_shadow_call(&self, at: u64, address: u64, ran: &[u8]) -> bool {
        const PAIRS: [(u32, u32); 2] = [(0xd503_233f, 0xf800_865e), (0xd503_23bf, 0xf85f_8e5e)];
        let start = at & !3;
        let word = |bytes: Option<&[u8]>| {
            let bytes: Option<[u8; 4]> = bytes.and_then(|bytes| bytes.get(..4)?.try_into().ok());
            bytes.map(u32::from_le_bytes)
        };
        let skipped = start
            .checked_sub(address)
            .and_then(|skipped| usize::try_from(skipped).ok());
        let ran = word(skipped.and_then(|skipped| ran.get(skipped..)));
        let own = word(self.code_at(start, 4));
        self.is_machine(&[elf::EM_AARCH64])
            && PAIRS
                .iter()
                .any(|(file, running)| own == Some(*file) && ran == Some(*running))
    }
}
