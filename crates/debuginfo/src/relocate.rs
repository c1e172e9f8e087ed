//! The relocations of a section: listed in neutral words for code and data, applied to debug sections.

use base::Endian;
use object::elf;

use crate::bytes::{Bytes, put};
use crate::elf::{Elf, Section};
use crate::error::{Error, Result};
use crate::machines::{Apply, Field, Machine, Partner};
use crate::relocation::{Relocation, RelocationKind};
use crate::sources::elf_symtab::{Home, Symbol, Symbols};

/// Relocations of one place; three is the most that is known.
const MOST_AT_ONE_PLACE: usize = 16;

/// Relocations between the upper and the lower part of one address.
const MOST_BETWEEN: usize = 1024;

/// The relocations of one section, sorted by place.
#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
}

/// One relocation as it lies in the file.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where in the section.
    offset: u64,
    kind: u32,
    symbol: u32,
    /// None where the addend lies in the field.
    addend: Option<i64>,
}

/// The relocations that a linked file has for its loader: they tell no section but are for all. Sorted by
/// address, which stands in place of the offset.
#[derive(Debug, Default)]
pub(crate) struct ForLoader {
    entries: Vec<Entry>,
}

impl ForLoader {
    pub(crate) fn read(file: &Elf<'_>) -> Result<Self> {
        let mut entries = Vec::new();
        let tables = file
            .sections
            .iter()
            .filter(|table| table.is_relocations() && table.is_loaded() && !file.is_relocatable());
        for table in tables {
            read_entries(file, table, &mut entries)?;
        }
        entries.sort_by_key(|entry| entry.offset);
        Ok(ForLoader { entries })
    }
}

impl Table {
    /// Reads the relocations of `section`: those of the linker, kept by it (`--emit-relocs`) or for the loader.
    pub(crate) fn read(
        file: &Elf<'_>,
        section: &Section<'_>,
        for_loader: &ForLoader,
    ) -> Result<Self> {
        let mut entries = Vec::new();
        let base = section.address.unwrap_or(0);
        for table in file.relocations_of(section.index) {
            if table.is_loaded() && !file.is_relocatable() {
                continue;
            }
            let before = entries.len();
            read_entries(file, table, &mut entries)?;
            if !file.is_relocatable() {
                // Such a file names addresses, not offsets.
                for entry in entries.iter_mut().skip(before) {
                    entry.offset = entry.offset.wrapping_sub(base);
                }
            }
        }
        if section.is_loaded() && !file.is_relocatable() {
            let all = &for_loader.entries;
            let from = all.partition_point(|entry| entry.offset < base);
            let to = all.partition_point(|entry| entry.offset < section.range().end);
            let these = all.get(from..to).unwrap_or_default().iter();
            entries.extend(these.map(|entry| Entry {
                offset: entry.offset - base,
                ..*entry
            }));
        }
        if !entries.is_sorted_by_key(|entry| entry.offset) {
            // Stable: several relocations of one place are applied in their order.
            entries.sort_by_key(|entry| entry.offset);
        }
        Ok(Table { entries })
    }

