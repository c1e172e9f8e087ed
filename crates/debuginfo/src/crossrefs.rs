//! All references of one object to functions and data, sorted by what they refer to.
//!
//! The index is made of relocations, and of direct branches for which the assembler or the linker left none. Of a
//! whole kernel it takes a tenth of a second, so the first questions are answered by looking for one address.

use std::ops::Range;

use rayon::prelude::*;

use crate::bytes::Bytes;
use crate::elf::Section;
use crate::error::Result;
use crate::object::Object;
use crate::relocation::{Relocation, RelocationKind};
use crate::sources::elf_symtab::Home;
use crate::threads;

/// Bytes of a section that are looked through at a time.
const PART: u64 = 1 << 20;

/// Sections in which kernels keep tables about their code: what they name is not called for it.
const TABLES: &[&str] = &[
    ".altinstr",
    ".call_sites",
    ".discard",
    ".eh_frame",
    ".ibt_endbr_seal",
    ".opd",
    ".orc_",
    ".parainstructions",
    ".pdr",
    ".rela",
    ".retpoline_sites",
    ".return_sites",
    ".smp_locks",
    ".static_call_sites",
    "__bug_table",
    "__ex_table",
    "__jump_table",
    "__kcfi_traps",
    "__ksymtab",
    "__mcount_loc",
    "__patchable_function_entries",
];

/// Whether a section is such a table. Replacements of instructions are code, which may call.
pub(crate) fn is_table(section: &Section<'_>) -> bool {
    !section.is_code() && TABLES.iter().any(|table| section.name.starts_with(table))
}

/// How one place refers to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// It calls it.
    Call,
    /// It jumps to it.
    Jump,
    /// It holds or makes its address.
    Address,
}

/// One reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    /// What is referred to: an address, or the number of a symbol that is defined elsewhere.
    pub(crate) to: u64,
    /// The address of the referring field, of a branch that of its instruction.
    pub(crate) at: u64,
    pub(crate) how: How,
}

/// All references of an object.
#[derive(Debug, Default)]
pub(crate) struct CrossReferences {
    /// To addresses of the object itself, sorted.
    own: Vec<Reference>,
    /// To symbols that are defined elsewhere, by their numbers, sorted.
    other: Vec<Reference>,
    /// Instructions that begin to make the address of a function without a relocation: the function and the place,
    /// sorted; none where they were not looked for.
    made: Option<Vec<(u64, u64)>>,
}

/// Addresses at which functions start.
#[derive(Debug)]
pub(crate) struct Starts {
    /// From the first byte of code to the last.
    code: Range<u64>,
    first: u64,
    /// A bit for each address from the first one on; none where they lie too far apart.
    bits: Vec<u64>,
    sorted: Vec<u64>,
}

/// Addresses for which there is a bit: 8 MiB of bits hold those of any kernel.
const MOST_BITS: u64 = 1 << 26;

impl Starts {
    fn of(object: &Object<'_>) -> Result<Self> {
        let symbols = object.symbols()?.iter();
        let functions = symbols.filter(|symbol| object.is_function(symbol));
        let mut sorted: Vec<u64> = functions.map(|symbol| symbol.address).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let first = sorted.first().copied().unwrap_or(0);
        let last = sorted.last().copied().unwrap_or(0);
        let mut bits = Vec::new();
        if last - first < MOST_BITS {
            bits.resize(((last - first) / 64 + 1) as usize, 0);
            for start in &sorted {
                let number = start - first;
                if let Some(word) = bits.get_mut((number / 64) as usize) {
                    *word |= 1 << (number % 64);
                }
            }
        }
        let code = object.sections().iter().filter(|s| s.is_code());
        let code = code
            .map(Section::range)
            .reduce(|all, section| all.start.min(section.start)..all.end.max(section.end));
        Ok(Starts {
            code: code.unwrap_or(0..0),
            first,
            bits,
            sorted,
        })
    }

