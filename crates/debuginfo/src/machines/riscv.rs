//! riscv. "RISC-V ABIs Specification": "ELF Object Files, Relocations", "DWARF Register Numbers",
//! "Procedure Calling Convention".

use object::elf::{self, RelocationType};

use super::{
    Apply, Branch, Convention, Field, Fill, LargeResult, Machine, Meaning, Partner, Structures,
    find_all, scan, sign_extend,
};
use crate::link::Word;
use crate::relocation::RelocationKind;
use crate::relocation::RelocationKind::{High, Low, Other, SlotHigh, ThreadLocal};

pub(crate) static ENTRY: Machine = Machine {
    elf: elf::EM_RISCV.0,
    meaning,
    // The ABI uses only relocations with addends.
    addend: |_, _| 0,
    register: |number, _| {
        REGISTERS
            .get(usize::from(number))
            .copied()
            .filter(|name| !name.is_empty())
    },
    branches: |section, part, base| {
        scan(section, part, 2, |field| {
            branch(field, base.wrapping_add(field.offset))
        })
    },
    branches_to: None,
    all_to: None,
    beginnings: |section, part, base, target| {
        let begins =
            |field: &Field<'_>| begins_address(field, base.wrapping_add(field.offset), target);
        find_all(section, part, 2, begins)
    },
    fill,
    table: None,
    step: 2,
    convention: Convention {
        structures: Structures::RegistersOrReference(2),
        even_pairs: true,
        large_result: LargeResult::FirstArgument(2),
    },
};

const REGISTERS: &[&str] = &[
    "", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5",
    "t6",
];

/// The immediates of "The RISC-V Instruction Set Manual", volume I, 2.3 and the chapter on "C".
fn fill(kind: u32, _: RelocationKind, word: &Word) -> Fill {
    let upper = |value: u64| value.wrapping_add(0x800) & 0xffff_f000;
    let load = |value: u64| word.with(0xfff0_0000, (value & 0xfff) << 20);
    let store =
        |value: u64| word.with(0xfe00_0f80, (value >> 5 & 0x7f) << 25 | (value & 0x1f) << 7);
    let d = word.distance();
    match RelocationType(kind) {
        elf::R_RISCV_CALL | elf::R_RISCV_CALL_PLT => Fill::Pair(
            word.word & 0xfff | upper(d) as u32,
            word.next & 0x000f_ffff | ((d & 0xfff) << 20) as u32,
        ),
        elf::R_RISCV_JAL => word.with(
            0xffff_f000,
            (d >> 20 & 1) << 31 | (d >> 1 & 0x3ff) << 21 | (d >> 11 & 1) << 20 | d & 0xf_f000,
        ),
        elf::R_RISCV_BRANCH => word.with(
            0xfe00_0f80,
            (d >> 12 & 1) << 31 | (d >> 5 & 0x3f) << 25 | (d >> 1 & 0xf) << 8 | (d >> 11 & 1) << 7,
        ),
        elf::R_RISCV_RVC_BRANCH => Fill::Number(
            2,
            u64::from(word.word & 0xe383)
                | (d >> 8 & 1) << 12
                | (d >> 3 & 3) << 10
                | (d >> 6 & 3) << 5
                | (d >> 1 & 3) << 3
                | (d >> 5 & 1) << 2,
        ),
        elf::R_RISCV_RVC_JUMP => Fill::Number(
            2,
            u64::from(word.word & 0xe003)
                | (d >> 11 & 1) << 12
                | (d >> 4 & 1) << 11
                | (d >> 8 & 3) << 9
                | (d >> 10 & 1) << 8
                | (d >> 6 & 1) << 7
                | (d >> 7 & 1) << 6
                | (d >> 1 & 7) << 3
                | (d >> 5 & 1) << 2,
        ),
        elf::R_RISCV_HI20 => word.with(0xffff_f000, upper(word.target)),
        elf::R_RISCV_PCREL_HI20 => word.with(0xffff_f000, upper(d)),
        elf::R_RISCV_LO12_I => load(word.target),
        elf::R_RISCV_LO12_S => store(word.target),
        elf::R_RISCV_PCREL_LO12_I => load(d),
        elf::R_RISCV_PCREL_LO12_S => store(d),
        _ => Fill::Nothing,
    }
}

