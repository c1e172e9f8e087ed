//! An allocation of pages failed, with the state of memory.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::stack::Recipe;

/// mm/page_alloc.c, `warn_alloc`. A note: the caller was told and may cope.
pub static ENTRY: Entry = Entry {
    name: "page_allocation_failure",
    meaning: "no free pages of the wanted size were found in time; the caller was told",
    crash: false,
    anchors: &[
        "page allocation failure",
        "vmalloc error: size",
        "vmalloc: allocation failure",
    ],
    starts: |text| {
        says(text, "page allocation failure: order:")
            || says(text, "page allocation failure. order:")
            || says(text, "vmalloc error: size")
            || says(text, "vmalloc: allocation failure")
    },
    folds: never,
    describe,
    details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    let what = if reading.head().contains("vmalloc") {
        "vmalloc allocation failure"
    } else {
        "page allocation failure"
    };
    match reading.responsible(&Recipe::TRACE) {
        Some(function) => Naming::plain(format!("{what} in {function}")),
        None => Naming::plain(what),
    }
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let line = reading.lines.first().map_or(0, |line| line.number);
    if let Some(rest) = reading.after("failure") {
        let value = rest.trim_start_matches([':', '.', ' ']).to_owned();
        details.push(base::Detail {
            name: "request".to_owned(),
            value,
            line,
        });
    }
}
