//! The headers and sections of an ELF file: what lies where, in one form for 32 and 64 bits and both
//! byte orders ("System V Application Binary Interface", chapter 4 "Object Files").

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use base::Endian;
use object::elf;

use crate::bytes::Bytes;
use crate::error::{Error, Result};

/// The headers of an ELF file, and its sections.
#[derive(Debug)]
pub(crate) struct Elf<'a> {
    pub(crate) label: Arc<str>,
    pub(crate) bytes: Bytes<'a>,
    pub(crate) is_64: bool,
    /// `e_type`: `ET_REL`, `ET_EXEC`, `ET_DYN`.
    pub(crate) kind: u16,
    pub(crate) machine: u16,
    pub(crate) sections: Vec<Section<'a>>,
    /// Start and number of each loaded section, sorted.
    by_address: Vec<(u64, u32)>,
    /// The number of a section and that of a table of relocations for it, sorted.
    relocations: Vec<(u32, u32)>,
}

/// A section.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// Its number in the file.
    pub index: u32,
    /// Its name.
    pub name: Cow<'a, str>,
    /// `sh_type`.
    pub(crate) kind: u32,
    /// `sh_flags`.
    pub(crate) flags: u64,
    /// Where it lies in the address space; none for a section that is not loaded. In a relocatable file,
    /// which has no addresses, an address of our own.
    pub address: Option<u64>,
    /// Where it lies in the file.
    pub(crate) offset: u64,
    /// Bytes in memory.
    pub size: u64,
    pub(crate) link: u32,
    pub(crate) info: u32,
    pub(crate) entry_size: u64,
    /// Its bytes as they lie in the file; none where the file has none for it, or ends before it does.
    pub(crate) bytes: Option<&'a [u8]>,
}

impl Section<'_> {
    /// Whether it is loaded.
    pub fn is_loaded(&self) -> bool {
        self.flags & elf::SHF_ALLOC.0 != 0
    }

    /// Whether it holds instructions.
    pub fn is_code(&self) -> bool {
        self.is_loaded() && self.flags & elf::SHF_EXECINSTR.0 != 0
    }

    /// Whether its bytes are all zero and therefore not in the file.
    pub fn is_zeroes(&self) -> bool {
        self.kind == elf::SHT_NOBITS.0
    }

    /// Whether the file ends before the section does.
    pub fn is_cut(&self) -> bool {
        self.bytes.is_none() && !self.is_zeroes() && self.kind != elf::SHT_NULL.0 && self.size > 0
    }

    /// Its addresses; empty for a section that is not loaded.
    pub fn range(&self) -> Range<u64> {
        match self.address {
            Some(address) => address..address.saturating_add(self.size),
            None => 0..0,
        }
    }

    pub(crate) fn is_relocations(&self) -> bool {
        self.kind == elf::SHT_RELA.0 || self.kind == elf::SHT_REL.0
    }
}

/// The first address that a section of a relocatable file gets: a pointer near NULL stays outside.
const FIRST_BASE: u64 = 0x10_0000;

/// Sections are laid on pages with one left free, so that no address belongs to two of them.
const PAGE: u64 = 0x1000;

