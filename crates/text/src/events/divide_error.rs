//! Division by zero, or a quotient that does not fit.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::stack::Recipe;

/// arch/x86/kernel/traps.c, `exc_divide_error`; `divide_error:` between 9d06c4027f21 and its correction.
pub static ENTRY: Entry = Entry {
    name: "divide_error",
    meaning: "kernel code divided by zero, or the quotient did not fit its register",
    crash: true,
    anchors: &["divide error:", "divide_error:"],
    starts: |text| {
        (says(text, "divide error:") || says(text, "divide_error:")) && !text.contains(" ip:")
    },
    folds: never,
    describe: |reading: &Reading<'_>| {
        Naming::located("divide error", reading.responsible(&Recipe::COUNTER)).class("DoS")
    },
    details: no_details,
};
