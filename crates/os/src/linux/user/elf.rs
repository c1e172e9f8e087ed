//! Linked ELF files of 64 bits, as far as they are at hand: where their parts are loaded, their unwind tables, the
//! names of their functions ("System V Application Binary Interface", chapters 4 and 5).

use std::borrow::Cow;

use unwind::{CfiForm, CfiHeader, CfiTable};

use super::content::{Content, Piece};

const HEADER: u64 = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;
const SYMBOL: usize = 24;

/// Headers of a file; the field has 16 bits.
const MOST_HEADERS: u64 = 1 << 12;
/// Symbols of a file.
const MOST_SYMBOLS: u64 = 1 << 20;
/// Bytes of the header of an unwind table, and of a dynamic section.
const MOST_SMALL: u64 = 16 << 20;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const SHT_SYMTAB: u32 = 2;
const STT_FUNC: u8 = 2;
const STT_GNU_IFUNC: u8 = 10;

/// Tags of a dynamic section.
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_STRSZ: u64 = 10;
const DT_GNU_HASH: u64 = 0x6fff_fef5;

/// A part of a file that is loaded.
#[derive(Clone, Copy, Debug)]
struct Load {
    offset: u64,
    address: u64,
    size: u64,
}

/// A function.
#[derive(Clone, Copy, Debug)]
struct Function {
    start: u64,
    size: u64,
    /// Where its name begins.
    name: usize,
}

/// A program or library. Addresses are those that it was linked for.
#[derive(Debug)]
pub(super) struct Elf {
    loads: Vec<Load>,
    table: Result<Option<CfiTable<'static>>, String>,
    functions: Vec<Function>,
    names: Vec<u8>,
}

