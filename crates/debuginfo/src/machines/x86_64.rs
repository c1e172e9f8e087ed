//! x86_64. "System V Application Binary Interface, AMD64 Architecture Processor Supplement": 4.4.1
//! "Relocation Types", figure 3.36 "DWARF Register Number Mapping", 3.2.3 "Parameter Passing".

use std::ops::Range;

use object::elf::{self, RelocationType};

use super::{Branch, Convention, Field, Fill, LargeResult, Machine, Meaning, Structures, scan};
use crate::bytes::Bytes;
use crate::crossrefs::{How, Starts};
use crate::link::{Word, fill_x86};
use crate::relocation::RelocationKind;
use crate::relocation::RelocationKind::{Other, Relative, Slot, ThreadLocal};

pub(crate) static ENTRY: Machine = Machine {
    elf: elf::EM_X86_64.0,
    meaning,
    // The ABI uses only relocations with addends.
    addend: |_, _| 0,
    register: |number, _| REGISTERS.get(usize::from(number)).copied(),
    branches: |section, part, base| {
        scan(section, part, 1, |field| {
            branch(field, base.wrapping_add(field.offset))
        })
    },
    branches_to: Some(branches_to),
    all_to: Some(all_to),
    beginnings: |section, part, base, target| {
        let begins =
            |field: &Field<'_>| begins_address(field, base.wrapping_add(field.offset), target);
        // The distance is the last of the instruction.
        let fields = distances_to(section, part, base, target).into_iter();
        let starts = fields.filter_map(|field| field.checked_sub(3));
        let is_one = |offset: &u64| {
            begins(&Field {
                section,
                offset: *offset,
                is_code: true,
            })
        };
        starts.filter(is_one).collect()
    },
    fill,
    table: None,
    step: 1,
    convention: Convention {
        structures: Structures::RegistersOrStack(2),
        even_pairs: false,
        large_result: LargeResult::FirstArgument(2),
    },
};

const REGISTERS: &[&str] = &[
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15", "rip",
];

fn fill(kind: u32, neutral: RelocationKind, word: &Word) -> Fill {
    let size = match RelocationType(kind) {
        elf::R_X86_64_64 | elf::R_X86_64_PC64 => 8,
        elf::R_X86_64_16 | elf::R_X86_64_PC16 => 2,
        elf::R_X86_64_8 | elf::R_X86_64_PC8 => 1,
        _ => 4,
    };
    fill_x86(neutral, size, word)
}

fn meaning(kind: u32, field: &Field<'_>) -> Meaning {
    match RelocationType(kind) {
        elf::R_X86_64_NONE => Meaning::hint(),
        elf::R_X86_64_64 => Meaning::address(8),
        elf::R_X86_64_32 | elf::R_X86_64_32S => Meaning::address(4),
        elf::R_X86_64_16 => Meaning::address(2),
        elf::R_X86_64_8 => Meaning::address(1),
        elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => relative(field),
        elf::R_X86_64_PC64 => Meaning::distance(8),
        elf::R_X86_64_PC16 => Meaning::distance(2),
        elf::R_X86_64_PC8 => Meaning::distance(1),
        elf::R_X86_64_GOTPCREL | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_REX_GOTPCRELX => {
            Meaning::new(Slot, 4).bias(4)
        }
        elf::R_X86_64_RELATIVE => Meaning::address(8),
        elf::R_X86_64_GLOB_DAT | elf::R_X86_64_JUMP_SLOT => Meaning::address(8),
        elf::R_X86_64_DTPMOD64 | elf::R_X86_64_DTPOFF64 | elf::R_X86_64_TPOFF64 => Meaning {
            apply: super::Apply::Value,
            ..Meaning::new(ThreadLocal, 8)
        },
        elf::R_X86_64_DTPOFF32 | elf::R_X86_64_TPOFF32 => Meaning {
            apply: super::Apply::Value,
            ..Meaning::new(ThreadLocal, 4)
        },
        elf::R_X86_64_GOTTPOFF | elf::R_X86_64_TLSGD | elf::R_X86_64_TLSLD => {
            Meaning::new(ThreadLocal, 4)
        }
        _ => Meaning::new(Other, 4),
    }
}

/// A distance of 32 bits, which in code is an operand or the target of a branch.
pub(super) fn relative(field: &Field<'_>) -> Meaning {
    if !field.is_code {
        return Meaning::distance(4);
    }
    // The field of a branch ends the instruction; that of an operand does unless a constant follows.
    // No operand can look like a branch: relative to the program counter its ModRM byte is 00xxx101.
    let relative = match (field.before(2), field.before(1)) {
        (_, Some(0xe8)) => Meaning::branch(true, 4),
        (_, Some(0xe9)) | (Some(0x0f), Some(0x80..=0x8f)) => Meaning::branch(false, 4),
        _ => Meaning {
            apply: super::Apply::Distance,
            ..Meaning::new(Relative, 4)
        },
    };
    relative.bias(4)
}

