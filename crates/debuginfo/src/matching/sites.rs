//! The places of code that a running kernel has rewritten, or may have: its bytes there are not the file's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use object::elf;

use super::tables::{Length, Place, Shape, TABLES, TableKind};
use crate::bytes::Bytes;
use crate::error::Result;
use crate::object::Object;
use crate::relocation::RelocationKind;

/// Why the bytes of running code differ from those of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rewrite {
    /// The loader has filled in an address.
    Relocation,
    /// Instructions for what the CPU can do.
    Alternative,
    /// A branch that is a nop while a static key is off, or the other way round.
    StaticKey,
    /// A call whose target is exchanged.
    StaticCall,
    /// The call of the tracer at a function's entry.
    Tracing,
    /// A return that must not be speculated over.
    Return,
    /// An indirect call that must not be speculated over.
    Retpoline,
    /// A call that counts how deep it is.
    CallDepth,
    /// An instruction that a hypervisor replaces.
    Paravirt,
    /// The lock prefix, which a machine with one processor does without.
    Lock,
    /// The landing of indirect calls, taken away where none comes.
    Landing,
    /// The check of an indirect call, or what is checked.
    ControlFlow,
    /// A constant that is known at boot only.
    Constant,
    /// A breakpoint of a probe.
    Probe,
}

/// A place that a kernel rewrites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where, in the addresses of the file.
    pub range: Range<u64>,
    /// Why.
    pub why: Rewrite,
}

/// Nops at a function's entry that are looked at.
const MOST_NOPS: u64 = 8;

/// Bytes of one place at most.
const LONGEST: u64 = 0x1000;

/// Entries of a table by which its shape is told.
const MOST_TRIED: usize = 64;

impl<'a> Object<'a> {
    /// The places in `range` that a running kernel rewrites, by address; where two overlap both are told.
    pub fn rewritten(&self, range: Range<u64>) -> Result<Vec<Site>> {
        let mut sites = Vec::new();
        let keep = |sites: &mut Vec<Site>, place: Range<u64>, why| {
            if place.start < range.end && place.end > range.start {
                sites.push(Site { range: place, why });
            }
        };
        // A field may begin before the range.
        let near = range.start.saturating_sub(8)..range.end;
        let near = match self.section_at(range.start) {
            Some(section) => near.start.max(section.range().start)..near.end,
            None => return Ok(sites),
        };
        let is_module = self.is_relocatable();
        self.each_relocation(near, |relocation| {
            // Linked code moves as a whole, so distances stay.
            if is_module || relocation.kind == RelocationKind::Address {
                let end = relocation.at.saturating_add(u64::from(relocation.size));
                keep(&mut sites, relocation.at..end, Rewrite::Relocation);
            }
        })?;
        let marks = self.table_marks()?;
        for kind in TABLES {
            for table in self.tables_of(kind, &marks) {
                self.read_table(kind, table, &range, |place| {
                    keep(&mut sites, place, kind.why)
                })?;
            }
        }
        sites.sort_by_key(|site| (site.range.start, site.range.end, site.why));
        sites.dedup();
        Ok(sites)
    }

