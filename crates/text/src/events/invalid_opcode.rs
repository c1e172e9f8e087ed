//! The CPU met bytes that are no instruction.

use crate::naming::{Entry, Naming, Reading, no_details, says};
use crate::stack::Recipe;

/// arch/x86/kernel/traps.c, `exc_invalid_op`; behind a BUG it is part of it (`ud2`).
pub static ENTRY: Entry = Entry {
    name: "invalid_opcode",
    meaning: "the CPU met bytes that are no instruction: a wild jump, corrupted text, or a trap the compiler put there",
    crash: true,
    anchors: &["invalid opcode:"],
    starts: |text| says(text, "invalid opcode:") && !text.contains(" ip:"),
    folds: |text, open| open.crash && text.contains("invalid opcode: 0000"),
    describe: |reading: &Reading<'_>| {
        Naming::located("invalid opcode", reading.responsible(&Recipe::COUNTER)).class("DoS")
    },
    details: no_details,
};
