//! The relocations of a section: listed in neutral words for code and data, applied to debug sections.

use std::ops::Range;

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
pub(crate) struct Table<'a> {
    /// Those that had to be read and sorted.
    entries: Vec<Entry>,
    /// Those that lie sorted in the file, as linkers leave them: of a whole kernel they are hundreds of thousands.
    sorted: Option<Entries<'a>>,
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
            entries.extend(Entries::of(file, table, 0)?.iter());
        }
        entries.sort_by_key(|entry| entry.offset);
        Ok(ForLoader { entries })
    }

    /// Those with a place in `range`.
    fn between(&self, range: Range<u64>) -> &[Entry] {
        let from = self.entries.partition_point(|e| e.offset < range.start);
        let to = self.entries.partition_point(|e| e.offset < range.end);
        self.entries.get(from..to).unwrap_or_default()
    }
}

impl<'a> Table<'a> {
    /// Reads the relocations of `section`: those of the linker, kept by it (`--emit-relocs`) or for the loader.
    pub(crate) fn read(
        file: &Elf<'a>,
        section: &Section<'a>,
        for_loader: &ForLoader,
    ) -> Result<Self> {
        let address = section.address.unwrap_or(0);
        // A linked file names addresses, not offsets.
        let base = if file.is_relocatable() { 0 } else { address };
        let mut tables = Vec::new();
        for table in file.relocations_of(section.index) {
            if file.is_relocatable() || !table.is_loaded() {
                tables.push(Entries::of(file, table, base)?);
            }
        }
        let for_loader = match section.is_loaded() && !file.is_relocatable() {
            true => for_loader.between(section.range()),
            false => &[],
        };
        if let ([table], []) = (tables.as_slice(), for_loader)
            && table.is_sorted()
        {
            return Ok(Table {
                entries: Vec::new(),
                sorted: Some(*table),
            });
        }
        let mut entries: Vec<_> = tables.iter().flat_map(|table| table.iter()).collect();
        entries.extend(for_loader.iter().map(|entry| Entry {
            offset: entry.offset - address,
            ..*entry
        }));
        if !entries.is_sorted_by_key(|entry| entry.offset) {
            // Stable: several relocations of one place are applied in their order.
            entries.sort_by_key(|entry| entry.offset);
        }
        Ok(Table {
            entries,
            sorted: None,
        })
    }

    /// Whether any place lies from `start` to before `end`.
    pub(crate) fn touches(&self, start: u64, end: u64) -> bool {
        self.between(start, end).next().is_some()
    }

    /// The places from `start` to before `end`, in their order.
    pub(crate) fn places(&self, start: u64, end: u64) -> impl Iterator<Item = u64> + '_ {
        self.between(start, end).map(|entry| entry.offset)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    fn all(&self) -> impl Iterator<Item = Entry> + '_ {
        self.between(0, u64::MAX)
    }

    fn between(&self, start: u64, end: u64) -> impl Iterator<Item = Entry> + '_ {
        let from = self.entries.partition_point(|entry| entry.offset < start);
        let to = self.entries.partition_point(|entry| entry.offset < end);
        let read = self.entries.get(from..to).unwrap_or_default();
        let sorted = self.sorted.iter();
        read.iter()
            .copied()
            .chain(sorted.flat_map(move |sorted| sorted.between(start, end)))
    }

    /// The offsets of relocations that may mean `target`: those of a symbol that lies, with the addend, so near
    /// that only how the machine counts decides. None where addends lie in the fields.
    ///
    /// `addresses` are those of the symbols by their numbers.
    pub(crate) fn near(&self, addresses: &[u64], target: u64) -> Option<Vec<u64>> {
        use rayon::prelude::*;
        /// x86 counts from the end of an instruction: four bytes of field, and a constant behind it.
        const NEAR: u64 = 16;
        let is_near = |entry: &Entry| {
            let symbol = addresses.get(entry.symbol as usize).copied().unwrap_or(0);
            let addend = entry.addend.unwrap_or(0);
            let meant = symbol.wrapping_add_signed(addend);
            meant.wrapping_sub(target).wrapping_add(NEAR) <= 2 * NEAR
        };
        let has_addends = match &self.sorted {
            Some(sorted) => sorted.has_addend,
            None => self.entries.iter().all(|entry| entry.addend.is_some()),
        };
        if !has_addends {
            return None;
        }
        let read = self.entries.iter().filter(|entry| is_near(entry));
        let mut found: Vec<u64> = read.map(|entry| entry.offset).collect();
        if let Some(sorted) = &self.sorted {
            let parts = sorted.raw.par_chunks(sorted.size * PART).with_max_len(1);
            let part = |raw: &'a [u8]| -> Vec<u64> {
                let part = Entries { raw, ..*sorted };
                let near = part.iter().filter(|entry| is_near(entry));
                near.map(|entry| entry.offset).collect()
            };
            found.par_extend(parts.flat_map_iter(part));
        }
        found.dedup();
        Some(found)
    }
}

/// Relocations that are looked through at a time.
const PART: usize = 1 << 14;

/// The relocations of a table as they lie in the file.
#[derive(Clone, Copy, Debug)]
struct Entries<'a> {
    raw: &'a [u8],
    /// Bytes of one.
    size: usize,
    endian: Endian,
    is_64: bool,
    is_mips: bool,
    has_addend: bool,
    /// Those of the loader name symbols of another table, which are of no use here.
    names_symbols: bool,
    /// What the places count from.
    base: u64,
}

