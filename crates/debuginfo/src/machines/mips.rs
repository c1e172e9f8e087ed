//! mips, 32 and 64 bits. "MIPS ABI: System V Application Binary Interface", 4-18 "Relocation Types";
//! "64-bit ELF Object File Specification", 2.9 "Relocation"; "MIPSpro N32 ABI Handbook", chapter 2
//! "Calling Convention Implementations"; `binutils/gas/config/tc-mips.c` for DWARF's register numbers.

use object::elf::{self, RelocationType};

use super::{
    Apply, Branch, Convention, Field, Fill, LargeResult, Machine, Meaning, Partner, Structures,
    find_all, scan, sign_extend,
};
use crate::link::Word;
use crate::relocation::RelocationKind;
use crate::relocation::RelocationKind::{
    GlobalPointer, High, Low, Other, Relative, Slot, SlotHigh, ThreadLocal, Upper,
};

pub(crate) static ENTRY: Machine = Machine {
    elf: elf::EM_MIPS.0,
    meaning,
    addend,
    register,
    branches: |section, part, base| {
        scan(section, part, 4, |field| {
            branch(field, base.wrapping_add(field.offset))
        })
    },
    branches_to: None,
    all_to: None,
    beginnings: |section, part, _, target| {
        find_all(section, part, 4, |field| begins_address(field, target))
    },
    fill,
    table: None,
    step: 4,
    convention: Convention {
        structures: Structures::Registers,
        even_pairs: true,
        large_result: LargeResult::FirstArgument(2),
    },
};

const OLD: &[&str] = &[
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6",
    "t7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8",
    "ra",
];

/// The conventions n32 and n64 pass eight arguments in registers, which takes four temporary ones.
const NEW: &[&str] = &[
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2",
    "t3", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8",
    "ra",
];

fn register(number: u16, is_64: bool) -> Option<&'static str> {
    match number {
        64 => Some("hi"),
        65 => Some("lo"),
        _ => (if is_64 { NEW } else { OLD })
            .get(usize::from(number))
            .copied(),
    }
}

/// Each part is added with its sign, so the ones above it make up for that (4-18, "AHL").
fn fill(kind: u32, _: RelocationKind, word: &Word) -> Fill {
    let half = |value: u64| word.with(0xffff, value & 0xffff);
    let target = word.target;
    match RelocationType(kind & 0xff) {
        // Three types to an entry that together make something else than an address.
        _ if kind >> 8 != 0 => Fill::Nothing,
        elf::R_MIPS_26 => word.with(0x03ff_ffff, target >> 2 & 0x03ff_ffff),
        elf::R_MIPS_PC16 => half(word.distance().wrapping_sub(4) >> 2),
        elf::R_MIPS_HI16 => half(target.wrapping_add(0x8000) >> 16),
        elf::R_MIPS_LO16 => half(target),
        elf::R_MIPS_HIGHER => half(target.wrapping_add(0x8000_8000) >> 32),
        elf::R_MIPS_HIGHEST => half(target.wrapping_add(0x8000_8000_8000) >> 48),
        elf::R_MIPS_32 => Fill::Number(4, target),
        elf::R_MIPS_64 => Fill::Number(8, target),
        _ => Fill::Nothing,
    }
}