    /// Whether any place lies from `start` to before `end`.
    pub(crate) fn touches(&self, start: u64, end: u64) -> bool {
        !self.between(start, end).is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn between(&self, start: u64, end: u64) -> &[Entry] {
        let from = self.entries.partition_point(|entry| entry.offset < start);
        let to = self.entries.partition_point(|entry| entry.offset < end);
        self.entries.get(from..to).unwrap_or_default()
    }
}

/// Reads a table; the place of each relocation is as the file has it.
fn read_entries(file: &Elf<'_>, table: &Section<'_>, into: &mut Vec<Entry>) -> Result<()> {
    let raw = file.raw(table)?;
    let has_addend = table.kind == elf::SHT_RELA.0;
    // Those of the loader name symbols of another table, which are of no use here.
    let names_symbols = file
        .section(table.link)
        .is_some_and(|link| link.kind == elf::SHT_SYMTAB.0);
    let word: usize = if file.is_64 { 8 } else { 4 };
    let size = if has_addend { 3 * word } else { 2 * word };
    if table.entry_size != size as u64 {
        let what = format!("relocations of {} bytes, not {size}", table.entry_size);
        return Err(Error::section(&file.label, table.name.as_ref(), 0, what));
    }
    into.reserve(raw.len() / size);
    for entry in raw.chunks_exact(size) {
        let bytes = Bytes::new(entry, file.endian());
        let number = |at: usize| bytes.number((at * word) as u64, word as u64).unwrap_or(0);
        let (offset, info) = (number(0), number(1));
        let (symbol, kind) = if !file.is_64 {
            ((info >> 8) as u32, (info & 0xff) as u32)
        } else if file.machine == elf::EM_MIPS.0 {
            mips_info(info, file.endian())
        } else {
            ((info >> 32) as u32, info as u32)
        };
        if symbol != 0 && !names_symbols {
            continue;
        }
        let addend = has_addend.then(|| match file.is_64 {
            true => number(2) as i64,
            false => i64::from((number(2) as u32).cast_signed()),
        });
        into.push(Entry {
            offset,
            kind,
            symbol,
            addend,
        });
    }
    Ok(())
}

/// 64-bit MIPS has no `r_info` but four fields: symbol (32 bits), special symbol, third, second and first
/// type (8 bits each); "64-bit ELF Object File Specification", 2.9.1. The types come back lowest first.
fn mips_info(info: u64, endian: Endian) -> (u32, u32) {
    let bytes = match endian {
        Endian::Little => info.to_le_bytes(),
        Endian::Big => info.to_be_bytes(),
    };
    let [s0, s1, s2, s3, _, third, second, first] = bytes;
    let symbol = match endian {
        Endian::Little => u32::from_le_bytes([s0, s1, s2, s3]),
        Endian::Big => u32::from_be_bytes([s0, s1, s2, s3]),
    };
    (symbol, u32::from_le_bytes([first, second, third, 0]))
}

/// What is needed to say what an entry means.
pub(crate) struct Context<'c, 'a> {
    pub(crate) file: &'c Elf<'a>,
    pub(crate) symbols: &'c Symbols<'a>,
    pub(crate) machine: &'static Machine,
}

impl<'a> Context<'_, 'a> {
    /// Calls `each` with the relocations whose places lie from `start` to before `end`, offsets into the
    /// section.
    pub(crate) fn each(
        &self,
        section: &Section<'a>,
        table: &Table,
        range: std::ops::Range<u64>,
        mut each: impl FnMut(Relocation<'a>),
    ) {
        let base = section.address.unwrap_or(0);
        for entry in table.between(range.start, range.end) {
            let (mut relocation, partner) = self.one(section, base, entry);
            match partner {
                Partner::NextLow if entry.addend.is_none() => {
                    relocation.addend += self.low_addend(section, table, entry);
                }
                Partner::AtLabel => self.at_label(section, table, &mut relocation),
                _ => {}
            }
            each(relocation);
        }
    }

    /// The same, each as it lies in the file: a lower part has its label for a symbol, not the target.
    pub(crate) fn each_raw(
        &self,
        section: &Section<'a>,
        table: &Table,
        range: std::ops::Range<u64>,
        mut each: impl FnMut(Relocation<'a>),
    ) {
        let base = section.address.unwrap_or(0);
        for entry in table.between(range.start, range.end) {
            let (mut relocation, partner) = self.one(section, base, entry);
            if partner == Partner::NextLow && entry.addend.is_none() {
                relocation.addend += self.low_addend(section, table, entry);
            }
            each(relocation);
        }
    }

    /// Whether the symbol is a label of the instruction with the upper part.
    pub(crate) fn is_at_label(&self, relocation: &Relocation<'a>) -> bool {
        let field = Field {
            section: Bytes::new(&[], self.file.endian()),
            offset: 0,
            is_code: true,
        };
        (self.machine.meaning)(relocation.machine_kind, &field).partner == Partner::AtLabel
    }

    /// The relocation with the upper part at an offset of the section.
    pub(crate) fn high_at(
        &self,
        section: &Section<'a>,
        table: &Table,
        offset: u64,
    ) -> Option<Relocation<'a>> {
        let base = section.address.unwrap_or(0);
        let there = table.between(offset, offset.saturating_add(1)).iter();
        there
            .take(MOST_AT_ONE_PLACE)
            .map(|entry| self.one(section, base, entry).0)
            .find(|high| matches!(high.kind, RelocationKind::High | RelocationKind::SlotHigh))
    }

    /// Gives a lower part the target of the upper part that its label names.
    fn at_label(&self, section: &Section<'a>, table: &Table, low: &mut Relocation<'a>) {
        let base = section.address.unwrap_or(0);
        let Some(label) = low.target().and_then(|label| label.checked_sub(base)) else {
            return;
        };
        let there = table.between(label, label.saturating_add(1)).iter();
        let there = there.take(MOST_AT_ONE_PLACE);
        let is_upper = |high: &Relocation<'a>| {
            matches!(high.kind, RelocationKind::High | RelocationKind::SlotHigh)
        };
        let high = there
            .map(|entry| self.one(section, base, entry).0)
            .find(is_upper);
        if let Some(high) = high {
            low.symbol = high.symbol;
            low.addend = high.addend;
            if high.kind == RelocationKind::SlotHigh {
                low.kind = RelocationKind::Slot;
            }
        }
    }