fn half(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u64::from(u16::from_le_bytes(bytes)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
    Some(u64::from_le_bytes(bytes))
}

impl Elf {
    /// Reads a file; says why it cannot be.
    pub(super) fn read(content: &Content<'_, '_>) -> Result<Self, String> {
        let header = content.read(0, HEADER).whole()?;
        // 64 bits, lowest byte first.
        if !header.starts_with(b"\x7fELF\x02\x01") {
            return Err("it is no ELF file of 64 bits".to_owned());
        }
        let damaged = || "its header is damaged".to_owned();
        let (at, size) = (long(&header, 32).ok_or_else(damaged)?, half(&header, 54));
        let count = half(&header, 56).ok_or_else(damaged)?.min(MOST_HEADERS);
        if size != Some(PROGRAM_HEADER as u64) {
            return Err(damaged());
        }
        let headers = content.read(at, count * PROGRAM_HEADER as u64).whole()?;
        let (mut loads, mut unwinding, mut dynamic) = (Vec::new(), None, None);
        for header in headers.chunks_exact(PROGRAM_HEADER) {
            let (Some(kind), Some(offset), Some(address), Some(size)) = (
                word(header, 0),
                long(header, 8),
                long(header, 16),
                long(header, 32),
            ) else {
                continue;
            };
            let part = Load {
                offset,
                address,
                size,
            };
            match kind {
                PT_LOAD => loads.push(part),
                PT_DYNAMIC => dynamic = Some(part),
                PT_GNU_EH_FRAME => unwinding = Some(part),
                _ => {}
            }
        }
        let sections = sections(content, &header).unwrap_or_default();
        let mut elf = Elf {
            loads,
            table: Ok(None),
            functions: Vec::new(),
            names: Vec::new(),
        };
        elf.table = elf.unwind_table(content, unwinding, &sections);
        let found = symbols_by_sections(content, &sections)
            .or_else(|| elf.symbols_by_dynamic(content, dynamic?));
        if let Some((symbols, names)) = found {
            elf.functions = functions(&symbols.bytes, &names.bytes);
            elf.names = names.bytes;
        }
        Ok(elf)
    }

    /// The address that the byte at `offset` of the file was linked for.
    pub(super) fn address(&self, offset: u64) -> Option<u64> {
        let mut loads = self.loads.iter();
        let load = loads.find(|load| {
            // Whole pages are mapped, whatever part of the first the program asks for.
            let start = load.offset & !0xfff;
            offset >= start && offset < load.offset.saturating_add(load.size)
        })?;
        Some(load.address.wrapping_add(offset).wrapping_sub(load.offset))
    }

    /// The part of the file that was linked for `address`, from there on.
    fn offset(&self, address: u64) -> Option<(u64, u64)> {
        let mut loads = self.loads.iter();
        loads.find_map(|load| {
            let within = address.checked_sub(load.address)?;
            let left = load.size.checked_sub(within).filter(|left| *left > 0)?;
            Some((load.offset.checked_add(within)?, left))
        })
    }

    /// The unwind table; none where it has none, and why where it cannot be had.
    pub(super) fn table(&self) -> Result<Option<&CfiTable<'static>>, &str> {
        self.table
            .as_ref()
            .map(Option::as_ref)
            .map_err(String::as_str)
    }

    fn unwind_table(
        &self,
        content: &Content<'_, '_>,
        header: Option<Load>,
        sections: &[Section],
    ) -> Result<Option<CfiTable<'static>>, String> {
        let absent = |why: String| format!("the header of the unwind table: {why}");
        let header = header.map(|header| {
            let piece = content.read(header.offset, header.size.min(MOST_SMALL));
            Ok(CfiHeader {
                address: header.address,
                bytes: Cow::Owned(piece.whole()?),
            })
        });
        let header = header.transpose().map_err(absent)?;
        let by_section = sections.iter().find(|section| section.name == ".eh_frame");
        // Without sections only the start of the table is told: what is loaded behind it is read, too, and the
        // table ends by itself.
        let start = header.as_ref().and_then(CfiHeader::table);
        let (address, offset, size) = match (by_section, start) {
            (Some(section), _) => (section.address, section.offset, section.size),
            (None, Some(start)) => match self.offset(start) {
                Some((offset, left)) => (start, offset, left),
                None => return Err("the unwind table is in no part that is loaded".to_owned()),
            },
            (None, None) => return Ok(None),
        };
        let piece = content.read(offset, size);
        if !piece.bytes.is_empty() && piece.absent.first() == Some(&(0..piece.bytes.len() as u64)) {
            return Err(format!("the unwind table: {}", piece.why));
        }
        let table = CfiTable::new(CfiForm::Loaded, address, Cow::Owned(piece.bytes));
        let table = table.without(piece.absent);
        Ok(Some(match header {
            Some(header) => table.with_header(header),
            None => table,
        }))
    }

    /// The name of the function at `address`, where it begins, and its size.
    pub(super) fn function(&self, address: u64) -> Option<(&str, u64, u64)> {
        let end = self
            .functions
            .partition_point(|function| function.start <= address);
        let function = self.functions.get(end.checked_sub(1)?)?;
        (address - function.start < function.size).then_some(())?;
        let name = text(&self.names, function.name)?;
        Some((name, function.start, function.size))
    }

    /// Symbols and their names by the dynamic section: what every linked program has, where its section headers are
    /// not at hand.
    fn symbols_by_dynamic(
        &self,
        content: &Content<'_, '_>,
        dynamic: Load,
    ) -> Option<(Piece, Piece)> {
        let bytes = content
            .read(dynamic.offset, dynamic.size.min(MOST_SMALL))
            .bytes;
        let tag = |wanted: u64| {
            let mut pairs = bytes.chunks_exact(16);
            pairs.find_map(|pair| (long(pair, 0)? == wanted).then(|| long(pair, 8))?)
        };
        let place = |wanted| self.offset(tag(wanted)?);
        let (symbols, _) = place(DT_SYMTAB)?;
        let (names, _) = place(DT_STRTAB)?;
        let count = match (place(DT_HASH), place(DT_GNU_HASH)) {
            (Some((hash, _)), _) => u64::from(word(&content.read(hash, 8).whole().ok()?, 4)?),
            (None, Some((hash, left))) => {
                counted_by_hash(&content.read(hash, left.min(MOST_SMALL)).bytes)?
            }
            (None, None) => return None,
        };
        let size = count.min(MOST_SYMBOLS) * SYMBOL as u64;
        Some((
            content.read(symbols, size),
            content.read(names, tag(DT_STRSZ)?),
        ))
    }
}

