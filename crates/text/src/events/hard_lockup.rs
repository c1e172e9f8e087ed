//! A CPU took no interrupt for too long.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::stack::{Choice, Recipe};

/// kernel/watchdog_hld.c `watchdog_overflow_callback`; arch/powerpc/kernel/watchdog.c.
pub static ENTRY: Entry = Entry {
    name: "hard_lockup",
    meaning: "a CPU ran with interrupts off for so long that not even the timer reached it",
    crash: true,
    anchors: &["ard LOCKUP"],
    starts: |text| {
        says(text, "Watchdog detected hard LOCKUP")
            || text.contains(" Hard LOCKUP")
            || text.contains("self-detected hard LOCKUP")
    },
    folds: never,
    describe: |reading: &Reading<'_>| {
        let recipe = Recipe::FAULT.choosing(Choice::BeforeDispatch);
        let function = reading
            .responsible(&recipe)
            .or_else(|| reading.responsible(&Recipe::FAULT));
        Naming::located("BUG: hard lockup", function)
            .also("stall")
            .class("HANG")
    },
    details: no_details,
};