impl<'a> Elf<'a> {
    /// Reads the headers of the file `label`.
    pub(crate) fn parse(label: &Arc<str>, data: &'a [u8]) -> Result<Self> {
        let wrong = |offset: u64, what: &str| Error::offset(label, offset, what);
        if data.get(..4) != Some(&elf::ELFMAG[..]) {
            return Err(Error::file(label, "not an ELF file"));
        }
        let is_64 = match data.get(4).copied() {
            Some(class) if class == elf::ELFCLASS32.0 => false,
            Some(class) if class == elf::ELFCLASS64.0 => true,
            _ => return Err(wrong(4, "neither a 32-bit nor a 64-bit ELF file")),
        };
        let endian = match data.get(5).copied() {
            Some(order) if order == elf::ELFDATA2LSB.0 => Endian::Little,
            Some(order) if order == elf::ELFDATA2MSB.0 => Endian::Big,
            _ => return Err(wrong(5, "the ELF header names no byte order")),
        };
        let bytes = Bytes::new(data, endian);
        let cut = || wrong(16, "the ELF header is cut");
        let at = |in_32: u64, in_64: u64| if is_64 { in_64 } else { in_32 };
        let word = |offset: u64| {
            if is_64 {
                bytes.u64(offset)
            } else {
                bytes.u32(offset).map(u64::from)
            }
        };
        let mut file = Elf {
            label: Arc::clone(label),
            bytes,
            is_64,
            kind: bytes.u16(16).ok_or_else(cut)?,
            machine: bytes.u16(18).ok_or_else(cut)?,
            sections: Vec::new(),
            by_address: Vec::new(),
            relocations: Vec::new(),
        };
        let table = word(at(32, 40)).ok_or_else(cut)?;
        let entry_size = bytes.u16(at(46, 58)).ok_or_else(cut)?;
        let count = bytes.u16(at(48, 60)).ok_or_else(cut)?;
        let names = bytes.u16(at(50, 62)).ok_or_else(cut)?;
        if table == 0 {
            return Ok(file);
        }
        let wanted = at(40, 64);
        if u64::from(entry_size) != wanted {
            return Err(wrong(
                at(46, 58),
                "the section headers have an unknown size",
            ));
        }
        // Numbers that do not fit the header's fields stand in section header 0 (chapter 4,
        // "Section Header Table Index 0").
        let (_, first) = file
            .section_header(table)
            .ok_or_else(|| wrong(table, "the section headers lie behind the end of the file"))?;
        let count = if count == 0 {
            first.size
        } else {
            u64::from(count)
        };
        let names = if names == elf::SHN_XINDEX.0 {
            first.link
        } else {
            names.into()
        };
        let room = (data.len() as u64).saturating_sub(table) / wanted;
        if count > room {
            let what = format!("{count} section headers are announced, {room} fit into the file");
            return Err(wrong(table, &what));
        }
        let mut headers = Vec::with_capacity(count as usize);
        for index in 0..count {
            let offset = table + index * wanted;
            headers.push(
                file.section_header(offset)
                    .ok_or_else(|| wrong(offset, "cut"))?,
            );
        }
        let names = headers
            .get(names as usize)
            .and_then(|(_, names)| names.bytes)
            .unwrap_or_default();
        for (index, (name, mut section)) in headers.into_iter().enumerate() {
            let name = names.get(name as usize..).unwrap_or_default();
            let end = memchr::memchr(0, name).unwrap_or(name.len());
            section.index = index as u32;
            section.name = String::from_utf8_lossy(name.get(..end).unwrap_or_default());
            file.sections.push(section);
        }
        if file.kind == elf::ET_REL.0 {
            file.lay_out()?;
        }
        let loaded = file.sections.iter().filter(|section| section.is_loaded());
        file.by_address = loaded
            .filter_map(|section| Some((section.address?, section.index)))
            .collect();
        file.by_address.sort_unstable();
        let tables = file.sections.iter().filter(|table| table.is_relocations());
        file.relocations = tables.map(|table| (table.info, table.index)).collect();
        file.relocations.sort_unstable();
        Ok(file)
    }

    /// A file without sections.
    pub(crate) fn empty(label: &Arc<str>, machine: u16, is_64: bool, endian: Endian) -> Self {
        Elf {
            label: Arc::clone(label),
            bytes: Bytes::new(&[], endian),
            is_64,
            kind: elf::ET_EXEC.0,
            machine,
            sections: Vec::new(),
            by_address: Vec::new(),
            relocations: Vec::new(),
        }
    }

