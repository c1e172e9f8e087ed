//! The kernel touched memory that it may not: page faults and aborts of all architectures.

use crate::naming::{Entry, Naming, Reading, no_details, opens, says};
use crate::stack::Recipe;

/// x86: arch/x86/mm/fault.c `show_fault_oops`; arm64: arch/arm64/mm/fault.c
/// `die_kernel_fault`; arm: arch/arm/mm/fault.c; mips: arch/mips/mm/fault.c;
/// powerpc: arch/powerpc/mm/fault.c `bad_page_fault`; s390: arch/s390/mm/fault.c;
/// riscv: arch/riscv/mm/fault.c `die_kernel_fault`.
pub static ENTRY: Entry = Entry {
    name: "oops",
    meaning: "kernel code accessed an address that is not mapped for it, and was stopped",
    crash: true,
    anchors: &[
        "BUG:",
        "Unable to handle kernel",
        "Internal error:",
        "Unhandled fault:",
        "Alignment trap:",
        "Unhandled kernel unaligned access",
        "Oops: ",
        "Oops[#",
    ],
    starts: |text| {
        says(text, "BUG: unable to handle")
            || says(text, "BUG: Unable to handle")
            || says(text, "BUG: kernel NULL pointer dereference")
            || says(text, "BUG: Kernel NULL pointer dereference")
            || says(text, "Unable to handle kernel")
            || is_abort(text)
    },
    folds: |text, open| {
        open.crash
            && is_abort(text)
            && (!begins_anew(text) || open.kind == "oops" && open.lines < 4)
    },
    describe,
    details: no_details,
};

/// Forms that are a head of their own, except right behind another one: 32-bit
/// ARM prints `Alignment trap:` and `Unhandled fault:` about the same access.
fn begins_anew(text: &str) -> bool {
    says(text, "Unhandled fault:") || says(text, "Alignment trap:")
}

/// Forms that follow another head when there is one.
fn is_abort(text: &str) -> bool {
    says(text, "Internal error:")
        || says(text, "Unhandled fault:")
        || says(text, "Alignment trap:")
        || says(text, "Unhandled kernel unaligned access")
        || opens(text, "Oops: ")
        || opens(text, "Oops[#")
}

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head();
    let function = || reading.responsible(&Recipe::FAULT);
    let paging = [
        "unable to handle kernel paging request",
        "unable to handle page fault for address",
        "Unable to handle kernel data access",
        "Unable to handle kernel instruction fetch",
    ];
    if paging
        .iter()
        .any(|form| head.contains(&format!("BUG: {form}")))
        || head.contains("Unable to handle kernel paging request")
        || head.contains("Unable to handle kernel pointer dereference")
    {
        return Naming::located("BUG: unable to handle kernel paging request", function())
            .also("bad-access")
            .class("MEMORY_SAFETY_BUG");
    }
    if head.contains("ernel NULL pointer dereference") {
        return Naming::located(
            "BUG: unable to handle kernel NULL pointer dereference",
            function(),
        )
        .also("bad-access")
        .class("NULL-POINTER-DEREFERENCE");
    }
    if head.contains("Unable to handle kernel access to user memory") {
        return Naming::located(
            "BUG: unable to handle kernel access to user memory",
            function(),
        )
        .also("bad-access");
    }
    for (mark, what) in [
        ("Internal error:", "Internal error"),
        ("Unhandled fault:", "Unhandled fault"),
    ] {
        if head.contains(mark) {
            return Naming::located(what, function())
                .also("bad-access")
                .class("DoS");
        }
    }
    if head.contains("Alignment trap:") || head.contains("Unhandled kernel unaligned access") {
        return Naming::located("Alignment trap", function()).class("DoS");
    }
    if head.contains("BUG: unable to handle") || head.contains("BUG: Unable to handle") {
        // The head is printed in two pieces; the second is missing.
        return Naming::plain("BUG: unable to handle kernel")
            .untrusted("the head of the report is cut");
    }
    Naming::located("Oops", function())
        .also("bad-access")
        .class("DoS")
}
