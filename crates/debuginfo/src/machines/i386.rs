//! i386. "System V Application Binary Interface, Intel386 Architecture Processor Supplement": 4.4
//! "Relocation", 2.4.2 "DWARF Register Number Mapping". Kernels pass three arguments in registers
//! (`-mregparm=3` in `arch/x86/Makefile`), structures always on the stack.

use object::elf::{self, RelocationType};

use super::{Branch, Convention, Field, LargeResult, Machine, Meaning, Structures, scan, x86_64};
use crate::link::fill_x86;
use crate::relocation::RelocationKind::{Other, Slot, ThreadLocal};

pub(crate) static ENTRY: Machine = Machine {
    elf: elf::EM_386.0,
    meaning,
    addend: |kind, field| match RelocationType(kind) {
        elf::R_386_16 | elf::R_386_PC16 => field.signed(2),
        elf::R_386_8 | elf::R_386_PC8 => field.signed(1),
        _ => field.signed(4),
    },
    register: |number, _| REGISTERS.get(usize::from(number)).copied(),
    branches: |section, part, base| {
        scan(section, part, 1, |field| {
            branch(field, base.wrapping_add(field.offset))
        })
    },
    branches_to: None,
    all_to: None,
    // Addresses are constants of instructions, with a relocation.
    beginnings: |_, _, _, _| Vec::new(),
    fill: |kind, neutral, word| {
        let size = match RelocationType(kind) {
            elf::R_386_16 | elf::R_386_PC16 => 2,
            elf::R_386_8 | elf::R_386_PC8 => 1,
            _ => 4,
        };
        fill_x86(neutral, size, word)
    },
    table: None,
    step: 1,
    convention: Convention {
        structures: Structures::Stack,
        even_pairs: false,
        large_result: LargeResult::FirstArgument(0),
    },
};

const REGISTERS: &[&str] = &[
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags",
];

fn meaning(kind: u32, field: &Field<'_>) -> Meaning {
    match RelocationType(kind) {
        elf::R_386_NONE => Meaning::hint(),
        elf::R_386_32 | elf::R_386_RELATIVE | elf::R_386_GLOB_DAT | elf::R_386_JMP_SLOT => {
            Meaning::address(4)
        }
        elf::R_386_16 => Meaning::address(2),
        elf::R_386_8 => Meaning::address(1),
        elf::R_386_PC32 | elf::R_386_PLT32 => x86_64::relative(field),
        elf::R_386_PC16 => Meaning::distance(2),
        elf::R_386_PC8 => Meaning::distance(1),
        elf::R_386_GOT32 | elf::R_386_GOT32X => Meaning::new(Slot, 4),
        elf::R_386_TLS_LDO_32 | elf::R_386_TLS_LE | elf::R_386_TLS_LE_32 => Meaning {
            apply: super::Apply::Value,
            ..Meaning::new(ThreadLocal, 4)
        },
        _ => Meaning::new(Other, 4),
    }
}

fn branch(field: &Field<'_>, address: u64) -> Option<Branch> {
    let branch = x86_64::branch(field, address)?;
    Some(Branch {
        target: branch.target & 0xffff_ffff,
        ..branch
    })
}
