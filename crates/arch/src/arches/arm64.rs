//! arm64. Convention: "Procedure Call Standard for the Arm 64-bit Architecture" (AAPCS64), 6.1.1
//! "General-purpose registers".

use base::Endian;

use crate::faults::named;
use crate::register::Role::{
    Argument, CalleeSaved, Flags, FramePointer, Link, Pointer, ProgramCounter, Return,
    StackPointer, System,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "arm64",
    title: "64-bit Arm",
    aliases: &[
        Alias::little("aarch64"),
        Alias::little("armv8"),
        Alias::little("armv8-a"),
        Alias::big("aarch64_be"),
        Alias::big("arm64be"),
    ],
    elf_machine: 183,
    pointer_bits: 64,
    endians: &[Endian::Little, Endian::Big],
    registers: &[
        Register::wide("pc", &[ProgramCounter]),
        Register::wide("lr", &[Link]),
        Register::wide("sp", &[StackPointer]),
        Register::wide("pstate", &[Flags]),
        Register::narrow("pmr", &[System]),
        Register::wide("x29", &[CalleeSaved, FramePointer]),
        Register::wide("x28", &[CalleeSaved]),
        Register::wide("x27", &[CalleeSaved]),
        Register::wide("x26", &[CalleeSaved]),
        Register::wide("x25", &[CalleeSaved]),
        Register::wide("x24", &[CalleeSaved]),
        Register::wide("x23", &[CalleeSaved]),
        Register::wide("x22", &[CalleeSaved]),
        Register::wide("x21", &[CalleeSaved]),
        Register::wide("x20", &[CalleeSaved]),
        Register::wide("x19", &[CalleeSaved]),
        Register::wide("x18", &[Pointer]),
        Register::wide("x17", &[]),
        Register::wide("x16", &[]),
        Register::wide("x15", &[]),
        Register::wide("x14", &[]),
        Register::wide("x13", &[]),
        Register::wide("x12", &[]),
        Register::wide("x11", &[]),
        Register::wide("x10", &[]),
        Register::wide("x9", &[]),
        Register::wide("x8", &[]),
        Register::wide("x7", &[Argument(7)]),
        Register::wide("x6", &[Argument(6)]),
        Register::wide("x5", &[Argument(5)]),
        Register::wide("x4", &[Argument(4)]),
        Register::wide("x3", &[Argument(3)]),
        Register::wide("x2", &[Argument(2)]),
        Register::wide("x1", &[Argument(1), Return(1)]),
        Register::wide("x0", &[Argument(0), Return(0)]),
    ],
    paging: None,
    describe,
};

/// Exception classes (`ESR_ELx.EC`), after the "Arm Architecture Reference Manual for A-profile
/// architecture", D24.2 "ESR_EL1".
const CLASSES: &[(u64, &str)] = &[
    (
        0x00,
        "an unknown reason, such as an instruction that is not defined",
    ),
    (0x01, "a WFI or WFE instruction that is trapped"),
    (0x07, "a floating-point or vector access that is trapped"),
    (0x0a, "a load or store of 64 bytes that is trapped"),
    (0x0d, "a branch to a place that is no branch target (BTI)"),
    (0x0e, "an illegal execution state"),
    (0x11, "a system call of a 32-bit program"),
    (0x15, "a system call"),
    (0x16, "a call of the hypervisor"),
    (0x17, "a call of the secure monitor"),
    (0x18, "an access to a system register that is trapped"),
    (0x19, "a scalable vector access that is trapped"),
    (0x1c, "a pointer whose authentication failed"),
    (0x1d, "a scalable matrix access that is trapped"),
    (0x20, "an instruction fetch from a lower exception level"),
    (0x21, "an instruction fetch in the kernel"),
    (0x22, "a program counter that is not aligned"),
    (0x24, "a data access from a lower exception level"),
    (0x25, "a data access in the kernel"),
    (0x26, "a stack pointer that is not aligned"),
    (0x27, "a memory copy or memory set instruction"),
    (0x28, "a floating-point exception of a 32-bit program"),
    (0x2c, "a floating-point exception"),
    (0x2d, "a guarded control stack check that failed"),
    (
        0x2f,
        "an SError: an error reported asynchronously by the memory system",
    ),
    (0x30, "a hardware breakpoint in a lower exception level"),
    (0x31, "a hardware breakpoint in the kernel"),
    (0x32, "a single step in a lower exception level"),
    (0x33, "a single step in the kernel"),
    (0x34, "a watchpoint in a lower exception level"),
    (0x35, "a watchpoint in the kernel"),
    (0x38, "a breakpoint of a 32-bit program"),
    (0x3c, "a BRK instruction, which is also how BUG() ends"),
];

