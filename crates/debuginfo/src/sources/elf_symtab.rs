//! The symbol table of an ELF file: names, addresses and sizes of functions and variables.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use object::elf;

use crate::elf::Elf;
use crate::error::{Error, Result};
use crate::threads;

/// A symbol of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its name, as in the file; of a section symbol usually empty.
    pub name: &'a str,
    /// Where it is; without the bit that marks Thumb code, and for a function of 64-bit PowerPC (ELFv1) where
    /// its code is, not its descriptor.
    pub address: u64,
    /// Bytes; 0 where the file does not tell.
    pub size: u64,
    /// What it names.
    pub kind: SymbolKind,
    /// How widely it is known.
    pub binding: Binding,
    /// Where it is defined.
    pub home: Home,
    /// Its number in the table.
    pub index: u32,
}

/// What a symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A function.
    Function,
    /// A variable.
    Variable,
    /// A label without a type: in code often a function written in assembly.
    Label,
    /// A section.
    Section,
    /// A source file, a thread-local variable, a mapping symbol: nothing with an address of use here.
    Other,
}

/// How widely a symbol is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// In its own source file.
    Local,
    /// Everywhere, unless a global one of the same name exists.
    Weak,
    /// Everywhere.
    Global,
}

/// Where a symbol is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In another object.
    Elsewhere,
    /// Its value is a number, not a place.
    Absolute,
    /// The linker is to find room for it.
    Common,
    /// In the section of this number.
    Section(u32),
}

impl Symbol<'_> {
    /// Whether it is defined in its object.
    pub fn is_defined(&self) -> bool {
        matches!(self.home, Home::Section(_))
    }

    /// The section it is defined in.
    pub fn section(&self) -> Option<u32> {
        match self.home {
            Home::Section(section) => Some(section),
            _ => None,
        }
    }

    /// Whether `address` lies in it; of a symbol without a size only its start does.
    pub fn contains(&self, address: u64) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|offset| offset < self.size || (offset == 0 && self.is_defined()))
    }

    // Of two symbols for one place: typed before untyped, wide before narrow, the earlier before the later.
    fn rank(&self) -> (bool, bool, Binding, std::cmp::Reverse<u32>) {
        let typed = matches!(self.kind, SymbolKind::Function | SymbolKind::Variable);
        (
            typed,
            self.size > 0,
            self.binding,
            std::cmp::Reverse(self.index),
        )
    }
}

/// All symbols of an object.
#[derive(Debug, Default)]
pub(crate) struct Symbols<'a> {
    all: Vec<Symbol<'a>>,
    descriptors: Descriptors,
    asked: AtomicU32,
    by_name: OnceLock<Vec<(u32, u32)>>,
    by_address: OnceLock<Vec<(u64, u32)>>,
    addresses: OnceLock<Vec<u64>>,
}

/// Symbols at one place, or in front of one, that are looked at: several names for one function are common,
/// but not many.
const MOST_ALIASES: usize = 64;

/// Symbols that are read at a time.
const PART: usize = 1 << 12;

/// Symbols of one source file that are looked at.
const MOST_BESIDE: usize = 1 << 14;

/// Questions by name that are answered by going through the table before an index pays.
const QUESTIONS_BEFORE_INDEX: u32 = 8;

