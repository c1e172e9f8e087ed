//! The spinlock debugging code met a lock in a wrong state.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// kernel/locking/spinlock_debug.c, `spin_dump`, `rwlock_bug`.
pub static ENTRY: Entry = Entry {
    name: "spinlock",
    meaning: "a spinning lock was used by the wrong owner, twice, or without being initialised",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| form(text).is_some(),
    folds: never,
    describe,
    details: no_details,
};

const FORMS: &[&str] = &[
    "lockup suspected",
    "already unlocked",
    "recursion",
    "cpu recursion",
    "bad magic",
    "wrong owner",
    "wrong CPU",
    "trylock failure on UP",
];

fn form(text: &str) -> Option<(&'static str, &'static str)> {
    for lock in ["spinlock", "rwlock"] {
        for form in FORMS {
            if says(text, &format!("BUG: {lock} {form}")) {
                return Some((lock, form));
            }
        }
    }
    None
}

fn describe(reading: &Reading<'_>) -> Naming {
    let Some((lock, form)) = form(reading.head()) else {
        return Naming::bare(reading.head());
    };
    let recipe = Recipe::TRACE.skipping(Names::containing(&["spin_", "_lock", "_unlock"]));
    Naming::located(&format!("BUG: {lock} {form}"), reading.responsible(&recipe)).class("LOCKDEP")
}
