//! ppc64, both versions of the ABI. "Power Architecture 64-Bit ELF V2 ABI Specification": 3.5.3 "Relocation
//! Types", 2.4 "DWARF Definition", 2.2.3 "Parameter Passing"; the older "64-bit PowerPC ELF Application
//! Binary Interface Supplement 1.9" uses the same numbers.

use object::elf::{self, RelocationType};

use super::{
    Apply, Branch, Convention, Field, Fill, LargeResult, Machine, Meaning, Structures, scan,
    sign_extend,
};
use crate::link::Word;
use crate::relocation::RelocationKind;
use crate::relocation::RelocationKind::{
    GlobalPointer, High, Low, Other, Slot, SlotHigh, ThreadLocal, Upper,
};

pub(crate) static ENTRY: Machine = Machine {
    elf: elf::EM_PPC64.0,
    meaning,
    // Both ABIs use only relocations with addends.
    addend: |_, _| 0,
    register,
    branches: |section, part, base| {
        scan(section, part, 4, |field| {
            branch(field, base.wrapping_add(field.offset))
        })
    },
    branches_to: None,
    all_to: None,
    // Addresses are made from the table of contents, of which a function knows only the register.
    beginnings: |_, _, _, _| Vec::new(),
    fill,
    table: Some(".toc"),
    step: 4,
    convention: Convention {
        structures: Structures::Registers,
        even_pairs: false,
        large_result: LargeResult::FirstArgument(2),
    },
};

const REGISTERS: &[&str] = &[
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27",
    "r28", "r29", "r30", "r31",
];

fn register(number: u16, _: bool) -> Option<&'static str> {
    match number {
        // GCC numbers the special registers behind the floating-point ones.
        65 => Some("lr"),
        66 => Some("ctr"),
        76 => Some("xer"),
        _ => REGISTERS.get(usize::from(number)).copied(),
    }
}

/// Branches only: data is reached through the table of contents, whose place a function gets in `r2`.
fn fill(kind: u32, _: RelocationKind, word: &Word) -> Fill {
    match RelocationType(kind) {
        elf::R_PPC64_REL24 | RelocationType(116) => {
            word.with(0x03ff_fffc, word.distance() & 0x03ff_fffc)
        }
        elf::R_PPC64_REL14 => word.with(0xfffc, word.distance() & 0xfffc),
        _ => Fill::Nothing,
    }
}

fn meaning(kind: u32, field: &Field<'_>) -> Meaning {
    match RelocationType(kind) {
        // 33 and 34: the marks of a call through `__tls_get_addr`'s kind of inline linkage; 107 to 109.
        RelocationType(0 | 107..=109) => Meaning::hint(),
        elf::R_PPC64_ADDR64 | elf::R_PPC64_UADDR64 | elf::R_PPC64_RELATIVE => Meaning::address(8),
        elf::R_PPC64_ADDR32 | elf::R_PPC64_UADDR32 => Meaning::address(4),
        elf::R_PPC64_REL64 => Meaning::distance(8),
        elf::R_PPC64_REL32 => Meaning::distance(4),
        // 116: REL24_NOTOC.
        elf::R_PPC64_REL24 | elf::R_PPC64_REL14 | RelocationType(116) => {
            Meaning::branch(field.word().is_some_and(|word| word & 1 != 0), 4)
        }
        elf::R_PPC64_ADDR16_HA
        | elf::R_PPC64_ADDR16_HI
        | elf::R_PPC64_TOC16_HA
        | elf::R_PPC64_TOC16_HI => Meaning::new(High, 2),
        elf::R_PPC64_ADDR16
        | elf::R_PPC64_ADDR16_LO
        | elf::R_PPC64_ADDR16_DS
        | elf::R_PPC64_ADDR16_LO_DS
        | elf::R_PPC64_TOC16
        | elf::R_PPC64_TOC16_LO
        | elf::R_PPC64_TOC16_DS
        | elf::R_PPC64_TOC16_LO_DS => Meaning::new(Low, 2),
        elf::R_PPC64_ADDR16_HIGHER
        | elf::R_PPC64_ADDR16_HIGHERA
        | elf::R_PPC64_ADDR16_HIGHEST
        | elf::R_PPC64_ADDR16_HIGHESTA => Meaning::new(Upper, 2),
        elf::R_PPC64_GOT16_HA | elf::R_PPC64_GOT16_HI => Meaning::new(SlotHigh, 2),
        elf::R_PPC64_GOT16
        | elf::R_PPC64_GOT16_LO
        | elf::R_PPC64_GOT16_DS
        | elf::R_PPC64_GOT16_LO_DS => Meaning::new(Slot, 2),
        // A function's distance to its table of contents, computed by the function itself.
        elf::R_PPC64_REL16
        | elf::R_PPC64_REL16_LO
        | elf::R_PPC64_REL16_HI
        | elf::R_PPC64_REL16_HA => Meaning::new(GlobalPointer, 2),
        elf::R_PPC64_TOC => Meaning::new(GlobalPointer, 8),
        elf::R_PPC64_DTPREL64 => Meaning {
            apply: Apply::Value,
            ..Meaning::new(ThreadLocal, 8)
        },
        RelocationType(67..=106) => Meaning::new(ThreadLocal, 2),
        // 132: the address in one instruction of eight bytes, relative to the program counter.
        RelocationType(132) => Meaning::new(RelocationKind::Relative, 8),
        RelocationType(133) => Meaning::new(Slot, 8),
        _ => Meaning::new(Other, 4),
    }
}

/// `bl` and `b` ("Power ISA", book I, 2.4 "Branch Instructions").
fn branch(field: &Field<'_>, address: u64) -> Option<Branch> {
    let word = field.word()?;
    // Primary opcode 18, not absolute.
    if word >> 26 != 18 || word & 2 != 0 {
        return None;
    }
    let distance = sign_extend(u64::from(word & 0x03ff_fffc), 26);
    Some(Branch {
        target: address.wrapping_add_signed(distance),
        is_call: word & 1 != 0,
    })
}
