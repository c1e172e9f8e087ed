//! A lock was used before it was initialised.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// kernel/locking/lockdep.c, `register_lock_class`.
pub static ENTRY: Entry = Entry {
    name: "lock_key",
    meaning: "a lock was taken that nobody initialised, or whose memory was overwritten",
    crash: true,
    anchors: &["INFO:"],
    starts: |text| says(text, "INFO: trying to register non-static key"),
    folds: never,
    describe: |reading: &Reading<'_>| {
        let recipe = Recipe::TRACE.skipping(Names::containing(&["stack", "lock", "IRQ"]));
        Naming::located(
            "INFO: trying to register non-static key",
            reading.responsible(&recipe),
        )
    },
    details: no_details,
};
