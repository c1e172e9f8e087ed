//! Interrupts of the Power ISA (book III, "Interrupt Vectors" and "Data Storage Interrupt
//! Status Register"; bits as `asm/reg.h` names them) and of Book E (`asm/reg_booke.h`).

use super::{named, set_bits};

const TRAPS: &[(u64, &str)] = &[
    (0x100, "a system reset"),
    (0x200, "a machine check"),
    (
        0x300,
        "a data access that the translation refused (data storage interrupt)",
    ),
    (0x380, "a data access in a segment that is not mapped"),
    (
        0x400,
        "an instruction fetch that the translation refused (instruction storage interrupt)",
    ),
    (
        0x480,
        "an instruction fetch in a segment that is not mapped",
    ),
    (0x500, "an external interrupt"),
    (0x600, "an access that is not aligned"),
    (
        0x700,
        "an illegal, privileged or trap instruction, which is also how BUG() ends",
    ),
    (0x800, "the floating-point unit was not available"),
    (0x900, "a timer interrupt"),
    (0x980, "a hypervisor timer interrupt"),
    (0xa00, "a doorbell interrupt"),
    (0xc00, "a system call"),
    (0xd00, "a single step"),
    (0xe00, "a data access that the hypervisor refused"),
    (0xe20, "an instruction fetch that the hypervisor refused"),
    (0xe40, "an instruction that the processor does not have"),
    (0xe60, "hypervisor maintenance"),
    (0xe80, "a hypervisor doorbell"),
    (0xea0, "an external interrupt of the hypervisor"),
    (0xf00, "a performance monitor interrupt"),
    (0xf20, "the vector unit (AltiVec) was not available"),
    (0xf40, "the vector-scalar unit (VSX) was not available"),
    (0xf60, "a facility was not available"),
    (0xf80, "a facility was not available to the hypervisor"),
    (0x1500, "denormalised floating-point assistance"),
    (0x3000, "a system call by scv"),
];

const DSISR: &[(u64, &str)] = &[
    (0x4000_0000, "no translation was found"),
    (0x2000_0000, "the attributes of the page conflict"),
    (0x1000_0000, "the page is guarded or forbids execution"),
    (0x0800_0000, "the page forbids the access"),
    (
        0x0400_0000,
        "the access is not possible in that kind of storage",
    ),
    (0x0040_0000, "a watched address was accessed"),
    (0x0020_0000, "a protection key forbids the access"),
    (
        0x0008_0000,
        "the page tables are of a form that is not supported",
    ),
    (
        0x0004_0000,
        "the reference and change bits could not be set",
    ),
    (0x0002_0000, "the process or partition table is faulty"),
];

const BOOKE_ESR: &[(u64, &str)] = &[
    (0x0800_0000, "an illegal instruction"),
    (0x0400_0000, "a privileged instruction"),
    (0x0200_0000, "a trap instruction"),
    (0x0100_0000, "a floating-point instruction"),
    (0x0020_0000, "a locked data cache line"),
    (0x0002_0000, "the byte order of the page forbids the access"),
];

pub fn describe(code: u64, kind: &str) -> Vec<String> {
    match kind {
        "TRAP" => vec![named(code & !0xf, TRAPS, "interrupt")],
        "DSISR" => with_access(code, 0x0200_0000, DSISR),
        "ESR" => with_access(code, 0x0080_0000, BOOKE_ESR),
        _ => Vec::new(),
    }
}

fn with_access(code: u64, store: u64, bits: &[(u64, &str)]) -> Vec<String> {
    let access = if code & store != 0 {
        "a store"
    } else {
        "a load"
    };
    let mut words = vec![access.to_owned()];
    words.extend(set_bits(code, bits));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_real_reports() {
        assert_eq!(
            describe(0x4200_0000, "DSISR"),
            ["a store", "no translation was found"]
        );
        assert_eq!(
            describe(0x0800_0000, "DSISR"),
            ["a load", "the page forbids the access"]
        );
        // The low bits are the kernel's own flags.
        assert!(describe(0x301, "TRAP")[0].starts_with("a data access"));
        assert_eq!(describe(0xb00, "TRAP"), ["unknown interrupt 0xb00"]);
    }
}