impl<'a> Symbols<'a> {
    /// Reads `.symtab`; a file without one has no symbols.
    pub(crate) fn read(file: &Elf<'a>) -> Result<Self> {
        let Some(table) = file.sections.iter().find(|s| s.kind == elf::SHT_SYMTAB.0) else {
            return Ok(Symbols::default());
        };
        let raw = file.raw(table)?;
        let wanted: usize = if file.is_64 { 24 } else { 16 };
        if table.entry_size != wanted as u64 {
            let what = format!("symbols of {} bytes, not {wanted}", table.entry_size);
            return Err(Error::section(&file.label, table.name.as_ref(), 0, what));
        }
        let names = match file.section(table.link) {
            Some(names) => crate::bytes::Bytes::new(file.raw(names)?, file.endian()),
            None => {
                let what = format!("there is no section {} with its names", table.link);
                return Err(Error::section(&file.label, table.name.as_ref(), 0, what));
            }
        };
        // Section numbers too large for `st_shndx` stand in a section of their own.
        let wide = file
            .sections
            .iter()
            .find(|s| s.kind == elf::SHT_SYMTAB_SHNDX.0 && s.link == table.index)
            .and_then(|s| s.bytes)
            .map(|bytes| crate::bytes::Bytes::new(bytes, file.endian()));
        let descriptors = Descriptors::of(file);
        let read = |(index, entry): (usize, &[u8])| {
            let entry = crate::bytes::Bytes::new(entry, file.endian());
            let fields = if file.is_64 {
                (
                    entry.u32(0),
                    entry.u8(4),
                    entry.u16(6),
                    entry.u64(8),
                    entry.u64(16),
                )
            } else {
                let half = |at| entry.u32(at).map(u64::from);
                (entry.u32(0), entry.u8(12), entry.u16(14), half(4), half(8))
            };
            let (Some(name), Some(info), Some(place), Some(value), Some(size)) = fields else {
                return None;
            };
            let name = names.text(u64::from(name)).unwrap_or_default();
            let home = match elf::SymbolSection(place) {
                elf::SHN_UNDEF => Home::Elsewhere,
                elf::SHN_ABS => Home::Absolute,
                elf::SHN_COMMON => Home::Common,
                elf::SHN_XINDEX => match wide.and_then(|wide| wide.u32(4 * index as u64)) {
                    Some(section) => Home::Section(section),
                    None => Home::Absolute,
                },
                elf::SymbolSection(section) if section < elf::SHN_LORESERVE => {
                    Home::Section(section.into())
                }
                _ => Home::Absolute,
            };
            let mut symbol = Symbol {
                name,
                address: value,
                size,
                kind: kind(file.machine, info & 0xf, name),
                binding: match info >> 4 {
                    0 => Binding::Local,
                    2 => Binding::Weak,
                    _ => Binding::Global,
                },
                home,
                index: index as u32,
            };
            if let (Home::Section(section), true) = (home, file.is_relocatable()) {
                let base = file
                    .section(section)
                    .and_then(|section| section.address)
                    .unwrap_or(0);
                symbol.address = base.wrapping_add(value);
            }
            if symbol.kind == SymbolKind::Function {
                if file.machine == elf::EM_ARM.0 {
                    symbol.address &= !1;
                }
                if let Some((code, section)) = descriptors.code(symbol.address) {
                    symbol.address = code;
                    symbol.home = Home::Section(section);
                }
            }
            Some(symbol)
        };
        let parts: Vec<_> = raw.chunks(wanted * PART).enumerate().collect();
        let read = threads::map(&parts, |(number, part)| -> Vec<Symbol<'a>> {
            let first = number * PART;
            let entries = part.chunks_exact(wanted).enumerate();
            // All have their fields: a chunk is as long as an entry.
            let read = entries.filter_map(|(place, entry)| read((first + place, entry)));
            read.collect()
        });
        let mut all = Vec::with_capacity(raw.len() / wanted);
        all.extend(read.into_iter().flatten());
        Ok(Symbols {
            all,
            descriptors,
            ..Symbols::default()
        })
    }

    pub(crate) fn all(&self) -> &[Symbol<'a>] {
        &self.all
    }

    /// The function whose descriptor lies at `address`, on machines that have descriptors.
    pub(crate) fn described_at(&self, address: u64) -> Option<&Symbol<'a>> {
        let (code, _) = self.descriptors.code(address)?;
        self.starting_at(code).first().copied()
    }

    pub(crate) fn get(&self, index: u32) -> Option<&Symbol<'a>> {
        self.all.get(index as usize)
    }

    /// The addresses of all symbols by their numbers.
    pub(crate) fn addresses(&self) -> &[u64] {
        self.addresses
            .get_or_init(|| self.all.iter().map(|symbol| symbol.address).collect())
    }

    /// A function of the source file that a static symbol comes from, as linkers keep the symbols of each file
    /// together behind that of its name ("System V Application Binary Interface", chapter 4, `STT_FILE`).
    pub(crate) fn function_beside(&self, symbol: &Symbol<'_>) -> Option<&Symbol<'a>> {
        let is_name =
            |other: &&Symbol<'_>| other.kind == SymbolKind::Other && other.home == Home::Absolute;
        let is_function =
            |other: &&Symbol<'_>| other.kind == SymbolKind::Function && other.is_defined();
        if symbol.binding != Binding::Local {
            return None;
        }
        let (before, behind) = self.all.split_at_checked(symbol.index as usize)?;
        let before = before.iter().rev().take(MOST_BESIDE);
        let behind = behind.iter().take(MOST_BESIDE);
        let ours = |other: &&Symbol<'_>| !is_name(other) && other.binding == Binding::Local;
        before
            .take_while(ours)
            .find(is_function)
            .or_else(|| behind.take_while(ours).find(is_function))
    }

    /// Every symbol called `name`, in the order of the table.
    pub(crate) fn named(&self, name: &str) -> Vec<&Symbol<'a>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < QUESTIONS_BEFORE_INDEX {
            return self
                .all
                .iter()
                .filter(|symbol| symbol.name == name)
                .collect();
        }
        let index = self.by_name.get_or_init(|| {
            let hashes = self.all.iter().zip(0..);
            let mut index: Vec<_> = hashes
                .filter(|(s, _)| !s.name.is_empty())
                .map(|(s, n)| (hash(s.name), n))
                .collect();
            threads::sort(&mut index);
            index
        });
        let hash = hash(name);
        let start = index.partition_point(|(other, _)| *other < hash);
        let same = index
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(|(other, _)| *other == hash);
        same.filter_map(|(_, n)| self.get(*n))
            .filter(|symbol| symbol.name == name)
            .collect()
    }

    fn by_address(&self) -> &[(u64, u32)] {
        self.by_address.get_or_init(|| {
            let places = self.all.iter().zip(0..).filter(|(symbol, _)| {
                symbol.is_defined()
                    && !symbol.name.is_empty()
                    && !matches!(symbol.kind, SymbolKind::Section | SymbolKind::Other)
            });
            let mut index: Vec<_> = places.map(|(symbol, n)| (symbol.address, n)).collect();
            threads::sort(&mut index);
            index
        })
    }

    /// Every named function, variable and label that is defined, by address.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &Symbol<'a>> {
        self.by_address().iter().filter_map(|(_, n)| self.get(*n))
    }

    /// Named symbols that start at `address`, in the order of the table.
    fn same_start(&self, address: u64) -> impl Iterator<Item = &Symbol<'a>> {
        let index = self.by_address();
        let start = index.partition_point(|(other, _)| *other < address);
        let same = index
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(move |(a, _)| *a == address)
            .take(MOST_ALIASES);
        same.filter_map(|(_, n)| self.get(*n))
    }

    /// Every named symbol that starts at `address`, the best first.
    pub(crate) fn starting_at(&self, address: u64) -> Vec<&Symbol<'a>> {
        let mut symbols: Vec<_> = self.same_start(address).collect();
        symbols.sort_by_key(|symbol| std::cmp::Reverse(symbol.rank()));
        symbols
    }

    /// The best named symbol that starts at `address`.
    pub(crate) fn best_at(&self, address: u64) -> Option<&Symbol<'a>> {
        // Of equal ones the first.
        self.same_start(address)
            .min_by_key(|symbol| std::cmp::Reverse(symbol.rank()))
    }

    /// The symbol that holds `address`: the best of those with the last start before it.
    pub(crate) fn at(&self, address: u64) -> Option<&Symbol<'a>> {
        let index = self.by_address();
        let end = index.partition_point(|(other, _)| *other <= address);
        // A label within a function starts later than the function that holds the address: look back, but
        // not for ever.
        let before = index
            .get(..end)
            .unwrap_or_default()
            .iter()
            .rev()
            .take(MOST_ALIASES);
        let mut best: Option<&Symbol<'a>> = None;
        for (start, n) in before {
            let Some(symbol) = self.get(*n).filter(|symbol| symbol.contains(address)) else {
                continue;
            };
            match best {
                Some(found) if found.address > *start && found.rank().0 && found.rank().1 => break,
                Some(found) if found.rank() >= symbol.rank() => {}
                _ => best = Some(symbol),
            }
        }
        best
    }

    /// The first start of a symbol of the same section behind `address`.
    pub(crate) fn next_start(&self, address: u64, section: u32) -> Option<u64> {
        let index = self.by_address();
        let start = index.partition_point(|(other, _)| *other <= address);
        let behind = index.get(start..).unwrap_or_default().iter();
        behind
            .take(MOST_ALIASES)
            .filter_map(|(_, n)| self.get(*n))
            .find(|symbol| symbol.section() == Some(section))
            .map(|symbol| symbol.address)
    }
}

