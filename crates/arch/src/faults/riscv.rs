//! The scause register of RISC-V, after "The RISC-V Instruction Set Manual", volume II,
//! table "Supervisor cause register (scause) values after trap".

use super::named;

const EXCEPTIONS: &[(u64, &str)] = &[
    (
        0,
        "an instruction fetch from an address that is not aligned",
    ),
    (
        1,
        "an instruction fetch that the memory system refused (access fault)",
    ),
    (2, "an instruction that the processor does not have"),
    (3, "a breakpoint, which is also how BUG() ends"),
    (4, "a load from an address that is not aligned"),
    (5, "a load that the memory system refused (access fault)"),
    (
        6,
        "a store or atomic access to an address that is not aligned",
    ),
    (
        7,
        "a store or atomic access that the memory system refused (access fault)",
    ),
    (8, "a system call"),
    (9, "a call of the firmware from the kernel"),
    (10, "a call of the hypervisor"),
    (11, "a call from machine mode"),
    (
        12,
        "an instruction fetch from a page that is not mapped or forbids execution",
    ),
    (
        13,
        "a load from a page that is not mapped or forbids reading",
    ),
    (
        15,
        "a store or atomic access to a page that is not mapped or forbids writing",
    ),
    (16, "a double trap"),
    (18, "a software check: control-flow integrity was violated"),
    (19, "a hardware error"),
    (
        20,
        "an instruction fetch that the guest's second translation refused",
    ),
    (21, "a load that the guest's second translation refused"),
    (22, "an instruction that a guest may not use"),
    (23, "a store that the guest's second translation refused"),
];

pub fn describe(code: u64, kind: &str, bits: u8) -> Vec<String> {
    if kind != "scause" {
        return Vec::new();
    }
    let interrupt = 1u64 << (bits - 1);
    if code & interrupt != 0 {
        return vec![format!("interrupt {}", code & !interrupt)];
    }
    vec![named(code, EXCEPTIONS, "exception")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_the_manual() {
        assert_eq!(
            describe(0xf, "scause", 64),
            ["a store or atomic access to a page that is not mapped or forbids writing"]
        );
        assert_eq!(
            describe(0x8000_0000_0000_0005, "scause", 64),
            ["interrupt 5"]
        );
        assert_eq!(describe(0x8000_0005, "scause", 32), ["interrupt 5"]);
        assert_eq!(describe(14, "scause", 64), ["unknown exception 0xe"]);
    }
}
