//! arm (32 bits). Convention: "Procedure Call Standard for the Arm Architecture" (AAPCS32), 6.1.1
//! "Core Registers".

use base::Endian;

use crate::faults::named;
use crate::register::Role::{
    Argument, CalleeSaved, Flags, FramePointer, Link, ProgramCounter, Return, StackPointer,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "arm",
    title: "32-bit Arm",
    aliases: &[
        Alias::any("arm32"),
        Alias::little("armhf"),
        Alias::little("armel"),
        Alias::little("armv4l"),
        Alias::little("armv4tl"),
        Alias::little("armv5tel"),
        Alias::little("armv5tejl"),
        Alias::little("armv6l"),
        Alias::little("armv7l"),
        Alias::little("armv7"),
        Alias::little("armv7a"),
        Alias::little("armv8l"),
        Alias::big("armeb"),
        Alias::big("armv5teb"),
        Alias::big("armv6b"),
        Alias::big("armv7b"),
        Alias::big("armv8b"),
    ],
    elf_machine: 40,
    pointer_bits: 32,
    endians: &[Endian::Little, Endian::Big],
    registers: &[
        Register::narrow("pc", &[ProgramCounter]),
        Register::narrow("lr", &[Link]),
        Register::narrow("psr", &[Flags]),
        Register::narrow("sp", &[StackPointer]),
        Register::narrow("ip", &[]),
        Register::narrow("fp", &[CalleeSaved, FramePointer]),
        Register::narrow("r10", &[CalleeSaved]),
        Register::narrow("r9", &[CalleeSaved]),
        Register::narrow("r8", &[CalleeSaved]),
        Register::narrow("r7", &[CalleeSaved]),
        Register::narrow("r6", &[CalleeSaved]),
        Register::narrow("r5", &[CalleeSaved]),
        Register::narrow("r4", &[CalleeSaved]),
        Register::narrow("r3", &[Argument(3)]),
        Register::narrow("r2", &[Argument(2)]),
        Register::narrow("r1", &[Argument(1), Return(1)]),
        Register::narrow("r0", &[Argument(0), Return(0)]),
    ],
    paging: None,
    describe,
};

/// Bit 31 is the kernel's own (`FSR_LNX_PF`): the fault was an instruction fetch.
const PREFETCH: u64 = 1 << 31;

/// Status codes of the short-descriptor format: bit 10 and bits 3 to 0.
const SHORT: &[(u64, &str)] = &[
    (0x01, "the address is not aligned"),
    (0x02, "a debug event"),
    (
        0x03,
        "the section has not been accessed before (access flag fault)",
    ),
    (0x04, "instruction cache maintenance faulted"),
    (
        0x05,
        "the address is not mapped (section translation fault)",
    ),
    (
        0x06,
        "the page has not been accessed before (access flag fault)",
    ),
    (0x07, "the address is not mapped (page translation fault)"),
    (0x08, "the memory system reported an error (external abort)"),
    (0x09, "the domain of the section forbids the access"),
    (0x0b, "the domain of the page forbids the access"),
    (
        0x0c,
        "a translation table walk met a memory error at level 1",
    ),
    (0x0d, "the section forbids the access (permission fault)"),
    (
        0x0e,
        "a translation table walk met a memory error at level 2",
    ),
    (0x0f, "the page forbids the access (permission fault)"),
    (0x10, "the TLB holds two entries for the address"),
    (0x14, "a locked-down entry faulted"),
    (
        0x16,
        "the memory system reported an error later (asynchronous external abort)",
    ),
    (0x18, "the memory reported a parity error later"),
    (0x19, "the memory reported a parity error"),
    (
        0x1c,
        "a translation table walk met a parity error at level 1",
    ),
    (
        0x1e,
        "a translation table walk met a parity error at level 2",
    ),
];

/// Status codes of the long-descriptor format without a level.
const LONG: &[(u64, &str)] = &[
    (0x10, "the memory system reported an error (external abort)"),
    (
        0x11,
        "the memory system reported an error later (asynchronous external abort)",
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
    (0x18, "the memory reported a parity error"),
    (0x19, "the memory reported a parity error later"),
    (0x21, "the address is not aligned"),
    (0x22, "a debug event"),
    (0x30, "the TLB holds two entries for the address"),
    (0x34, "a locked-down entry faulted"),
];

/// DFSR and IFSR, after the "ARM Architecture Reference Manual, ARMv7-A and ARMv7-R edition",
/// B4.1.52 and B3.13.3 "Fault reporting in PL1 modes".
fn describe(code: u64, kind: &str) -> Vec<String> {
    if kind != "FSR" {
        return Vec::new();
    }
    let access = match (code & PREFETCH, code >> 11 & 1) {
        (PREFETCH, _) => "an instruction fetch",
        (_, 1) => "a write",
        _ => "a read",
    };
    let is_long = code >> 9 & 1 == 1;
    let status = if is_long {
        let level = code & 3;
        match code >> 2 & 0xf {
            0 => format!("the address is too large for a table at level {level}"),
            1 => format!("the address is not mapped (translation fault at level {level})"),
            2 => format!(
                "the page has not been accessed before (access flag fault at level {level})"
            ),
            3 => format!("the page forbids the access (permission fault at level {level})"),
            _ => named(code & 0x3f, LONG, "fault status"),
        }
    } else {
        let status = code & 0xf | (code >> 10 & 1) << 4;
        named(status, SHORT, "fault status")
    };
    vec![access.to_owned(), status]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_statuses_of_real_reports() {
        assert_eq!(
            describe(0x805, "FSR"),
            [
                "a write",
                "the address is not mapped (section translation fault)"
            ]
        );
        assert_eq!(
            describe(0x17, "FSR")[1],
            "the address is not mapped (page translation fault)"
        );
        assert_eq!(
            describe(0x81b, "FSR"),
            ["a write", "the domain of the page forbids the access"]
        );
        assert_eq!(
            describe(0x8000_0207, "FSR"),
            [
                "an instruction fetch",
                "the address is not mapped (translation fault at level 3)"
            ]
        );
        assert_eq!(
            describe(0x8000_000d, "FSR")[1],
            "the section forbids the access (permission fault)"
        );
        assert!(describe(0x1406, "FSR")[1].contains("asynchronous"));
    }
}