fn kind(machine: u16, kind: u8, name: &str) -> SymbolKind {
    // Mapping symbols tell code from data; local labels are the assembler's.
    let noise = name.starts_with('$')
        && [elf::EM_ARM.0, elf::EM_AARCH64.0, elf::EM_RISCV.0].contains(&machine)
        || name.starts_with(".L")
        || name.starts_with("$L");
    match kind {
        _ if noise => SymbolKind::Other,
        0 => SymbolKind::Label,
        1 | 5 => SymbolKind::Variable,
        2 | 10 => SymbolKind::Function,
        3 => SymbolKind::Section,
        _ => SymbolKind::Other,
    }
}

fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// The function descriptors of 64-bit PowerPC, ELFv1: a function's symbol names its descriptor in
/// `.opd`, whose first word is the address of the code ("64-bit PowerPC ELF Application Binary Interface
/// Supplement 1.9", 3.2.4 "Function Descriptors").
#[derive(Debug, Default)]
struct Descriptors {
    /// Start of a descriptor, address of the code, its section; sorted.
    code: Vec<(u64, u64, u32)>,
}

impl Descriptors {
    fn of(file: &Elf<'_>) -> Self {
        let section = file
            .section_named(".opd")
            .filter(|_| file.machine == elf::EM_PPC64.0);
        let Some((section, base)) = section.and_then(|section| Some((section, section.address?)))
        else {
            return Descriptors::default();
        };
        let mut code = Vec::new();
        if file.is_relocatable() {
            // The words are filled in by relocations, whose symbols are mostly those of sections.
            for table in file.relocations_of(section.index) {
                let Some(symbols) = file.section(table.link).and_then(|symbols| symbols.bytes)
                else {
                    continue;
                };
                let symbols = crate::bytes::Bytes::new(symbols, file.endian());
                for entry in table.bytes.unwrap_or_default().chunks_exact(24) {
                    let entry = crate::bytes::Bytes::new(entry, file.endian());
                    let (Some(at), Some(info), Some(addend)) =
                        (entry.u64(0), entry.u64(8), entry.u64(16))
                    else {
                        continue;
                    };
                    if (info & 0xffff_ffff) as u32 != elf::R_PPC64_ADDR64.0 {
                        continue;
                    }
                    let symbol = (info >> 32) * 24;
                    let (Some(home), Some(value)) =
                        (symbols.u16(symbol + 6), symbols.u64(symbol + 8))
                    else {
                        continue;
                    };
                    if let Some(start) = file.section(home.into()).and_then(|home| home.address) {
                        let target = start.wrapping_add(value).wrapping_add(addend);
                        code.push((base.wrapping_add(at), target, u32::from(home)));
                    }
                }
            }
        } else {
            let bytes = crate::bytes::Bytes::new(section.bytes.unwrap_or_default(), file.endian());
            // A descriptor has three words; old linkers drop the third, so each word is looked at.
            for offset in (0..section.size.min(bytes.data.len() as u64)).step_by(8) {
                let Some(target) = bytes.u64(offset) else {
                    break;
                };
                if let Some(home) = file.section_at(target).filter(|home| home.is_code()) {
                    code.push((base.wrapping_add(offset), target, home.index));
                }
            }
        }
        code.sort_unstable();
        Descriptors { code }
    }

    /// The code, and its section, of the descriptor at `address`.
    fn code(&self, address: u64) -> Option<(u64, u32)> {
        let found = self
            .code
            .binary_search_by_key(&address, |(at, ..)| *at)
            .ok()?;
        self.code
            .get(found)
            .map(|(_, target, home)| (*target, *home))
    }
}
