//! arm64. "ELF for the Arm 64-bit Architecture": 5.7 "Relocation"; "DWARF for the Arm 64-bit
//! Architecture": 4.1 "DWARF register names"; "Procedure Call Standard for the Arm 64-bit Architecture":
//! 6.8.2 "Parameter passing rules".

use object::elf::{self, RelocationType};

use super::{
    Branch, Convention, Field, Fill, LargeResult, Machine, Meaning, Structures, find_all, scan,
    sign_extend,
};
use crate::link::Word;
use crate::relocation::RelocationKind;
use crate::relocation::RelocationKind::{
    Address, High, Low, Other, Relative, Slot, SlotHigh, ThreadLocal, Upper,
};

pub(crate) static ENTRY: Machine = Machine {
    elf: elf::EM_AARCH64.0,
    meaning,
    // The ABI uses only relocations with addends.
    addend: |_, _| 0,
    register: |number, _| REGISTERS.get(usize::from(number)).copied(),
    branches: |section, part, base| {
        scan(section, part, 4, |field| {
            branch(field, base.wrapping_add(field.offset))
        })
    },
    branches_to: None,
    all_to: None,
    beginnings: |section, part, base, target| {
        let begins =
            |field: &Field<'_>| begins_address(field, base.wrapping_add(field.offset), target);
        find_all(section, part, 4, begins)
    },
    fill,
    table: None,
    step: 4,
    convention: Convention {
        structures: Structures::RegistersOrReference(2),
        even_pairs: true,
        large_result: LargeResult::OwnRegister,
    },
};

const REGISTERS: &[&str] = &[
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "lr", "sp", "pc",
];

/// The immediates of "Arm Architecture Reference Manual for A-profile architecture", C6.2.
fn fill(kind: u32, _: RelocationKind, word: &Word) -> Fill {
    let scaled = |shift: u32| word.with(0xfff << 10, (word.target & 0xfff) >> shift << 10);
    let address = |distance: u64| {
        word.with(
            0x60ff_ffe0,
            (distance & 3) << 29 | (distance >> 2 & 0x7_ffff) << 5,
        )
    };
    match RelocationType(kind) {
        elf::R_AARCH64_CALL26 | elf::R_AARCH64_JUMP26 => {
            word.with(0x03ff_ffff, word.distance() >> 2 & 0x03ff_ffff)
        }
        elf::R_AARCH64_CONDBR19 | elf::R_AARCH64_LD_PREL_LO19 => {
            word.with(0x7_ffff << 5, (word.distance() >> 2 & 0x7_ffff) << 5)
        }
        elf::R_AARCH64_TSTBR14 => word.with(0x3fff << 5, (word.distance() >> 2 & 0x3fff) << 5),
        elf::R_AARCH64_ADR_PREL_PG_HI21 | elf::R_AARCH64_ADR_PREL_PG_HI21_NC => {
            address((word.target & !0xfff).wrapping_sub(word.at & !0xfff) >> 12)
        }
        elf::R_AARCH64_ADR_PREL_LO21 => address(word.distance()),
        elf::R_AARCH64_ADD_ABS_LO12_NC | elf::R_AARCH64_LDST8_ABS_LO12_NC => scaled(0),
        elf::R_AARCH64_LDST16_ABS_LO12_NC => scaled(1),
        elf::R_AARCH64_LDST32_ABS_LO12_NC => scaled(2),
        elf::R_AARCH64_LDST64_ABS_LO12_NC => scaled(3),
        elf::R_AARCH64_LDST128_ABS_LO12_NC => scaled(4),
        _ => Fill::Nothing,
    }
}