/// `call rel32`, `jmp rel32`, `jcc rel32`, and the short `jmp rel8`, by which a function leaves for a neighbour.
/// Two bytes are found by chance: who asks looks at the instruction too.
pub(super) fn branch(field: &Field<'_>, address: u64) -> Option<Branch> {
    let (size, is_call) = match (
        field.section.u8(field.offset)?,
        field.section.u8(field.offset + 1)?,
    ) {
        (0xe8, _) => (5, true),
        (0xe9, _) => (5, false),
        (0x0f, 0x80..=0x8f) => (6, false),
        (0xeb, distance) => {
            let distance = i64::from(distance.cast_signed());
            return Some(Branch {
                target: address.wrapping_add(2).wrapping_add_signed(distance),
                is_call: false,
            });
        }
        _ => return None,
    };
    let distance = i64::from(field.word_at(size - 4)?.cast_signed());
    Some(Branch {
        target: address.wrapping_add(size).wrapping_add_signed(distance),
        is_call,
    })
}

/// The branches to `target` whose distance lies in a part of a section.
fn branches_to(section: Bytes<'_>, part: Range<u64>, base: u64, target: u64) -> Vec<(u64, Branch)> {
    let mut found = Vec::new();
    for distance in distances_to(section, part, base, target) {
        for size in [1, 2] {
            let Some(offset) = distance.checked_sub(size) else {
                continue;
            };
            let field = Field {
                section,
                offset,
                is_code: true,
            };
            let branch = branch(&field, base.wrapping_add(offset));
            if let Some(branch) = branch.filter(|branch| branch.target == target) {
                found.push((offset, branch));
            }
        }
    }
    found
}

/// Words that are compared before it is asked whether one was equal: so the compiler compares many at once.
const BLOCK: usize = 256;

/// The offsets in a part of a section at which 32 bits lead to `target` when counted from behind them.
fn distances_to(section: Bytes<'_>, part: Range<u64>, base: u64, target: u64) -> Vec<u64> {
    let (Ok(start), Ok(end)) = (usize::try_from(part.start), usize::try_from(part.end)) else {
        return Vec::new();
    };
    // A distance may begin at the last byte of the part.
    let end = end.saturating_add(3).min(section.data.len());
    let bytes = section.data.get(start..end).unwrap_or_default();
    let word = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).map_or(0, u32::from_le_bytes);
    let mut found = Vec::new();
    for phase in 0..4 {
        let words = bytes.get(phase..).unwrap_or_default();
        let mut at = part.start + phase as u64;
        for block in words.chunks(4 * BLOCK) {
            // What the first word must be; that of the next is 4 less.
            let wanted = target.wrapping_sub(base.wrapping_add(at + 4)) as u32;
            let equal = |(bytes, number): (&[u8], u32)| {
                u32::from(word(bytes) == wanted.wrapping_sub(4 * number))
            };
            // No early end: it would be decided word by word.
            let count: u32 = block.chunks_exact(4).zip(0..).map(equal).sum();
            if count > 0 {
                for (bytes, number) in block.chunks_exact(4).zip(0_u64..) {
                    let place = at + 4 * number;
                    let distance = i64::from(word(bytes).cast_signed());
                    let behind = base.wrapping_add(place + 4);
                    if behind.wrapping_add_signed(distance) == target {
                        found.push(place);
                    }
                }
            }
            at += block.len() as u64;
        }
    }
    found.sort_unstable();
    found
}

/// All that [`branch`] and [`begins_address`] find of starts of functions.
fn all_to(
    section: Bytes<'_>,
    part: Range<u64>,
    base: u64,
    starts: &Starts,
) -> Vec<(u64, u64, How)> {
    let (Ok(start), Ok(end)) = (usize::try_from(part.start), usize::try_from(part.end)) else {
        return Vec::new();
    };
    let code = section.data.get(start..).unwrap_or_default();
    let distance = |at: usize| {
        let word = code.get(at..at + 4)?;
        Some(i64::from(i32::from_le_bytes(word.try_into().ok()?)))
    };
    let mut found = Vec::new();
    let own = code.get(..end.saturating_sub(start)).unwrap_or(code);
    for (at, byte) in own.iter().enumerate() {
        // Most bytes are none of these.
        let (size, how) = match byte {
            0xe8 => (5, How::Call),
            0xe9 => (5, How::Jump),
            0xeb => (2, How::Jump),
            0x0f if matches!(code.get(at + 1), Some(0x80..=0x8f)) => (6, How::Jump),
            0x48 | 0x4c
                if code.get(at + 1) == Some(&0x8d)
                    && code.get(at + 2).is_some_and(|modrm| modrm & 0xc7 == 5) =>
            {
                (7, How::Address)
            }
            _ => continue,
        };
        let distance = match size {
            2 => code.get(at + 1).map(|byte| i64::from(byte.cast_signed())),
            size => distance(at + size - 4),
        };
        let Some(distance) = distance else {
            continue;
        };
        let offset = part.start + at as u64;
        let behind = base.wrapping_add(offset).wrapping_add(size as u64);
        let target = behind.wrapping_add_signed(distance);
        if starts.has(target) {
            found.push((offset, target, how));
        }
    }
    found
}

/// `lea rel32(%rip), register`, the only way that makes an address of the same section without a relocation.
fn begins_address(field: &Field<'_>, address: u64, target: u64) -> bool {
    let byte = |behind: u64| field.section.u8(field.offset + behind);
    if !matches!(byte(0), Some(0x48 | 0x4c))
        || byte(1) != Some(0x8d)
        || byte(2).is_none_or(|m| m & 0xc7 != 5)
    {
        return false;
    }
    let distance = field.word_at(3).map(|word| i64::from(word.cast_signed()));
    distance.is_some_and(|distance| address.wrapping_add(7).wrapping_add_signed(distance) == target)
}
