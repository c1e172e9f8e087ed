//! Code as a linker leaves it: relocated to the addresses of the object, so that a decoder sees true operands.
//!
//! Symbols that are defined elsewhere get addresses of their own behind the object's sections.

use std::ops::Range;

use crate::bytes::{Bytes, put};
use crate::elf::Section;
use crate::error::Result;
use crate::machines::Fill;
use crate::object::Object;
use crate::relocate::{Context, Table};
use crate::relocation::{Relocation, RelocationKind};
use crate::sources::elf_symtab::{Home, Symbol};

/// Bytes between the addresses of symbols that are defined elsewhere.
const APART: u64 = 16;

/// Code is read in pieces of one function; more is a damaged size.
const MOST_CODE: u64 = 1 << 22;

impl<'a> Object<'a> {
    /// The code in `range`, relocated, and the start of what it lacks at its end when it lies in no section.
    ///
    /// A linked file needs nothing. What cannot be filled in (the table of global addresses of
    /// position-independent code) stays as it lies in the file.
    pub fn linked_code(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let size = range.end.saturating_sub(range.start).min(MOST_CODE);
        let Some(bytes) = self.bytes_at(range.start, size) else {
            return Ok(Vec::new());
        };
        let mut bytes = bytes.to_vec();
        if !self.is_relocatable() {
            return Ok(bytes);
        }
        let (Some(section), Some(machine)) = (self.section_at(range.start), self.machine()) else {
            return Ok(bytes);
        };
        let context = Context {
            file: &self.file,
            symbols: self.symbol_table()?,
            machine,
        };
        let table = self.table(section)?;
        let table = table.as_ref().as_ref().map_err(Clone::clone)?;
        let start = section.address.unwrap_or(0);
        let place = Place {
            section,
            table,
            start,
        };
        let offsets = range.start - start..range.start - start + size;
        context.each_raw(section, table, offsets, |relocation| {
            self.fill(&context, &place, &relocation, range.start, &mut bytes);
        });
        Ok(bytes)
    }

    /// The address that the object's code uses for a symbol that is defined elsewhere.
    pub fn external_address(&self, symbol: &Symbol<'_>) -> u64 {
        let sections = self.sections().iter().filter(|section| section.is_loaded());
        let end = sections
            .map(|section| section.range().end)
            .max()
            .unwrap_or(0);
        let base = end.saturating_add(0xffff) & !0xffff;
        base.saturating_add(u64::from(symbol.index).saturating_mul(APART))
    }

    /// The symbol that is defined elsewhere and has this address in the object's code.
    pub fn external_at(&self, address: u64) -> Result<Option<Symbol<'a>>> {
        if !self.is_relocatable() {
            return Ok(None);
        }
        let symbols = self.symbols()?;
        let Some(first) = symbols.first() else {
            return Ok(None);
        };
        let base = self.external_address(first) - u64::from(first.index) * APART;
        let index = address.checked_sub(base).map(|offset| offset / APART);
        let index = index.and_then(|index| u32::try_from(index).ok());
        let symbol = index.and_then(|index| self.symbol_table().ok()?.get(index).copied());
        Ok(symbol.filter(|symbol| matches!(symbol.home, Home::Elsewhere | Home::Common)))
    }

    /// The address that a relocation means, also of a symbol that is defined elsewhere.
    fn meant(&self, relocation: &Relocation<'a>) -> Option<u64> {
        let symbol = relocation.symbol.as_ref()?;
        let address = match symbol.home {
            Home::Section(_) | Home::Absolute => symbol.address,
            Home::Elsewhere | Home::Common => self.external_address(symbol),
        };
        Some(address.wrapping_add_signed(relocation.addend))
    }

    fn fill(
        &self,
        context: &Context<'_, 'a>,
        place: &Place<'_, 'a>,
        relocation: &Relocation<'a>,
        from: u64,
        bytes: &mut [u8],
    ) {
        let mut at = relocation.at;
        let Some(mut target) = self.meant(relocation) else {
            return;
        };
        // The lower part counts from the instruction with the upper one, which its label names.
        if context.is_at_label(relocation) {
            let label = target;
            let Some(high) =
                context.high_at(place.section, place.table, label.wrapping_sub(place.start))
            else {
                return;
            };
            let Some(meant) = self.meant(&high) else {
                return;
            };
            (at, target) = (label, meant);
        }
        let Some(offset) = relocation.at.checked_sub(from) else {
            return;
        };
        let endian = self.endian();
        let (word, next) = {
            let bytes = Bytes::new(bytes, endian);
            (
                bytes.u32(offset),
                offset.checked_add(4).and_then(|offset| bytes.u32(offset)),
            )
        };
        let fill = (context.machine.fill)(
            relocation.machine_kind,
            relocation.kind,
            &Word {
                word: word.unwrap_or(0),
                next: next.unwrap_or(0),
                at,
                target,
            },
        );
        match fill {
            Fill::Nothing => {}
            Fill::Number(size, value) => {
                put(bytes, endian, offset, size, value);
            }
            Fill::Word(word) => {
                put(bytes, endian, offset, 4, word.into());
            }
            Fill::Pair(first, second) => {
                put(bytes, endian, offset, 4, first.into());
                put(bytes, endian, offset.saturating_add(4), 4, second.into());
            }
        }
    }
}

/// A section with its relocations.
struct Place<'t, 'a> {
    section: &'t Section<'a>,
    table: &'t Table<'a>,
    start: u64,
}

/// An instruction to be filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// The 32 bits at the field, in the order of the file.
    pub(crate) word: u32,
    /// The 32 bits behind them.
    pub(crate) next: u32,
    /// The address that relative values count from.
    pub(crate) at: u64,
    /// The address that is meant.
    pub(crate) target: u64,
}

impl Word {
    /// The word with its bits under `mask` replaced.
    pub(crate) fn with(&self, mask: u32, bits: u64) -> Fill {
        Fill::Word(self.word & !mask | bits as u32 & mask)
    }

    /// How far the target is.
    pub(crate) fn distance(&self) -> u64 {
        self.target.wrapping_sub(self.at)
    }
}

/// What the fields of x86 take: the address, or the distance from the end of the field, which the address that
/// is meant already counts from.
pub(crate) fn fill_x86(kind: RelocationKind, size: u8, word: &Word) -> Fill {
    match kind {
        RelocationKind::Address => Fill::Number(size.into(), word.target),
        RelocationKind::Call | RelocationKind::Jump | RelocationKind::Relative if size == 4 => {
            Fill::Number(4, word.distance().wrapping_sub(4))
        }
        _ => Fill::Nothing,
    }
}