    fn one(&self, section: &Section<'a>, base: u64, entry: &Entry) -> (Relocation<'a>, Partner) {
        let field = Field {
            section: Bytes::new(section.bytes.unwrap_or_default(), self.file.endian()),
            offset: entry.offset,
            is_code: section.is_code(),
        };
        let meaning = (self.machine.meaning)(entry.kind, &field);
        let symbol = self
            .symbols
            .get(entry.symbol)
            .copied()
            .filter(|symbol| symbol.index != 0);
        let addend = entry.addend.unwrap_or_else(|| {
            let in_field = (self.machine.addend)(entry.kind, &field);
            // A linker that keeps relocations without addends has filled in the sum.
            match symbol.filter(|_| !self.file.is_relocatable()) {
                Some(symbol) => {
                    let place = base.wrapping_add(entry.offset);
                    let relative =
                        meaning.kind.is_branch() || meaning.kind == RelocationKind::Relative;
                    let sum = in_field.wrapping_add_unsigned(if relative { place } else { 0 });
                    i64::from((sum.wrapping_sub_unsigned(symbol.address) as u32).cast_signed())
                }
                None => in_field,
            }
        });
        let relocation = Relocation {
            at: base.wrapping_add(entry.offset),
            size: meaning.size,
            kind: meaning.kind,
            symbol,
            addend: addend.wrapping_add(meaning.bias),
            machine_kind: entry.kind,
        };
        (relocation, meaning.partner)
    }

    /// The addend of the first lower part behind `high` that belongs to the same symbol.
    fn low_addend(&self, section: &Section<'a>, table: &Table, high: &Entry) -> i64 {
        // Compilers may move a lower part far from its upper one, but not out of the function.
        const FAR: u64 = 1 << 16;
        let behind = table.between(high.offset, high.offset.saturating_add(FAR));
        behind
            .iter()
            .take(MOST_BETWEEN)
            .filter(|entry| entry.symbol == high.symbol)
            .map(|entry| self.one(section, 0, entry).0)
            .find(|low| low.kind == RelocationKind::Low)
            .map_or(0, |low| low.addend)
    }

