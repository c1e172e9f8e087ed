//! arm (32 bits). "ELF for the Arm Architecture": 5.6 "Relocation"; "DWARF for the Arm Architecture":
//! 4.1 "DWARF register names"; "Procedure Call Standard for the Arm Architecture": 6.5 "Parameter Passing".

use object::elf::{self, RelocationType};

use super::{
    Branch, Convention, Field, Fill, LargeResult, Machine, Meaning, Structures, scan, sign_extend,
};
use crate::link::Word;
use crate::relocation::RelocationKind;
use crate::relocation::RelocationKind::{High, Low, Other, ThreadLocal};

pub(crate) static ENTRY: Machine = Machine {
    elf: elf::EM_ARM.0,
    meaning,
    addend,
    register: |number, _| REGISTERS.get(usize::from(number)).copied(),
    branches: |section, part, base| {
        scan(section, part, 4, |field| {
            branch(field, base.wrapping_add(field.offset))
        })
    },
    branches_to: None,
    all_to: None,
    // There is no decoder that could complete the address.
    beginnings: |_, _, _, _| Vec::new(),
    fill,
    table: None,
    step: 4,
    convention: Convention {
        structures: Structures::Registers,
        even_pairs: true,
        large_result: LargeResult::FirstArgument(1),
    },
};

const REGISTERS: &[&str] = &[
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr", "pc",
];

/// The immediates of the "Arm Architecture Reference Manual for A-profile", F5.1; Thumb code has no decoder.
fn fill(kind: u32, _: RelocationKind, word: &Word) -> Fill {
    let half = |value: u64| word.with(0x000f_0fff, (value & 0xf000) << 4 | value & 0xfff);
    match RelocationType(kind) {
        elf::R_ARM_CALL | elf::R_ARM_JUMP24 | elf::R_ARM_PC24 | elf::R_ARM_PLT32 => word.with(
            0x00ff_ffff,
            word.distance().wrapping_sub(8) >> 2 & 0x00ff_ffff,
        ),
        elf::R_ARM_MOVW_ABS_NC => half(word.target),
        elf::R_ARM_MOVT_ABS => half(word.target >> 16),
        elf::R_ARM_ABS32 | elf::R_ARM_TARGET1 => Fill::Number(4, word.target),
        elf::R_ARM_REL32 => Fill::Number(4, word.distance()),
        _ => Fill::Nothing,
    }
}

fn meaning(kind: u32, field: &Field<'_>) -> Meaning {
    match RelocationType(kind) {
        elf::R_ARM_NONE | elf::R_ARM_V4BX => Meaning::hint(),
        elf::R_ARM_ABS32 | elf::R_ARM_TARGET1 | elf::R_ARM_RELATIVE | elf::R_ARM_GLOB_DAT => {
            Meaning::address(4)
        }
        elf::R_ARM_ABS16 => Meaning::address(2),
        elf::R_ARM_ABS8 => Meaning::address(1),
        elf::R_ARM_REL32 | elf::R_ARM_PREL31 | elf::R_ARM_TARGET2 => Meaning::distance(4),
        // The program counter reads as the address of the second instruction behind it, in Thumb code
        // as that of the address four bytes behind it; the addend takes this back.
        elf::R_ARM_CALL => Meaning::branch(true, 4).bias(8),
        elf::R_ARM_JUMP24 | elf::R_ARM_PC24 | elf::R_ARM_PLT32 => {
            // `bl` with a condition, too, has this type.
            let is_call = field.word().is_some_and(|word| word & 0x0100_0000 != 0);
            Meaning::branch(is_call, 4).bias(8)
        }
        elf::R_ARM_THM_PC22 => Meaning::branch(true, 4).bias(4),
        elf::R_ARM_THM_JUMP24 | elf::R_ARM_THM_JUMP19 => Meaning::branch(false, 4).bias(4),
        elf::R_ARM_THM_PC11 | elf::R_ARM_THM_PC9 => Meaning::branch(false, 2).bias(4),
        elf::R_ARM_MOVW_ABS_NC | elf::R_ARM_THM_MOVW_ABS_NC => Meaning::new(Low, 4),
        elf::R_ARM_MOVT_ABS | elf::R_ARM_THM_MOVT_ABS => Meaning::new(High, 4),
        elf::R_ARM_MOVW_PREL_NC | elf::R_ARM_THM_MOVW_PREL_NC => Meaning::new(Low, 4),
        elf::R_ARM_MOVT_PREL | elf::R_ARM_THM_MOVT_PREL => Meaning::new(High, 4),
        elf::R_ARM_TLS_LE32 | elf::R_ARM_TLS_IE32 | elf::R_ARM_TLS_GD32 => {
            Meaning::new(ThreadLocal, 4)
        }
        elf::R_ARM_TLS_LDO32 => Meaning {
            apply: super::Apply::Value,
            ..Meaning::new(ThreadLocal, 4)
        },
        _ => Meaning::new(Other, 4),
    }
}