fn meaning(kind: u32, _: &Field<'_>) -> Meaning {
    match RelocationType(kind) {
        elf::R_AARCH64_NONE => Meaning::hint(),
        elf::R_AARCH64_ABS64 | elf::R_AARCH64_RELATIVE | elf::R_AARCH64_GLOB_DAT => {
            Meaning::address(8)
        }
        elf::R_AARCH64_ABS32 => Meaning::address(4),
        elf::R_AARCH64_ABS16 => Meaning::address(2),
        elf::R_AARCH64_PREL64 => Meaning::distance(8),
        elf::R_AARCH64_PREL32 | elf::R_AARCH64_PLT32 => Meaning::distance(4),
        elf::R_AARCH64_PREL16 => Meaning::distance(2),
        elf::R_AARCH64_CALL26 => Meaning::branch(true, 4),
        elf::R_AARCH64_JUMP26 | elf::R_AARCH64_CONDBR19 | elf::R_AARCH64_TSTBR14 => {
            Meaning::branch(false, 4)
        }
        elf::R_AARCH64_ADR_PREL_PG_HI21 | elf::R_AARCH64_ADR_PREL_PG_HI21_NC => {
            Meaning::new(High, 4)
        }
        elf::R_AARCH64_ADD_ABS_LO12_NC
        | elf::R_AARCH64_LDST8_ABS_LO12_NC
        | elf::R_AARCH64_LDST16_ABS_LO12_NC
        | elf::R_AARCH64_LDST32_ABS_LO12_NC
        | elf::R_AARCH64_LDST64_ABS_LO12_NC
        | elf::R_AARCH64_LDST128_ABS_LO12_NC => Meaning::new(Low, 4),
        elf::R_AARCH64_ADR_PREL_LO21 | elf::R_AARCH64_LD_PREL_LO19 => Meaning::new(Relative, 4),
        elf::R_AARCH64_MOVW_UABS_G0
        | elf::R_AARCH64_MOVW_UABS_G0_NC
        | elf::R_AARCH64_MOVW_SABS_G0
        | elf::R_AARCH64_MOVW_PREL_G0
        | elf::R_AARCH64_MOVW_PREL_G0_NC => Meaning::new(Low, 4),
        elf::R_AARCH64_MOVW_UABS_G1
        | elf::R_AARCH64_MOVW_UABS_G1_NC
        | elf::R_AARCH64_MOVW_SABS_G1
        | elf::R_AARCH64_MOVW_PREL_G1
        | elf::R_AARCH64_MOVW_PREL_G1_NC => Meaning::new(High, 4),
        elf::R_AARCH64_MOVW_UABS_G2
        | elf::R_AARCH64_MOVW_UABS_G2_NC
        | elf::R_AARCH64_MOVW_UABS_G3
        | elf::R_AARCH64_MOVW_SABS_G2
        | elf::R_AARCH64_MOVW_PREL_G2
        | elf::R_AARCH64_MOVW_PREL_G2_NC
        | elf::R_AARCH64_MOVW_PREL_G3 => Meaning::new(Upper, 4),
        elf::R_AARCH64_ADR_GOT_PAGE => Meaning::new(SlotHigh, 4),
        elf::R_AARCH64_LD64_GOT_LO12_NC
        | elf::R_AARCH64_LD64_GOTPAGE_LO15
        | elf::R_AARCH64_GOT_LD_PREL19 => Meaning::new(Slot, 4),
        RelocationType(512..=573) => Meaning::new(ThreadLocal, 4),
        elf::R_AARCH64_TLS_DTPREL => Meaning {
            apply: super::Apply::Value,
            ..Meaning::new(ThreadLocal, 8)
        },
        elf::R_AARCH64_JUMP_SLOT => Meaning::new(Address, 8),
        _ => Meaning::new(Other, 4),
    }
}

/// `bl` and `b` ("Arm Architecture Reference Manual for A-profile architecture", C6.2).
fn branch(field: &Field<'_>, address: u64) -> Option<Branch> {
    let word = field.word()?;
    let is_call = match word >> 26 {
        0b10_0101 => true,
        0b00_0101 => false,
        _ => return None,
    };
    let distance = sign_extend(u64::from(word & 0x03ff_ffff) << 2, 28);
    Some(Branch {
        target: address.wrapping_add_signed(distance),
        is_call,
    })
}

/// `adrp` with the page of the target.
fn begins_address(field: &Field<'_>, address: u64, target: u64) -> bool {
    let Some(word) = field
        .word()
        .filter(|word| word & 0x9f00_0000 == 0x9000_0000)
    else {
        return false;
    };
    let pages = sign_extend(
        u64::from(word >> 5 & 0x7_ffff) << 2 | u64::from(word >> 29 & 3),
        21,
    );
    (address & !0xfff).wrapping_add_signed(pages << 12) == target & !0xfff
}