    /// Whether a function starts there.
    pub(crate) fn has(&self, address: u64) -> bool {
        if self.bits.is_empty() {
            return self.sorted.binary_search(&address).is_ok();
        }
        let number = address.wrapping_sub(self.first);
        let word = self
            .bits
            .get(usize::try_from(number / 64).unwrap_or(usize::MAX));
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

impl CrossReferences {
    /// Looks through all loaded sections of the object.
    pub(crate) fn read<'a>(object: &Object<'a>) -> Result<Self> {
        let starts = Starts::of(object)?;
        let mut parts: Vec<(&Section<'a>, Range<u64>)> = Vec::new();
        for section in object.sections().iter().filter(|s| s.is_loaded()) {
            if is_table(section) {
                continue;
            }
            // What is all zeroes refers to nothing, whatever size it claims.
            let size = section.bytes.map_or(0, |bytes| bytes.len() as u64);
            for start in (0..size).step_by(PART as usize) {
                parts.push((section, start..size.min(start + PART)));
            }
        }
        let found = threads::map(&parts, |(section, part)| {
            let mut found = references(object, section, part.clone(), &starts)?;
            found.own.sort_unstable();
            Ok(found)
        });
        let found: Vec<Part> = found.into_iter().collect::<Result<_>>()?;
        let mut all = CrossReferences {
            own: Vec::with_capacity(found.iter().map(|part| part.own.len()).sum()),
            ..CrossReferences::default()
        };
        let mut made = Vec::new();
        for part in found {
            all.own.extend(part.own);
            all.other.extend(part.other);
            made.extend(part.made);
        }
        // Each part is in order: they are only merged by this one.
        all.own.sort();
        all.other.sort_unstable();
        made.sort_unstable();
        let has_all = object
            .machine()
            .is_some_and(|machine| machine.all_to.is_some());
        all.made = has_all.then_some(made);
        Ok(all)
    }

    /// The instructions that begin to make an address without a relocation, where all such were looked for.
    pub(crate) fn beginnings(&self, address: u64) -> Option<impl Iterator<Item = u64> + '_> {
        let made = self.made.as_ref()?;
        let start = made.partition_point(|(to, _)| *to < address);
        let found = made.get(start..).unwrap_or_default().iter();
        let found = found.take_while(move |(to, _)| *to == address);
        Some(found.map(|(_, at)| *at))
    }

    /// The references to an address of the object.
    pub(crate) fn to_address(&self, address: u64) -> &[Reference] {
        same(&self.own, address)
    }

    /// The references to a symbol that is defined elsewhere.
    pub(crate) fn to_symbol(&self, index: u32) -> &[Reference] {
        same(&self.other, index.into())
    }
}

fn same(references: &[Reference], to: u64) -> &[Reference] {
    let start = references.partition_point(|reference| reference.to < to);
    let end = references.partition_point(|reference| reference.to <= to);
    references.get(start..end).unwrap_or_default()
}

/// The references of a part of a section: to addresses and to symbols, and what begins to make an address.
#[derive(Debug, Default)]
struct Part {
    own: Vec<Reference>,
    other: Vec<Reference>,
    made: Vec<(u64, u64)>,
}

fn references<'a>(
    object: &Object<'a>,
    section: &Section<'a>,
    part: Range<u64>,
    starts: &Starts,
) -> Result<Part> {
    let mut found = Part::default();
    let base = section.address.unwrap_or(0);
    let range = base.saturating_add(part.start)..base.saturating_add(part.end);
    object.each_relocation(range, |relocation| {
        let Some((how, at)) = use_of(object, &relocation) else {
            return;
        };
        if let Some(to) = relocation.target() {
            // Of functions alone anyone asks.
            if starts.code.contains(&to) {
                found.own.push(Reference { to, at, how });
            }
        } else if let Some(symbol) = relocation.symbol
            && matches!(symbol.home, Home::Elsewhere | Home::Common)
            && relocation.addend == 0
        {
            let to = u64::from(symbol.index);
            found.other.push(Reference { to, at, how });
        }
    })?;
    if let (true, Some(machine), Some(bytes)) = (section.is_code(), object.machine(), section.bytes)
    {
        let bytes = Bytes::new(bytes, object.endian());
        let table = object.table(section)?;
        let table = table.as_ref().as_ref().map_err(Clone::clone)?;
        // Within the operands of other instructions bytes may look like a branch, but hardly like one to
        // exactly where a function starts.
        let direct = match machine.all_to {
            Some(all_to) => all_to(bytes, part.clone(), base, starts),
            None => (machine.branches)(bytes, part.clone(), base)
                .into_iter()
                .filter(|(_, branch)| starts.has(branch.target))
                .map(|(offset, branch)| {
                    let how = if branch.is_call { How::Call } else { How::Jump };
                    (offset, branch.target, how)
                })
                .collect(),
        };
        // Both are sorted: what a relocation fills in is told by that.
        let last = part.end.saturating_add(LONGEST);
        let mut filled = table.places(part.start, last).peekable();
        for (offset, target, how) in direct {
            let size = match (machine.step, how) {
                (1, How::Address) => 7,
                (1, _) => 5,
                _ => 4,
            };
            while filled.next_if(|place| *place < offset).is_some() {}
            if filled.peek().is_some_and(|place| *place < offset + size) {
                continue;
            }
            let at = base.saturating_add(offset);
            match how {
                How::Address => found.made.push((target, at)),
                how => found.own.push(Reference {
                    to: target,
                    at,
                    how,
                }),
            }
        }
    }
    Ok(found)
}