fn meaning(kind: u32, field: &Field<'_>) -> Meaning {
    // 64-bit files have three types to an entry, each applied to the outcome of the one before.
    let (first, then) = (RelocationType(kind & 0xff), kind >> 8);
    if then != 0 {
        return match (
            first,
            RelocationType(then & 0xff),
            RelocationType(then >> 8),
        ) {
            // The distance between a function and its global pointer, computed by the function itself.
            (elf::R_MIPS_GPREL16, elf::R_MIPS_SUB, elf::R_MIPS_HI16 | elf::R_MIPS_LO16) => {
                Meaning::new(GlobalPointer, 4)
            }
            (elf::R_MIPS_GPREL32, elf::R_MIPS_64, elf::R_MIPS_NONE) => Meaning::new(Other, 8),
            (elf::R_MIPS_REL32, elf::R_MIPS_64, elf::R_MIPS_NONE) => Meaning::address(8),
            _ => Meaning::new(Other, 4),
        };
    }
    match first {
        elf::R_MIPS_NONE | elf::R_MIPS_JALR => Meaning::hint(),
        elf::R_MIPS_64 => Meaning::address(8),
        elf::R_MIPS_32 | elf::R_MIPS_REL32 => Meaning::address(4),
        // Type 248, R_MIPS_PC32 of GNU.
        RelocationType(248) => Meaning::distance(4),
        elf::R_MIPS_26 => Meaning::branch(field.word().is_none_or(|word| word >> 26 != 2), 4),
        elf::R_MIPS_PC16 => Meaning::branch(field.word().is_some_and(is_branch_and_link), 4),
        elf::R_MIPS_HI16 => Meaning::new(High, 4).partner(Partner::NextLow),
        elf::R_MIPS_LO16 => Meaning::new(Low, 4),
        elf::R_MIPS_HIGHER | elf::R_MIPS_HIGHEST => Meaning::new(Upper, 4),
        elf::R_MIPS_GPREL16 | elf::R_MIPS_LITERAL => Meaning::new(Relative, 4),
        elf::R_MIPS_GOT16
        | elf::R_MIPS_CALL16
        | elf::R_MIPS_GOT_DISP
        | elf::R_MIPS_GOT_PAGE
        | elf::R_MIPS_GOT_LO16
        | elf::R_MIPS_CALL_LO16 => Meaning::new(Slot, 4),
        elf::R_MIPS_GOT_HI16 | elf::R_MIPS_CALL_HI16 => Meaning::new(SlotHigh, 4),
        // The rest of the address, behind the page that the table holds.
        elf::R_MIPS_GOT_OFST => Meaning::new(Low, 4),
        elf::R_MIPS_TLS_DTPREL32 => Meaning {
            apply: Apply::Value,
            ..Meaning::new(ThreadLocal, 4)
        },
        elf::R_MIPS_TLS_DTPREL64 => Meaning {
            apply: Apply::Value,
            ..Meaning::new(ThreadLocal, 8)
        },
        RelocationType(38..=50) => Meaning::new(ThreadLocal, 4),
        _ => Meaning::new(Other, 4),
    }
}

/// The addend in the field; that of `HI16` is completed by its `LO16` (4-18, "AHL").
fn addend(kind: u32, field: &Field<'_>) -> i64 {
    let word = u64::from(field.word().unwrap_or(0));
    match RelocationType(kind & 0xff) {
        elf::R_MIPS_26 => sign_extend((word & 0x03ff_ffff) << 2, 28),
        elf::R_MIPS_HI16 | elf::R_MIPS_GOT16 => sign_extend((word & 0xffff) << 16, 32),
        elf::R_MIPS_LO16 | elf::R_MIPS_GPREL16 => sign_extend(word & 0xffff, 16),
        elf::R_MIPS_PC16 => sign_extend((word & 0xffff) << 2, 18),
        elf::R_MIPS_64 => field.signed(8),
        elf::R_MIPS_32 | elf::R_MIPS_REL32 | RelocationType(248) => field.signed(4),
        _ => 0,
    }
}

/// `bgezal` and `bltzal`, of which `bal` is one ("MIPS64 Architecture For Programmers", volume II).
fn is_branch_and_link(word: u32) -> bool {
    word >> 26 == 1 && matches!(word >> 16 & 0x1f, 0x10 | 0x11)
}

/// `jal`, `j` and `bal`.
fn branch(field: &Field<'_>, address: u64) -> Option<Branch> {
    let word = field.word()?;
    let behind = address.wrapping_add(4);
    let is_call = match word >> 26 {
        3 => true,
        2 => false,
        _ if word >> 16 == 0x0411 => {
            let distance = sign_extend(u64::from(word & 0xffff) << 2, 18);
            return Some(Branch {
                target: behind.wrapping_add_signed(distance),
                is_call: true,
            });
        }
        _ => return None,
    };
    let target = behind & !0x0fff_ffff | u64::from(word & 0x03ff_ffff) << 2;
    Some(Branch { target, is_call })
}

/// `lui` with the upper half of the target's lower word, or with the highest part of an address of 64 bits.
fn begins_address(field: &Field<'_>, target: u64) -> bool {
    let Some(word) = field.word().filter(|word| word >> 21 == 0x1e0) else {
        return false;
    };
    // The parts below it are added with their signs, so each may take one from it.
    let part = |shift: u32| {
        let rounding = (1..=shift / 16).map(|n| 1_u64 << (16 * n - 1)).sum();
        target.wrapping_add(rounding) >> shift & 0xffff
    };
    [16, 48]
        .into_iter()
        .any(|shift| part(shift) == u64::from(word & 0xffff))
}
