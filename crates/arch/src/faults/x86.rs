//! Error codes of x86, after the Intel SDM, volume 3, 6.13 and 6.15 (interrupt 14), and
//! `asm/trap_pf.h`.

use super::{named, set_bits};

/// What a trap is, by the name that the kernel prints.
const TRAPS: &[(&str, &str)] = &[
    (
        "general protection",
        "an access or instruction that the processor forbids, often through an address that is not canonical",
    ),
    (
        "invalid opcode",
        "an instruction that the processor does not have, which is also how BUG() ends",
    ),
    (
        "divide error",
        "a division by zero or one whose result is too large",
    ),
    (
        "stack segment",
        "an access through the stack pointer to an address that is not canonical or beyond the segment",
    ),
    (
        "double fault",
        "a fault while another was being delivered, most often because the stack ran out",
    ),
    ("int3", "a breakpoint instruction"),
    ("overflow", "an INTO instruction after an overflow"),
    ("bounds", "an array index out of bounds"),
    (
        "segment not present",
        "a segment that is not present was used",
    ),
    (
        "invalid TSS",
        "a task switch through an invalid task state segment",
    ),
    ("alignment check", "an access that is not aligned"),
    (
        "control protection",
        "a return or indirect branch to a place that control-flow enforcement forbids",
    ),
    (
        "device not available",
        "the floating-point unit was not available",
    ),
    (
        "simd exception",
        "a floating-point exception of a vector instruction",
    ),
    ("fpu exception", "a floating-point exception"),
    ("unexpected #VE", "the hypervisor intercepted an access"),
];

/// Traps whose error code names a segment selector.
const WITH_SELECTOR: &[&str] = &[
    "general protection",
    "stack segment",
    "segment not present",
    "invalid TSS",
];

pub fn describe(code: u64, kind: &str) -> Vec<String> {
    let Some(name) = kind.strip_prefix("x86 ") else {
        return Vec::new();
    };
    if name == "page fault" {
        return page_fault(code);
    }
    let mut words: Vec<String> = TRAPS
        .iter()
        .filter(|(known, _)| *known == name)
        .map(|(_, words)| (*words).to_owned())
        .collect();
    if name == "control protection" {
        words.push(control_protection(code));
    } else if WITH_SELECTOR.contains(&name) && code != 0 {
        words.push(selector(code));
    }
    words
}

fn page_fault(code: u64) -> Vec<String> {
    let access = match (code & 0x10 != 0, code & 2 != 0) {
        (true, _) => "instruction fetch",
        (false, true) => "write",
        (false, false) => "read",
    };
    let mode = if code & 4 != 0 { "user" } else { "kernel" };
    let mut words = vec![format!("{access} in {mode} mode")];
    words.push(if code & 1 == 0 {
        "the page is not present".to_owned()
    } else if code & 0x28 == 0 {
        "the page is present but forbids the access".to_owned()
    } else {
        "the page is present".to_owned()
    });
    words.extend(set_bits(
        code,
        &[
            (
                1 << 3,
                "a reserved bit is set in the page tables, which are corrupt",
            ),
            (1 << 5, "a protection key forbids the access"),
            (1 << 6, "an access to a shadow stack"),
            (
                1 << 7,
                "the fault arose in the hypervisor-managed translation",
            ),
            (1 << 15, "SGX's access control forbids the access"),
            (
                1 << 31,
                "the page belongs to another owner in the reverse map table",
            ),
        ],
    ));
    words
}

fn selector(code: u64) -> String {
    let table = match code >> 1 & 3 {
        0 => "global descriptor table",
        2 => "local descriptor table",
        _ => "interrupt descriptor table",
    };
    let external = if code & 1 != 0 {
        ", raised by an event from outside the program"
    } else {
        ""
    };
    format!("entry {:#x} of the {table}{external}", code >> 3 & 0x1fff)
}

/// `asm/traps.h`: CP_ENDBR and its fellows; bit 15 is the enclave's.
fn control_protection(code: u64) -> String {
    named(
        code & 0x7fff,
        &[
            (
                1,
                "a near return to another place than the shadow stack holds",
            ),
            (
                2,
                "a far return to another place than the shadow stack holds",
            ),
            (3, "an indirect branch to an instruction that is no ENDBR"),
            (4, "an invalid token to restore a shadow stack"),
            (5, "a busy or invalid token to set the shadow stack"),
        ],
        "reason",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_of_the_manual() {
        assert_eq!(
            describe(2, "x86 page fault"),
            ["write in kernel mode", "the page is not present"]
        );
        assert_eq!(
            describe(0x11, "x86 page fault"),
            [
                "instruction fetch in kernel mode",
                "the page is present but forbids the access"
            ]
        );
        assert_eq!(describe(0x9, "x86 page fault").len(), 3);
        assert_eq!(describe(7, "x86 page fault")[0], "write in user mode");
        assert_eq!(
            describe(0x10, "x86 general protection")[1],
            "entry 0x2 of the global descriptor table"
        );
        assert_eq!(
            describe(0x1f2, "x86 general protection")[1],
            "entry 0x3e of the interrupt descriptor table"
        );
        assert_eq!(describe(0, "x86 general protection").len(), 1);
        assert_eq!(describe(0, "x86 invalid opcode").len(), 1);
        assert!(describe(3, "x86 control protection")[1].contains("ENDBR"));
        assert!(describe(0, "ESR").is_empty());
    }
}