/// Status codes without a level (`DFSC`, `IFSC`).
const STATUS: &[(u64, &str)] = &[
    (
        0x10,
        "the memory system reported an error (synchronous external abort)",
    ),
    (
        0x11,
        "the tag of the pointer is not that of the memory (MTE)",
    ),
    (
        0x13,
        "a translation table walk met a memory error at level -1",
    ),
    (
        0x14,
        "a translation table walk met a memory error at level 0",
    ),
    (
        0x15,
        "a translation table walk met a memory error at level 1",
    ),
    (
        0x16,
        "a translation table walk met a memory error at level 2",
    ),
    (
        0x17,
        "a translation table walk met a memory error at level 3",
    ),
    (0x18, "the memory reported a parity or ECC error"),
    (0x21, "the address is not aligned"),
    (0x29, "the address is too large for a table at level -1"),
    (
        0x2b,
        "the address is not mapped (translation fault at level -1)",
    ),
    (0x30, "the TLB holds two entries for the address"),
    (0x31, "an atomic update of a table entry is not supported"),
    (0x34, "a locked-down entry faulted"),
    (0x35, "an exclusive or atomic access is not supported there"),
];

fn describe(code: u64, kind: &str) -> Vec<String> {
    if kind != "ESR" {
        return Vec::new();
    }
    let class = code >> 26 & 0x3f;
    let mut words = vec![named(class, CLASSES, "exception class")];
    match class {
        0x20 | 0x21 => words.push(status(code)),
        0x24 | 0x25 => {
            // A cache maintenance instruction counts as a write.
            let access = match (code >> 6 & 1, code >> 8 & 1) {
                (0, _) => "a read",
                (_, 0) => "a write",
                _ => "a cache maintenance or address translation instruction",
            };
            words.push(access.to_owned());
            words.push(status(code));
            if code >> 10 & 1 == 1 {
                words.push("the fault address is not valid".to_owned());
            }
        }
        0x3c => words.push(format!("with the number {:#x}", code & 0xffff)),
        _ => {}
    }
    words
}

fn status(code: u64) -> String {
    let status = code & 0x3f;
    let level = status & 3;
    match status >> 2 {
        0 => format!("the address is too large for a table at level {level}"),
        1 => format!("the address is not mapped (translation fault at level {level})"),
        2 => format!("the page has not been accessed before (access flag fault at level {level})"),
        3 => format!("the page forbids the access (permission fault at level {level})"),
        _ => named(status, STATUS, "fault status"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syndromes_of_real_reports() {
        assert_eq!(
            describe(0x9600_0044, "ESR"),
            [
                "a data access in the kernel",
                "a write",
                "the address is not mapped (translation fault at level 0)"
            ]
        );
        assert_eq!(describe(0x9600_0005, "ESR")[1], "a read");
        assert_eq!(
            describe(0x9600_004f, "ESR")[2],
            "the page forbids the access (permission fault at level 3)"
        );
        assert!(describe(0x8600_0006, "ESR")[0].contains("instruction fetch in the kernel"));
        assert_eq!(describe(0xf200_0800, "ESR")[1], "with the number 0x800");
        assert_eq!(
            describe(0x9600_0021, "ESR")[2],
            "the address is not aligned"
        );
        assert!(describe(0x8a00_0000, "ESR")[0].contains("program counter"));
        assert_eq!(
            describe(0xe800_0000, "ESR"),
            ["unknown exception class 0x3a"]
        );
    }
}
