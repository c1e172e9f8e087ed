//! s390x. Convention: "ELF Application Binary Interface, s390x Supplement", 1.2.2 "Register
//! Preservation Rules".

use base::Endian;

use crate::faults::named;
use crate::register::Role::{
    Argument, CalleeSaved, Flags, FramePointer, Link, ProgramCounter, Return, StackPointer, System,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "s390x",
    title: "64-bit IBM Z",
    aliases: &[
        Alias::any("s390-64"),
        Alias::any("zarch"),
        Alias::any("systemz"),
    ],
    elf_machine: 22,
    pointer_bits: 64,
    endians: &[Endian::Big],
    registers: &[
        Register::wide("pswm", &[Flags]),
        Register::wide("pswa", &[ProgramCounter]),
        Register::wide("r0", &[]),
        Register::wide("r1", &[]),
        Register::wide("r2", &[Argument(0), Return(0)]),
        Register::wide("r3", &[Argument(1)]),
        Register::wide("r4", &[Argument(2)]),
        Register::wide("r5", &[Argument(3)]),
        Register::wide("r6", &[Argument(4), CalleeSaved]),
        Register::wide("r7", &[CalleeSaved]),
        Register::wide("r8", &[CalleeSaved]),
        Register::wide("r9", &[CalleeSaved]),
        Register::wide("r10", &[CalleeSaved]),
        Register::wide("r11", &[CalleeSaved, FramePointer]),
        Register::wide("r12", &[CalleeSaved]),
        Register::wide("r13", &[CalleeSaved]),
        Register::wide("r14", &[Link]),
        Register::wide("r15", &[StackPointer]),
        Register::wide("last_break", &[System]),
    ],
    paging: None,
    describe,
};

/// Program-interruption codes, after "z/Architecture Principles of Operation", figure 6-1
/// "Interruption Action"; 3d to 3f as `arch/s390/kernel/entry.h` names them.
const CODES: &[(u64, &str)] = &[
    (
        0x01,
        "an instruction that the processor does not have (operation)",
    ),
    (0x02, "a privileged operation"),
    (0x03, "an execute instruction that executes another"),
    (
        0x04,
        "an access that the page or the storage key forbids (protection)",
    ),
    (0x05, "an address beyond the storage (addressing)"),
    (
        0x06,
        "an operand that is not aligned or not allowed (specification)",
    ),
    (0x07, "data that are not valid (data)"),
    (0x08, "an overflow of a fixed-point operation"),
    (
        0x09,
        "a fixed-point division by zero or with too large a result",
    ),
    (0x0a, "an overflow of a decimal operation"),
    (
        0x0b,
        "a decimal division by zero or with too large a result",
    ),
    (0x0c, "an exponent overflow"),
    (0x0d, "an exponent underflow"),
    (0x0e, "a loss of significance"),
    (0x0f, "a floating-point division by zero"),
    (
        0x10,
        "an address whose segment is not mapped (segment translation)",
    ),
    (
        0x11,
        "an address whose page is not mapped (page translation)",
    ),
    (
        0x12,
        "a translation table that is not valid (translation specification)",
    ),
    (
        0x13,
        "an operation that the control registers forbid (special operation)",
    ),
    (0x15, "an operand that is not valid"),
    (0x18, "a transaction that breaks its constraints"),
    (0x1b, "a vector operation"),
    (0x1c, "a switch of the address space"),
    (0x1d, "the square root of a negative number"),
    (0x38, "an address space that is not valid (ASCE type)"),
    (0x39, "an address whose first region is not mapped"),
    (0x3a, "an address whose second region is not mapped"),
    (0x3b, "an address whose third region is not mapped"),
    (0x3d, "an access to secure storage"),
    (
        0x3e,
        "a secure guest's access to storage that is not secure",
    ),
    (0x3f, "a violation of secure storage"),
    (0x40, "a monitor call, which is also how BUG() ends"),
    (0x80, "a tracing event (PER)"),
];

fn describe(code: u64, kind: &str) -> Vec<String> {
    if kind != "program interruption" {
        return Vec::new();
    }
    let mut words = Vec::new();
    // A PER event may come with another code; 80 alone is nothing else.
    let number = match code & 0xff {
        0x80 => 0x80,
        low => low & 0x7f,
    };
    words.push(named(number, CODES, "program interruption"));
    if code & 0x80 != 0 && number != 0x80 {
        words.push("with a tracing event (PER)".to_owned());
    }
    if code & 0x200 != 0 {
        words.push("within a transaction, which was aborted".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interruption_codes_of_the_manual() {
        let kind = "program interruption";
        assert!(describe(0x11, kind)[0].contains("page is not mapped"));
        assert!(describe(0x3b, kind)[0].contains("third region"));
        assert_eq!(describe(0x84, kind).len(), 2);
        assert_eq!(describe(0x80, kind), ["a tracing event (PER)"]);
        assert_eq!(describe(0x204, kind).len(), 2);
        assert_eq!(describe(0x7f, kind), ["unknown program interruption 0x7f"]);
    }
}