    /// The symbols that mark tables in a linked kernel.
    fn table_marks(&self) -> Result<BTreeMap<&'a str, u64>> {
        let mut marks = BTreeMap::new();
        if self.is_relocatable() {
            return Ok(marks);
        }
        let exact: BTreeSet<&str> = TABLES
            .iter()
            .flat_map(|kind| [kind.linked.0, kind.linked.1])
            .collect();
        let open: Vec<&str> = exact
            .iter()
            .copied()
            .filter(|mark| mark.ends_with('_') && !mark.is_empty())
            .collect();
        for symbol in self.symbols()? {
            let name = symbol.name;
            if name.starts_with("__")
                && symbol.is_defined()
                && (exact.contains(name) || open.iter().any(|mark| name.starts_with(mark)))
            {
                marks.insert(name, symbol.address);
            }
        }
        Ok(marks)
    }

    /// Where the tables of this kind lie.
    fn tables_of(&self, kind: &TableKind, marks: &BTreeMap<&'a str, u64>) -> Vec<Range<u64>> {
        let has_names = kind.section.ends_with('_');
        let sections = self.sections().iter().filter(|section| section.is_loaded());
        let named = sections.filter(|section| match has_names {
            true => section.name.starts_with(kind.section),
            false => section.name == kind.section,
        });
        let mut found: Vec<_> = named.map(crate::elf::Section::range).collect();
        let (start, end) = kind.linked;
        if found.is_empty() && !start.is_empty() {
            for (name, from) in marks.range(start..) {
                let Some(rest) = name.strip_prefix(start) else {
                    break;
                };
                if !has_names && !rest.is_empty() {
                    continue;
                }
                let to = marks.get(format!("{end}{rest}").as_str());
                found.extend(to.map(|to| *from..*to));
            }
        }
        found
    }

    /// Calls `each` with every place that a table names in `range` or close to it.
    fn read_table(
        &self,
        kind: &TableKind,
        table: Range<u64>,
        range: &Range<u64>,
        mut each: impl FnMut(Range<u64>),
    ) -> Result<()> {
        let size = table.end.saturating_sub(table.start);
        let Some(bytes) = self.bytes_at(table.start, size) else {
            return Ok(());
        };
        let mut filled = BTreeMap::new();
        let is_empty = || bytes.iter().take(64).all(|byte| *byte == 0);
        if self.is_relocatable() || is_empty() {
            let end = table.start.saturating_add(bytes.len() as u64);
            self.each_relocation(table.start..end, |relocation| {
                if let Some(target) = relocation.target() {
                    filled.entry(relocation.at).or_insert(target);
                }
            })?;
        }
        let reader = Reader {
            object: self,
            start: table.start,
            bytes: Bytes::new(bytes, self.endian()),
            filled,
            word: u64::from(self.identity().pointer_bits / 8),
        };
        let fits = |shape: &&Shape| {
            let mut entries = reader.entries(**shape).take(MOST_TRIED).peekable();
            entries.peek().is_some() && entries.all(|place| place.is_some())
        };
        if let Some(shape) = kind.shapes.iter().find(fits) {
            // A kernel has a hundred thousand entries: what lies elsewhere is not looked at.
            let near = range.start.saturating_sub(LONGEST)..range.end.saturating_add(LONGEST);
            for place in reader.places_near(*shape, &near) {
                each(place);
            }
        }
        Ok(())
    }

    /// Whether instructions lie at `address`.
    fn is_code(&self, address: u64) -> bool {
        self.section_at(address)
            .is_some_and(|section| section.is_code())
    }
}

/// Reads the entries of one table.
struct Reader<'r, 'a> {
    object: &'r Object<'a>,
    start: u64,
    bytes: Bytes<'a>,
    /// What the loader fills in, by the address of the field.
    filled: BTreeMap<u64, u64>,
    word: u64,
}