    /// The section header at `offset`, and `sh_name`: where in the table of names its name is.
    fn section_header(&self, offset: u64) -> Option<(u32, Section<'a>)> {
        let bytes = self.bytes;
        let half = |n: u64| bytes.u32(offset.checked_add(n)?);
        let word = |in_32: u64, in_64: u64| {
            if self.is_64 {
                bytes.u64(offset.checked_add(in_64)?)
            } else {
                bytes.u32(offset.checked_add(in_32)?).map(u64::from)
            }
        };
        let kind = half(4)?;
        let (start, size) = (word(16, 24)?, word(20, 32)?);
        let flags = word(8, 8)?;
        let address = word(12, 16)?;
        let section = Section {
            index: 0,
            name: Cow::Borrowed(""),
            kind,
            flags,
            address: (flags & elf::SHF_ALLOC.0 != 0).then_some(address),
            offset: start,
            size,
            link: half(if self.is_64 { 40 } else { 24 })?,
            info: half(if self.is_64 { 44 } else { 28 })?,
            entry_size: word(36, 56)?,
            bytes: if kind == elf::SHT_NOBITS.0 || kind == elf::SHT_NULL.0 {
                None
            } else {
                bytes.slice(start, size)
            },
        };
        Some((half(0)?, section))
    }

    /// Gives each loaded section of a relocatable file a place of its own, in the order of the file: a
    /// module and its separate debug file, whose loaded sections are the same, get the same places.
    fn lay_out(&mut self) -> Result<()> {
        let limit = if self.is_64 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        };
        let mut next = FIRST_BASE;
        for section in &mut self.sections {
            if !section.is_loaded() {
                continue;
            }
            section.address = Some(next);
            next = section
                .size
                .checked_add(next)
                .and_then(|end| end.checked_add(2 * PAGE))
                .filter(|end| *end < limit)
                .ok_or_else(|| {
                    let what = format!("section {} claims {:#x} bytes", section.name, section.size);
                    Error::offset(&self.label, section.offset, what)
                })?
                & !(PAGE - 1);
        }
        Ok(())
    }

    /// Whether it is a relocatable file.
    pub(crate) fn is_relocatable(&self) -> bool {
        self.kind == elf::ET_REL.0
    }

    pub(crate) fn endian(&self) -> Endian {
        self.bytes.endian
    }

    pub(crate) fn section(&self, index: u32) -> Option<&Section<'a>> {
        self.sections.get(index as usize)
    }

    pub(crate) fn section_named(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The loaded section that holds `address`.
    pub(crate) fn section_at(&self, address: u64) -> Option<&Section<'a>> {
        let end = self
            .by_address
            .partition_point(|(start, _)| *start <= address);
        // Empty sections, and those without bytes in the file, may start within others; not many do.
        let before = self.by_address.get(..end)?.iter().rev().take(16);
        before
            .filter_map(|(_, index)| self.section(*index))
            .find(|section| section.range().contains(&address))
    }

    /// The tables of relocations for the section of this number.
    pub(crate) fn relocations_of(&self, index: u32) -> impl Iterator<Item = &Section<'a>> {
        let start = self.relocations.partition_point(|(of, _)| *of < index);
        let these = self.relocations.get(start..).unwrap_or_default().iter();
        these
            .take_while(move |(of, _)| *of == index)
            .filter_map(|(_, table)| self.section(*table))
    }

    /// The bytes of a section as they lie in the file; an error where the file ends before it does.
    pub(crate) fn raw(&self, section: &Section<'a>) -> Result<&'a [u8]> {
        match section.bytes {
            Some(bytes) => Ok(bytes),
            None if section.is_zeroes() || section.size == 0 => Ok(&[]),
            None => {
                let what = format!(
                    "section {} needs {:#x} bytes, the file ends at {:#x}",
                    section.name,
                    section.size,
                    self.bytes.data.len()
                );
                Err(Error::offset(&self.label, section.offset, what))
            }
        }
    }

    /// The bytes at an address, up to `size` of them, as they lie in the file.
    pub(crate) fn at(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        let section = self.section_at(address)?;
        let offset = address.checked_sub(section.address?)?;
        let size = size.min(section.size.saturating_sub(offset));
        Bytes::new(section.bytes?, self.endian()).slice(offset, size)
    }
}
