//! A linked list was found broken by its own checks.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::stack::Recipe;

/// lib/list_debug.c under `CONFIG_DEBUG_LIST`; the line that says how stands before the BUG.
pub static ENTRY: Entry = Entry {
    name: "list_corruption",
    meaning: "a linked list's pointers contradict each other: an element was freed, added twice or overwritten",
    crash: true,
    anchors: &["ernel BUG"],
    starts: |text| {
        says(text, "kernel BUG at lib/list_debug.c")
            || says(text, "kernel BUG at /") && text.contains("lib/list_debug.c")
    },
    folds: never,
    describe: |reading: &Reading<'_>| {
        Naming::located("BUG: corrupted list", reading.responsible(&Recipe::TRACE))
            .also("bad-access")
            .class("MEMORY_SAFETY_BUG")
    },
    details,
};

fn details(reading: &Reading<'_>, details: &mut Details) {
    for line in reading.before.iter().rev() {
        if line.text.contains("list_add") || line.text.contains("list_del") {
            details.push(base::Detail {
                name: "corruption".to_owned(),
                value: line.text.trim().to_owned(),
                line: line.number,
            });
            return;
        }
    }
}
