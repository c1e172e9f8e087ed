//! loongarch64. Convention: "ELF psABI for the LoongArch Architecture", "Register Convention"; the
//! kernel keeps the CPU's own data in `u0` (r21).

use base::Endian;

use crate::faults::named;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, FaultCode, Flags, FramePointer, Link, Pointer,
    ProgramCounter, Return, StackPointer, System,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "loongarch64",
    title: "64-bit LoongArch",
    aliases: &[
        Alias::any("loong64"),
        Alias::any("la64"),
        Alias::any("loongarch"),
    ],
    elf_machine: 258,
    pointer_bits: 64,
    endians: &[Endian::Little],
    registers: &[
        Register::wide("pc", &[ProgramCounter]),
        Register::wide("ra", &[Link]),
        Register::wide("tp", &[Pointer]),
        Register::wide("sp", &[StackPointer]),
        Register::wide("a0", &[Argument(0), Return(0)]),
        Register::wide("a1", &[Argument(1), Return(1)]),
        Register::wide("a2", &[Argument(2)]),
        Register::wide("a3", &[Argument(3)]),
        Register::wide("a4", &[Argument(4)]),
        Register::wide("a5", &[Argument(5)]),
        Register::wide("a6", &[Argument(6)]),
        Register::wide("a7", &[Argument(7)]),
        Register::wide("t0", &[]),
        Register::wide("t1", &[]),
        Register::wide("t2", &[]),
        Register::wide("t3", &[]),
        Register::wide("t4", &[]),
        Register::wide("t5", &[]),
        Register::wide("t6", &[]),
        Register::wide("t7", &[]),
        Register::wide("t8", &[]),
        Register::wide("u0", &[Pointer]),
        Register::wide("fp", &[CalleeSaved, FramePointer]),
        Register::wide("s0", &[CalleeSaved]),
        Register::wide("s1", &[CalleeSaved]),
        Register::wide("s2", &[CalleeSaved]),
        Register::wide("s3", &[CalleeSaved]),
        Register::wide("s4", &[CalleeSaved]),
        Register::wide("s5", &[CalleeSaved]),
        Register::wide("s6", &[CalleeSaved]),
        Register::wide("s7", &[CalleeSaved]),
        Register::wide("s8", &[CalleeSaved]),
        Register::wide("era", &[System]),
        Register::narrow("crmd", &[System]),
        Register::narrow("prmd", &[Flags]),
        Register::narrow("euen", &[System]),
        Register::narrow("ecfg", &[System]),
        Register::narrow("estat", &[FaultCode]),
        Register::wide("badv", &[FaultAddress]),
        Register::narrow("prid", &[System]),
    ],
    paging: None,
    describe,
};

/// Exception codes (`ESTAT.Ecode`), after the "LoongArch Reference Manual", volume 1, table
/// "Table of exception encoding".
const EXCEPTIONS: &[(u64, &str)] = &[
    (0x00, "an interrupt"),
    (0x01, "a load from a page that is not mapped (PIL)"),
    (0x02, "a store to a page that is not mapped (PIS)"),
    (
        0x03,
        "an instruction fetch from a page that is not mapped (PIF)",
    ),
    (0x04, "a store to a page that is not writable (PME)"),
    (0x05, "a load from a page that forbids reading (PNR)"),
    (
        0x06,
        "an instruction fetch from a page that forbids execution (PNX)",
    ),
    (0x07, "an access to a page of another privilege level (PPI)"),
    (0x08, "an address that is not allowed (ADE)"),
    (0x09, "an address that is not aligned (ALE)"),
    (0x0a, "an address beyond the bounds that were checked (BCE)"),
    (0x0b, "a system call"),
    (0x0c, "a break instruction, which is also how BUG() ends"),
    (
        0x0d,
        "an instruction that the processor does not have (INE)",
    ),
    (0x0e, "a privileged instruction (IPE)"),
    (0x0f, "the floating-point unit was disabled"),
    (0x10, "the 128-bit vector unit (LSX) was disabled"),
    (0x11, "the 256-bit vector unit (LASX) was disabled"),
    (0x12, "a floating-point exception"),
    (0x13, "a watched address was accessed"),
    (0x14, "the binary translation unit was disabled"),
    (0x15, "a binary translation exception"),
    (0x16, "a guest's sensitive instruction"),
    (0x17, "a call of the hypervisor"),
    (0x18, "a guest changed a control register"),
];

fn describe(code: u64, kind: &str) -> Vec<String> {
    if kind != "ESTAT" {
        return Vec::new();
    }
    let exception = code >> 16 & 0x3f;
    let mut words = vec![named(exception, EXCEPTIONS, "exception")];
    match (exception, code >> 22 & 0x1ff) {
        (0x08 | 0x13, 0) => words.push("of an instruction fetch".to_owned()),
        (0x08 | 0x13, 1) => words.push("of a load or a store".to_owned()),
        (0x12, 1) => words.push("of a vector instruction".to_owned()),
        _ => {}
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exception_codes_of_the_manual() {
        assert_eq!(
            describe(0x1_0000, "ESTAT"),
            ["a load from a page that is not mapped (PIL)"]
        );
        assert_eq!(
            describe(0x0048_0000, "ESTAT"),
            [
                "an address that is not allowed (ADE)",
                "of a load or a store"
            ]
        );
        assert_eq!(describe(0x3f_0000, "ESTAT"), ["unknown exception 0x3f"]);
    }
}
