//! The Cause register of MIPS, after "MIPS Architecture For Programmers", volume III,
//! table "Cause Register ExcCode Field".

use super::named;

const EXCEPTIONS: &[(u64, &str)] = &[
    (0, "an interrupt"),
    (
        1,
        "a store to a page that is not writable (TLB modification)",
    ),
    (
        2,
        "a load or an instruction fetch from an address that is not mapped (TLB miss)",
    ),
    (3, "a store to an address that is not mapped (TLB miss)"),
    (
        4,
        "a load or an instruction fetch from an address that is not aligned or not allowed",
    ),
    (
        5,
        "a store to an address that is not aligned or not allowed",
    ),
    (6, "a bus error of an instruction fetch"),
    (7, "a bus error of a load or a store"),
    (8, "a system call"),
    (
        9,
        "a breakpoint, which is also how a division by zero is reported",
    ),
    (10, "an instruction that the processor does not have"),
    (11, "a coprocessor that is not usable"),
    (12, "an arithmetic overflow"),
    (13, "a trap instruction, which is also how BUG() ends"),
    (14, "a floating-point exception of a vector instruction"),
    (15, "a floating-point exception"),
    (16, "an exception of the implementation's own (1)"),
    (17, "an exception of the implementation's own (2)"),
    (18, "a coprocessor 2 exception"),
    (
        19,
        "a load from a page that forbids reading (TLB read-inhibit)",
    ),
    (
        20,
        "an instruction fetch from a page that forbids execution (TLB execute-inhibit)",
    ),
    (21, "the vector unit was disabled"),
    (22, "the MDMX unit was not usable"),
    (23, "a watched address was accessed"),
    (24, "a machine check"),
    (25, "an exception of a hardware thread"),
    (26, "the DSP unit was disabled"),
    (27, "an exception of a guest"),
    (30, "a cache error"),
];

pub fn describe(code: u64, kind: &str) -> Vec<String> {
    if kind != "Cause" {
        return Vec::new();
    }
    let number = code >> 2 & 0x1f;
    let mut words = vec![named(number, EXCEPTIONS, "exception")];
    if number == 11 {
        words.push(format!("coprocessor {}", code >> 28 & 3));
    }
    if code & 1 << 31 != 0 {
        words.push("in the delay slot of the branch at epc".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_registers_of_real_reports() {
        assert_eq!(
            describe(0x0080_0008, "Cause"),
            ["a load or an instruction fetch from an address that is not mapped (TLB miss)"]
        );
        assert_eq!(describe(0x8000_000c, "Cause").len(), 2);
        assert_eq!(describe(0x1000_002c, "Cause")[1], "coprocessor 1");
        assert_eq!(describe(0x74, "Cause"), ["unknown exception 0x1d"]);
    }
}
