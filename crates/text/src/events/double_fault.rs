//! A fault while handling a fault; on x86 most often an overflown kernel stack.

use crate::naming::{Entry, Naming, Reading, into_crash, no_details, says};
use crate::stack::Recipe;

/// arch/x86/kernel/traps.c, `exc_double_fault`.
pub static ENTRY: Entry = Entry {
    name: "double_fault",
    meaning: "the CPU faulted while it entered the handler of another fault",
    crash: true,
    anchors: &["double fault"],
    starts: |text| says(text, "PANIC: double fault") || says(text, "double fault: "),
    folds: into_crash,
    describe: |reading: &Reading<'_>| {
        Naming::located("PANIC: double fault", reading.responsible(&Recipe::COUNTER)).class("DoS")
    },
    details: no_details,
};