/// The addend as the instruction holds it (5.6.1.1 "Addends and PC-bias compensation").
fn addend(kind: u32, field: &Field<'_>) -> i64 {
    let word = u64::from(field.word().unwrap_or(0));
    match RelocationType(kind) {
        elf::R_ARM_CALL | elf::R_ARM_JUMP24 | elf::R_ARM_PC24 | elf::R_ARM_PLT32 => {
            sign_extend((word & 0x00ff_ffff) << 2, 26)
        }
        elf::R_ARM_MOVW_ABS_NC
        | elf::R_ARM_MOVT_ABS
        | elf::R_ARM_MOVW_PREL_NC
        | elf::R_ARM_MOVT_PREL => sign_extend(word >> 4 & 0xf000 | word & 0xfff, 16),
        elf::R_ARM_PREL31 => sign_extend(word & 0x7fff_ffff, 31),
        elf::R_ARM_ABS16 => field.signed(2),
        elf::R_ARM_ABS8 => field.signed(1),
        elf::R_ARM_THM_PC22 | elf::R_ARM_THM_JUMP24 => {
            // Two halfwords, the first one holding the sign and the upper ten bits (F3.1.3 of the manual,
            // encoding T4 of `B` and T1 of `BL`).
            let half = |behind| {
                field
                    .section
                    .u16(field.offset.checked_add(behind)?)
                    .map(u64::from)
            };
            let (Some(upper), Some(lower)) = (half(0), half(2)) else {
                return 0;
            };
            let sign = upper >> 10 & 1;
            let (j1, j2) = (lower >> 13 & 1, lower >> 11 & 1);
            let (i1, i2) = (!(j1 ^ sign) & 1, !(j2 ^ sign) & 1);
            let value =
                sign << 24 | i1 << 23 | i2 << 22 | (upper & 0x3ff) << 12 | (lower & 0x7ff) << 1;
            sign_extend(value, 25)
        }
        elf::R_ARM_THM_MOVW_ABS_NC
        | elf::R_ARM_THM_MOVT_ABS
        | elf::R_ARM_THM_MOVW_PREL_NC
        | elf::R_ARM_THM_MOVT_PREL => {
            let half = |behind| {
                field
                    .section
                    .u16(field.offset.checked_add(behind)?)
                    .map(u64::from)
            };
            let (Some(upper), Some(lower)) = (half(0), half(2)) else {
                return 0;
            };
            let value = (upper & 0xf) << 12
                | (upper >> 10 & 1) << 11
                | (lower >> 12 & 7) << 8
                | lower & 0xff;
            sign_extend(value, 16)
        }
        elf::R_ARM_THM_PC11 => sign_extend(
            u64::from(field.section.u16(field.offset).unwrap_or(0) & 0x7ff) << 1,
            12,
        ),
        _ => field.signed(4),
    }
}

/// `bl` and `b` in Arm code ("ARM Architecture Reference Manual, ARMv7-A and ARMv7-R edition", A8.8.18, A8.8.25).
fn branch(field: &Field<'_>, address: u64) -> Option<Branch> {
    let word = field.word()?;
    if word >> 28 == 0xf || word >> 25 & 7 != 0b101 {
        return None;
    }
    let distance = sign_extend(u64::from(word & 0x00ff_ffff) << 2, 26);
    let target = address.wrapping_add(8).wrapping_add_signed(distance) & 0xffff_ffff;
    Some(Branch {
        target,
        is_call: word & 0x0100_0000 != 0,
    })
}