impl<'a> Entries<'a> {
    fn of(file: &Elf<'a>, table: &Section<'a>, base: u64) -> Result<Self> {
        let raw = file.raw(table)?;
        let has_addend = table.kind == elf::SHT_RELA.0;
        let names_symbols = file
            .section(table.link)
            .is_some_and(|link| link.kind == elf::SHT_SYMTAB.0);
        let word: usize = if file.is_64 { 8 } else { 4 };
        let size = if has_addend { 3 * word } else { 2 * word };
        if table.entry_size != size as u64 {
            let what = format!("relocations of {} bytes, not {size}", table.entry_size);
            return Err(Error::section(&file.label, table.name.as_ref(), 0, what));
        }
        Ok(Entries {
            raw,
            size,
            endian: file.endian(),
            is_64: file.is_64,
            is_mips: file.machine == elf::EM_MIPS.0,
            has_addend,
            names_symbols,
            base,
        })
    }

    fn read(&self, raw: &[u8]) -> Entry {
        let bytes = Bytes::new(raw, self.endian);
        let number = |at: u64| match self.is_64 {
            true => bytes.u64(8 * at).unwrap_or(0),
            false => bytes.u32(4 * at).map_or(0, u64::from),
        };
        let (offset, info) = (number(0), number(1));
        let (symbol, kind) = if !self.is_64 {
            ((info >> 8) as u32, (info & 0xff) as u32)
        } else if self.is_mips {
            mips_info(info, self.endian)
        } else {
            ((info >> 32) as u32, info as u32)
        };
        let addend = self.has_addend.then(|| match self.is_64 {
            true => number(2) as i64,
            false => i64::from((number(2) as u32).cast_signed()),
        });
        Entry {
            offset: offset.wrapping_sub(self.base),
            kind,
            symbol,
            addend,
        }
    }

    fn iter(self) -> impl Iterator<Item = Entry> + use<'a> {
        let read = self
            .raw
            .chunks_exact(self.size)
            .map(move |raw| self.read(raw));
        read.filter(move |entry| entry.symbol == 0 || self.names_symbols)
    }

    /// Whether the places are in order, so that they can be searched for.
    fn is_sorted(&self) -> bool {
        self.names_symbols && self.iter().is_sorted_by_key(|entry| entry.offset)
    }

    /// Those with a place from `start` to before `end`, of sorted ones.
    fn between(&self, start: u64, end: u64) -> impl Iterator<Item = Entry> + use<'a> {
        let (from, to) = (self.first(start), self.first(end));
        let raw = self.raw.get(from * self.size..to * self.size);
        Entries {
            raw: raw.unwrap_or_default(),
            ..*self
        }
        .iter()
    }

    /// How many have a place before `offset`, of sorted ones.
    fn first(&self, offset: u64) -> usize {
        let (mut low, mut high) = (0, self.raw.len() / self.size);
        while low < high {
            let middle = low + (high - low) / 2;
            let raw = self.raw.get(middle * self.size..).unwrap_or_default();
            if self.read(raw).offset < offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
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
        table: &Table<'_>,
        range: Range<u64>,
        mut each: impl FnMut(Relocation<'a>),
    ) {
        let base = section.address.unwrap_or(0);
        for entry in table.between(range.start, range.end) {
            let (mut relocation, partner) = self.one(section, base, &entry);
            match partner {
                Partner::NextLow if entry.addend.is_none() => {
                    relocation.addend += self.low_addend(section, table, &entry);
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
        table: &Table<'_>,
        range: Range<u64>,
        mut each: impl FnMut(Relocation<'a>),
    ) {
        let base = section.address.unwrap_or(0);
        for entry in table.between(range.start, range.end) {
            let (mut relocation, partner) = self.one(section, base, &entry);
            if partner == Partner::NextLow && entry.addend.is_none() {
                relocation.addend += self.low_addend(section, table, &entry);
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
        table: &Table<'_>,
        offset: u64,
    ) -> Option<Relocation<'a>> {
        let base = section.address.unwrap_or(0);
        let there = table.between(offset, offset.saturating_add(1));
        there
            .take(MOST_AT_ONE_PLACE)
            .map(|entry| self.one(section, base, &entry).0)
            .find(|high| matches!(high.kind, RelocationKind::High | RelocationKind::SlotHigh))
    }

    /// Gives a lower part the target of the upper part that its label names.
    fn at_label(&self, section: &Section<'a>, table: &Table<'_>, low: &mut Relocation<'a>) {
        let base = section.address.unwrap_or(0);
        let Some(label) = low.target().and_then(|label| label.checked_sub(base)) else {
            return;
        };
        let there = table.between(label, label.saturating_add(1));
        let there = there.take(MOST_AT_ONE_PLACE);
        let is_upper = |high: &Relocation<'a>| {
            matches!(high.kind, RelocationKind::High | RelocationKind::SlotHigh)
        };
        let high = there
            .map(|entry| self.one(section, base, &entry).0)
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
    fn low_addend(&self, section: &Section<'a>, table: &Table<'_>, high: &Entry) -> i64 {
        // Compilers may move a lower part far from its upper one, but not out of the function.
        const FAR: u64 = 1 << 16;
        let behind = table.between(high.offset, high.offset.saturating_add(FAR));
        behind
            .take(MOST_BETWEEN)
            .filter(|entry| entry.symbol == high.symbol)
            .map(|entry| self.one(section, 0, &entry).0)
            .find(|low| low.kind == RelocationKind::Low)
            .map_or(0, |low| low.addend)
    }

    /// Applies the relocations of a section of data to `bytes`, its contents.
    pub(crate) fn apply(
        &self,
        section: &Section<'a>,
        table: &Table<'_>,
        bytes: &mut [u8],
    ) -> Result<()> {
        let endian = self.file.endian();
        let base = section.address.unwrap_or(0);
        for entry in table.all() {
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
