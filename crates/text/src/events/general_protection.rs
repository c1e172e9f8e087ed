//! x86: general protection and stack segment faults in the kernel.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::stack::Recipe;

/// arch/x86/kernel/traps.c, `exc_general_protection`.
pub static ENTRY: Entry = Entry {
    name: "general_protection",
    meaning: "the CPU refused an instruction, most often because a pointer is no valid address at all",
    crash: true,
    anchors: &["general protection fault", "stack segment: "],
    starts: |text| {
        (says(text, "general protection fault") && !of_user_process(text))
            || says(text, "stack segment: ")
    },
    folds: never,
    describe,
    details: no_details,
};

/// `traps: a.out[12] general protection fault ip:… sp:… error:0 in a.out[…]`.
fn of_user_process(text: &str) -> bool {
    text.contains(" error:") || text.contains(" ip:") && text.contains(" sp:")
}

fn describe(reading: &Reading<'_>) -> Naming {
    let function = reading.responsible(&Recipe::FAULT);
    if reading.head().contains("stack segment: ") {
        return Naming::located("stack segment fault", function).class("DoS");
    }
    if !reading.head_from("general protection fault").contains(':') {
        return Naming::plain(reading.head_from("general protection fault"));
    }
    Naming::located("general protection fault", function)
        .also("bad-access")
        .class("DoS")
}