/// The number of symbols that a hash table of GNU's form knows: behind the last chain there are none.
fn counted_by_hash(bytes: &[u8]) -> Option<u64> {
    let (buckets, first) = (u64::from(word(bytes, 0)?), u64::from(word(bytes, 4)?));
    let filters = u64::from(word(bytes, 8)?);
    let start = usize::try_from(16 + 8 * filters).ok()?;
    let end = start.checked_add(usize::try_from(4 * buckets).ok()?)?;
    let heads = bytes.get(start..end)?.chunks_exact(4);
    let last = heads.filter_map(|head| word(head, 0)).max()?;
    let mut last = u64::from(last).checked_sub(first)?;
    // A chain ends at the hash whose lowest bit is set; it is no longer than the table.
    loop {
        let at = end.checked_add(usize::try_from(4 * last).ok()?)?;
        if word(bytes, at)? & 1 != 0 {
            return Some(first + last + 1);
        }
        last += 1;
    }
}

#[derive(Debug)]
struct Section {
    name: String,
    kind: u32,
    address: u64,
    offset: u64,
    size: u64,
    link: usize,
}

/// The sections, where their headers and names are at hand.
fn sections(content: &Content<'_, '_>, header: &[u8]) -> Option<Vec<Section>> {
    let (at, size) = (long(header, 40)?, half(header, 58)?);
    let (count, names) = (half(header, 60)?.min(MOST_HEADERS), half(header, 62)?);
    if at == 0 || size != SECTION_HEADER as u64 {
        return None;
    }
    let headers = content
        .read(at, count * SECTION_HEADER as u64)
        .whole()
        .ok()?;
    let read = |row: &[u8]| {
        Some((
            usize::try_from(word(row, 0)?).ok()?,
            Section {
                name: String::new(),
                kind: word(row, 4)?,
                address: long(row, 16)?,
                offset: long(row, 24)?,
                size: long(row, 32)?,
                link: usize::try_from(word(row, 40)?).ok()?,
            },
        ))
    };
    let rows: Option<Vec<_>> = headers.chunks_exact(SECTION_HEADER).map(read).collect();
    let rows = rows?;
    let (_, texts) = rows.get(usize::try_from(names).ok()?)?;
    let texts = content
        .read(texts.offset, texts.size.min(MOST_SMALL))
        .whole()
        .ok()?;
    let named = rows.into_iter().map(|(name, section)| Section {
        name: text(&texts, name).unwrap_or_default().to_owned(),
        ..section
    });
    Some(named.collect())
}

/// The larger table of symbols first: it has the functions that are not for others, too.
fn symbols_by_sections(content: &Content<'_, '_>, sections: &[Section]) -> Option<(Piece, Piece)> {
    let by_kind = sections.iter().find(|section| section.kind == SHT_SYMTAB);
    let by_name = sections.iter().find(|section| section.name == ".dynsym");
    [by_kind, by_name]
        .into_iter()
        .flatten()
        .find_map(|section| {
            let names = sections.get(section.link)?;
            let symbols = content.read(
                section.offset,
                section.size.min(MOST_SYMBOLS * SYMBOL as u64),
            );
            let names = content.read(names.offset, names.size);
            // One that is not at hand at all leaves it to the other.
            let is_there =
                |piece: &Piece| piece.absent.first() != Some(&(0..piece.bytes.len() as u64));
            (is_there(&symbols) && is_there(&names)).then_some((symbols, names))
        })
}

/// The functions in the order of their addresses, of those that share one the one with the plainest name.
fn functions(symbols: &[u8], names: &[u8]) -> Vec<Function> {
    let read = |row: &[u8]| {
        let kind = row.get(4)? & 15;
        let (start, size) = (long(row, 8)?, long(row, 16)?);
        let is_function =
            matches!(kind, STT_FUNC | STT_GNU_IFUNC) && half(row, 6)? != 0 && size > 0;
        let name = usize::try_from(word(row, 0)?).ok()?;
        // What is not at hand reads as zeroes, and a name in it as none.
        text(names, name).filter(|name| is_function && !name.is_empty())?;
        Some(Function { start, size, name })
    };
    let mut found: Vec<Function> = symbols.chunks_exact(SYMBOL).filter_map(read).collect();
    let plainness = |function: &Function| {
        let name = text(names, function.name).unwrap_or_default();
        let bare = name.trim_start_matches('_');
        (name.len() - bare.len(), bare.len(), function.name)
    };
    found.sort_by_cached_key(|function| (function.start, plainness(function)));
    found.dedup_by_key(|function| function.start);
    found
}

fn text(bytes: &[u8], at: usize) -> Option<&str> {
    let rest = bytes.get(at..)?;
    let end = memchr::memchr(0, rest)?;
    std::str::from_utf8(rest.get(..end)?).ok()
}
