//! A kernel stack ran into its guard page.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::{Choice, Recipe};

/// x86: arch/x86/kernel/traps.c `handle_stack_overflow`; arm64:
/// arch/arm64/kernel/traps.c `panic_bad_stack`; riscv: `handle_bad_stack`.
pub static ENTRY: Entry = Entry {
    name: "stack_overflow",
    meaning: "kernel code used more stack than there is and ran into the guard page below it",
    crash: true,
    anchors: &["BUG:", "Kernel panic - ", "Insufficient stack space"],
    starts: |text| {
        says(text, "stack guard page was hit at")
            || says(text, "Kernel panic - not syncing: kernel stack overflow")
            || says(text, "Insufficient stack space to handle exception")
    },
    folds: never,
    describe,
    details: no_details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    if reading.head().contains("stack guard page was hit") {
        let recipe = Recipe::FAULT.choosing(Choice::BeforeDispatch);
        return Naming::located(
            "BUG: stack guard page was hit",
            reading.responsible(&recipe),
        )
        .also("stack-overflow");
    }
    let recipe = Recipe::TRACE
        .skipping(Names::containing(&["bad_stack"]))
        .choosing(Choice::BeforeDispatch);
    Naming::located("kernel stack overflow", reading.responsible(&recipe))
        .also("stack-overflow")
        .class("DoS")
}