fn meaning(kind: u32, field: &Field<'_>) -> Meaning {
    match RelocationType(kind) {
        elf::R_RISCV_NONE | elf::R_RISCV_RELAX | elf::R_RISCV_ALIGN | elf::R_RISCV_TPREL_ADD => {
            Meaning::hint()
        }
        elf::R_RISCV_64 | elf::R_RISCV_RELATIVE => Meaning::address(8),
        elf::R_RISCV_32 => Meaning::address(4),
        elf::R_RISCV_32_PCREL | elf::R_RISCV_PLT32 => Meaning::distance(4),
        elf::R_RISCV_CALL | elf::R_RISCV_CALL_PLT => {
            // `auipc` and `jalr`; a tail call links to no register.
            Meaning::branch(field.word_at(4).is_none_or(|word| word >> 7 & 0x1f != 0), 8)
        }
        elf::R_RISCV_JAL => {
            Meaning::branch(field.word().is_none_or(|word| word >> 7 & 0x1f != 0), 4)
        }
        elf::R_RISCV_BRANCH => Meaning::branch(false, 4),
        elf::R_RISCV_RVC_BRANCH | elf::R_RISCV_RVC_JUMP => Meaning::branch(false, 2),
        elf::R_RISCV_HI20 | elf::R_RISCV_PCREL_HI20 => Meaning::new(High, 4),
        elf::R_RISCV_RVC_LUI => Meaning::new(High, 2),
        elf::R_RISCV_PCREL_LO12_I | elf::R_RISCV_PCREL_LO12_S => {
            Meaning::new(Low, 4).partner(Partner::AtLabel)
        }
        elf::R_RISCV_LO12_I | elf::R_RISCV_LO12_S | elf::R_RISCV_GPREL_I | elf::R_RISCV_GPREL_S => {
            Meaning::new(Low, 4)
        }
        elf::R_RISCV_GOT_HI20 => Meaning::new(SlotHigh, 4),
        elf::R_RISCV_ADD8 => Meaning::difference(Apply::Add, 1),
        elf::R_RISCV_ADD16 => Meaning::difference(Apply::Add, 2),
        elf::R_RISCV_ADD32 => Meaning::difference(Apply::Add, 4),
        elf::R_RISCV_ADD64 => Meaning::difference(Apply::Add, 8),
        elf::R_RISCV_SUB8 => Meaning::difference(Apply::Subtract, 1),
        elf::R_RISCV_SUB16 => Meaning::difference(Apply::Subtract, 2),
        elf::R_RISCV_SUB32 => Meaning::difference(Apply::Subtract, 4),
        elf::R_RISCV_SUB64 => Meaning::difference(Apply::Subtract, 8),
        elf::R_RISCV_SET6 => Meaning::difference(Apply::SetSix, 1),
        elf::R_RISCV_SUB6 => Meaning::difference(Apply::SubtractSix, 1),
        elf::R_RISCV_SET8 => Meaning::difference(Apply::Value, 1),
        elf::R_RISCV_SET16 => Meaning::difference(Apply::Value, 2),
        elf::R_RISCV_SET32 => Meaning::difference(Apply::Value, 4),
        elf::R_RISCV_SET_ULEB128 => Meaning::difference(Apply::SetLeb, 1),
        elf::R_RISCV_SUB_ULEB128 => Meaning::difference(Apply::SubtractLeb, 1),
        elf::R_RISCV_TLS_DTPREL64 => Meaning {
            apply: Apply::Value,
            ..Meaning::new(ThreadLocal, 8)
        },
        elf::R_RISCV_TLS_DTPREL32 => Meaning {
            apply: Apply::Value,
            ..Meaning::new(ThreadLocal, 4)
        },
        RelocationType(21..=22 | 29..=31) => Meaning::new(ThreadLocal, 4),
        _ => Meaning::new(Other, 4),
    }
}

/// `jal`, and `auipc` followed by `jalr` ("The RISC-V Instruction Set Manual", volume I, 2.5).
fn branch(field: &Field<'_>, address: u64) -> Option<Branch> {
    let word = field.word()?;
    let register = |word: u32| word >> 7 & 0x1f;
    match word & 0x7f {
        0x6f => {
            let distance = (word >> 31 & 1) << 20
                | (word >> 12 & 0xff) << 12
                | (word >> 20 & 1) << 11
                | (word >> 21 & 0x3ff) << 1;
            let target = address.wrapping_add_signed(sign_extend(distance.into(), 21));
            Some(Branch {
                target,
                is_call: register(word) != 0,
            })
        }
        0x17 => {
            let next = field.word_at(4)?;
            if next & 0x707f != 0x67 || next >> 15 & 0x1f != register(word) {
                return None;
            }
            let high = i64::from((word & 0xffff_f000).cast_signed());
            let low = sign_extend((next >> 20).into(), 12);
            let target = address.wrapping_add_signed(high).wrapping_add_signed(low);
            Some(Branch {
                target,
                is_call: register(next) != 0,
            })
        }
        _ => None,
    }
}

/// `auipc` to within reach of the target.
fn begins_address(field: &Field<'_>, address: u64, target: u64) -> bool {
    let Some(word) = field.word().filter(|word| word & 0x7f == 0x17) else {
        return false;
    };
    let high = i64::from((word & 0xffff_f000).cast_signed());
    let rest = target.wrapping_sub(address.wrapping_add_signed(high)) as i64;
    (-2048..2048).contains(&rest)
}