impl Reader<'_, '_> {
    /// The places that the entries tell; none for an entry that names no code.
    fn entries(&self, shape: Shape) -> impl Iterator<Item = Option<Range<u64>>> + '_ {
        let stride = shape.stride.of(self.word);
        let size = self.bytes.data.len() as u64;
        // What follows the last whole entry is padding; the last entry may lack its own.
        let count = size.saturating_add(stride / 2) / stride;
        (0..count).map(move |n| self.place(shape, n.saturating_mul(stride)))
    }

    /// The places of those entries whose place begins in `near`.
    fn places_near(&self, shape: Shape, near: &Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let stride = shape.stride.of(self.word);
        let count = self.bytes.data.len() as u64 / stride + 1;
        let entries = (0..count).map(move |n| n.saturating_mul(stride));
        let is_near = move |entry: &u64| {
            let start = self.target(shape.place, *entry, 0);
            start.is_some_and(|start| near.contains(&start))
        };
        entries
            .filter(is_near)
            .filter_map(move |entry| self.place(shape, entry))
    }

    fn place(&self, shape: Shape, entry: u64) -> Option<Range<u64>> {
        let start = self.target(shape.place, entry, 0)?;
        if !self.object.is_code(start) {
            return None;
        }
        let at = |size: super::tables::Size| entry.checked_add(size.of(self.word));
        let length = match shape.length {
            Length::Fixed(around) => return Some(around.of(start)),
            Length::Byte(field) => u64::from(self.bytes.u8(at(field)?)?),
            Length::Half(field) => u64::from(self.bytes.u16(at(field)?)?),
            Length::Word(field) => self.bytes.number(at(field)?, self.word)?,
            Length::Span => self.target(shape.place, entry, 1)?.checked_sub(start)?,
            Length::Branch => self.branch_size(start),
            Length::Entry => return Some(self.entry_of_function(start)),
        };
        // No replacement is longer: a table that says so is none, or has another shape.
        (length <= LONGEST).then(|| start..start.saturating_add(length))
    }

    /// The address that a field of an entry tells.
    fn target(&self, place: Place, entry: u64, number: u64) -> Option<u64> {
        let field = match place {
            Place::Span(first) => entry + (first + number) * self.word,
            _ => entry,
        };
        let at = self.start.checked_add(field)?;
        // A span counts from the start of its entry, but the relocation from the field.
        let counted = match place {
            Place::Span(_) => field - entry,
            _ => 0,
        };
        if let Some(target) = self.filled.get(&at) {
            return Some(target.wrapping_sub(counted));
        }
        let told = match place {
            Place::Word => return self.bytes.number(field, self.word),
            Place::Distance => i64::from(self.bytes.u32(field)?.cast_signed()),
            Place::Span(_) | Place::LongDistance => {
                let told = self.bytes.number(field, self.word)?;
                crate::machines::sign_extend(told, 8 * self.word as u32)
            }
        };
        Some(at.wrapping_sub(counted).wrapping_add_signed(told))
    }

    /// Bytes of the branch, or of the nop in its place.
    fn branch_size(&self, at: u64) -> u64 {
        if !self.is_x86() {
            return 4;
        }
        // Prefixes pad a branch or a nop: `cs`, operand size.
        match self.object.bytes_at(at, 3).unwrap_or_default() {
            [0xeb, ..] | [0x66, 0x90, ..] => 2,
            [0x0f, 0x80..=0x8f, ..] | [0x2e, 0xe8 | 0xe9, ..] => 6,
            _ => 5,
        }
    }

    /// What is rewritten at the entry of a function.
    fn entry_of_function(&self, at: u64) -> Range<u64> {
        if self.is_x86() {
            return at..at.saturating_add(5);
        }
        let machine = elf_machine(self.object);
        let little = |n: u64| self.object.bytes_at(at.saturating_add(n), 4);
        let word = |n: u64| -> Option<u32> { Bytes::new(little(n)?, self.bytes.endian).u32(0) };
        let mut end = at;
        for _ in 0..MOST_NOPS {
            let behind = end - at;
            let size = match (machine, word(behind)) {
                (elf::EM_AARCH64, Some(0xd503_201f)) => 4,
                // `bti c` stands before the nops, or between them.
                (elf::EM_AARCH64, Some(0xd503_245f)) => 4,
                (elf::EM_RISCV, Some(0x0000_0013)) => 4,
                (elf::EM_RISCV, Some(word)) if word & 0xffff == 1 => 2,
                (elf::EM_PPC64, Some(0x6000_0000)) => 4,
                _ => break,
            };
            end = end.saturating_add(size);
        }
        if end > at {
            return at..end;
        }
        match machine {
            // `mflr r0` before the call goes with it, in whatever order the compiler writes the two.
            elf::EM_PPC64 | elf::EM_PPC => at.saturating_sub(8)..at.saturating_add(4),
            // `lui`, `addiu` or `jal` with its delay slot.
            elf::EM_MIPS => at..at.saturating_add(8),
            elf::EM_RISCV => at..at.saturating_add(8),
            _ => at..at.saturating_add(4),
        }
    }

    fn is_x86(&self) -> bool {
        matches!(elf_machine(self.object), elf::EM_X86_64 | elf::EM_386)
    }
}

fn elf_machine(object: &Object<'_>) -> elf::Machine {
    elf::Machine(object.identity().machine)
}