    /// Applies the relocations of a section of data to `bytes`, its contents.
    pub(crate) fn apply(
        &self,
        section: &Section<'a>,
        table: &Table,
        bytes: &mut [u8],
    ) -> Result<()> {
        let endian = self.file.endian();
        let base = section.address.unwrap_or(0);
        for entry in &table.entries {
            let field = Field {
                section: Bytes::new(bytes, endian),
                offset: entry.offset,
                is_code: false,
            };
            let meaning = (self.machine.meaning)(entry.kind, &field);
            let addend = entry
                .addend
                .unwrap_or_else(|| (self.machine.addend)(entry.kind, &field));
            let size = u64::from(meaning.size);
            let wrong = |what: String| {
                Error::section(&self.file.label, section.name.as_ref(), entry.offset, what)
            };
            let old = match meaning.apply {
                Apply::Nothing => continue,
                Apply::SetLeb | Apply::SubtractLeb => 0,
                _ => field.section.number(entry.offset, size).ok_or_else(|| {
                    wrong("a relocation lies behind the end of the section".to_owned())
                })?,
            };
            let symbol = match self.symbols.get(entry.symbol) {
                Some(symbol) => symbol,
                None => return Err(wrong(format!("a relocation names symbol {}", entry.symbol))),
            };
            let value = address(symbol).wrapping_add_signed(addend);
            let new = match meaning.apply {
                Apply::Value => value,
                Apply::Distance => value.wrapping_sub(base.wrapping_add(entry.offset)),
                Apply::Add => old.wrapping_add(value),
                Apply::Subtract => old.wrapping_sub(value),
                Apply::SetSix => old & !0x3f | value & 0x3f,
                Apply::SubtractSix => old & !0x3f | old.wrapping_sub(value) & 0x3f,
                Apply::SetLeb | Apply::SubtractLeb => {
                    let add = meaning.apply == Apply::SetLeb;
                    change_leb(bytes, entry.offset, |old| {
                        if add { value } else { old.wrapping_sub(value) }
                    });
                    continue;
                }
                Apply::Nothing | Apply::Unknown => {
                    return Err(wrong(format!(
                        "relocation type {} is not for data",
                        entry.kind
                    )));
                }
            };
            put(bytes, endian, entry.offset, size, new);
        }
        Ok(())
    }
}

/// Where a symbol is; of another object's symbol nothing is known, which is written as 0.
fn address(symbol: &Symbol<'_>) -> u64 {
    match symbol.home {
        Home::Section(_) | Home::Absolute => symbol.address,
        Home::Elsewhere | Home::Common => 0,
    }
}

/// Changes a number in LEB128 form and leaves it as long as it is.
fn change_leb(bytes: &mut [u8], offset: u64, change: impl Fn(u64) -> u64) {
    let Some(field) = usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get_mut(start..))
    else {
        return;
    };
    let length = field
        .iter()
        .take(10)
        .position(|byte| byte & 0x80 == 0)
        .map_or(0, |last| last + 1);
    let mut value = 0;
    for (byte, shift) in field.iter().take(length).zip((0..64).step_by(7)) {
        value |= u64::from(byte & 0x7f) << shift;
    }
    let mut value = change(value);
    for byte in field.iter_mut().take(length) {
        *byte = *byte & 0x80 | (value & 0x7f) as u8;
        value >>= 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_types_of_64_bit_mips_come_apart() {
        // GPREL16, SUB, HI16 with symbol 5: as `readelf -r` shows them.
        assert_eq!(
            mips_info(0x0000_0005_0005_1807, Endian::Big),
            (5, 0x05_1807)
        );
        let little = u64::from_le_bytes([5, 0, 0, 0, 0, 5, 0x18, 7]);
        assert_eq!(mips_info(little, Endian::Little), (5, 0x05_1807));
    }

    #[test]
    fn a_leb_keeps_its_length() {
        let mut bytes = [0xff, 0x80, 0x80, 0x00, 0xaa];
        change_leb(&mut bytes, 1, |old| old + 0x1234);
        assert_eq!(bytes, [0xff, 0xb4, 0xa4, 0x00, 0xaa]);
        change_leb(&mut bytes, 1, |old| old - 0x34);
        assert_eq!(bytes, [0xff, 0x80, 0xa4, 0x00, 0xaa]);
        change_leb(&mut bytes, 4, |_| 1);
        change_leb(&mut bytes, u64::MAX, |_| 1);
        assert_eq!(bytes, [0xff, 0x80, 0xa4, 0x00, 0xaa]);
    }
}