/// Bytes of the longest instruction that refers to code.
const LONGEST: u64 = 8;

/// How a relocation refers to its target, and where from.
fn use_of(object: &Object<'_>, relocation: &Relocation<'_>) -> Option<(How, u64)> {
    let how = match relocation.kind {
        RelocationKind::Call => How::Call,
        RelocationKind::Jump => How::Jump,
        kind if kind.gives_address() => How::Address,
        _ => return None,
    };
    let at = match how {
        How::Address => relocation.at,
        _ => start_of_branch(object, relocation),
    };
    Some((how, at))
}

/// The references to one address of a linked object, without an index; none where there is no quick way.
pub(crate) fn look_for(object: &Object<'_>, target: u64) -> Result<Option<Vec<Reference>>> {
    let Some(branches_to) = object.machine().and_then(|machine| machine.branches_to) else {
        return Ok(None);
    };
    let names = object.symbols_starting_at(target)?;
    let is_function = names.iter().any(|symbol| object.is_function(symbol));
    let addresses = object.symbol_table()?.addresses();
    let mut found = Vec::new();
    for section in object.sections().iter().filter(|s| s.is_loaded()) {
        let (Some(bytes), false) = (section.bytes, is_table(section)) else {
            continue;
        };
        let base = section.address.unwrap_or(0);
        let table = object.table(section)?;
        let table = table.as_ref().as_ref().map_err(Clone::clone)?;
        let Some(near) = table.near(addresses, target) else {
            return Ok(None);
        };
        for offset in near.into_iter().filter(|offset| *offset < section.size) {
            let place = base.saturating_add(offset);
            object.each_relocation(place..place.saturating_add(1), |relocation| {
                if relocation.target() == Some(target)
                    && let Some((how, at)) = use_of(object, &relocation)
                {
                    found.push(Reference {
                        to: target,
                        at,
                        how,
                    });
                }
            })?;
        }
        if !section.is_code() || !is_function {
            continue;
        }
        let size = bytes.len() as u64;
        let bytes = Bytes::new(bytes, object.endian());
        let parts: Vec<u64> = (0..size).step_by(PART as usize).collect();
        let branches = parts.par_iter().with_max_len(1).flat_map_iter(|start| {
            branches_to(bytes, *start..size.min(start + PART), base, target)
        });
        for (offset, branch) in branches.collect::<Vec<_>>() {
            if !table.touches(offset, offset.saturating_add(5)) {
                let how = if branch.is_call { How::Call } else { How::Jump };
                found.push(Reference {
                    to: target,
                    at: base.saturating_add(offset),
                    how,
                });
            }
        }
    }
    found.sort_unstable();
    Ok(Some(found))
}

/// The address of the instruction whose operand a relocation fills in: x86 has an opcode in front.
fn start_of_branch(object: &Object<'_>, relocation: &Relocation<'_>) -> u64 {
    if object.machine().is_none_or(|machine| machine.step != 1) {
        return relocation.at;
    }
    let before = relocation
        .at
        .checked_sub(2)
        .and_then(|at| object.bytes_at(at, 2));
    let opcode = if matches!(before, Some([0x0f, 0x80..=0x8f])) {
        2
    } else {
        1
    };
    relocation.at.saturating_sub(opcode)
}

/// The instructions of a section that may begin to make the address `target`, without a relocation.
pub(crate) fn beginnings(
    object: &Object<'_>,
    section: &Section<'_>,
    target: u64,
) -> Result<Vec<u64>> {
    if let Some(found) = object
        .references_if_read()
        .and_then(|references| references.beginnings(target))
    {
        let within = section.range();
        return Ok(found.filter(|at| within.contains(at)).collect());
    }
    let mut found = Vec::new();
    let (Some(machine), Some(bytes), Some(base)) =
        (object.machine(), section.bytes, section.address)
    else {
        return Ok(found);
    };
    let size = bytes.len() as u64;
    let bytes = Bytes::new(bytes, object.endian());
    let parts: Vec<u64> = (0..size).step_by(PART as usize).collect();
    let offsets: Vec<u64> = parts
        .par_iter()
        .with_max_len(1)
        .flat_map_iter(|start| {
            (machine.beginnings)(bytes, *start..size.min(start + PART), base, target)
        })
        .collect();
    for offset in offsets {
        let at = base.saturating_add(offset);
        if !object.is_relocated(at, if machine.step == 1 { 7 } else { 4 })? {
            found.push(at);
        }
    }
    Ok(found)
}
