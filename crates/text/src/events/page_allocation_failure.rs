//! An allocation of pages failed, with the state of memory.

use crate::naming::{Details, Entry, Naming, Reading, always, says};

/// mm/page_alloc.c, `warn_alloc`. A note: the caller was told and may cope.
pub static ENTRY: Entry = Entry {
    name: "page_allocation_failure",
    meaning: "no free pages of the wanted size were found in time; the caller was told",
    crash: false,
    anchors: &["page allocation failure", "vmalloc error: size", "vmalloc: allocation failure"],
    starts: |text| {
        says(text, "page allocation failure") || says(text, "vmalloc error: size") || says(text, "vmalloc: allocation failure")
    },
    folds: always,
    describe: |reading: &Reading<'_>| {
        let title = if reading.head().contains("vmalloc") { "vmalloc allocation failure" } else { "page allocation failure" };
        Naming::plain(title)
    },
    details,
};

fn details(reading: &Reading<'_>, details: &mut Details) {
    let line = reading.lines.first().map_or(0, |line| line.number);
    if let Some(rest) = reading.after("failure") {
        let value = rest.trim_start_matches([':', '.', ' ']).to_owned();
        details.push(base::Detail { name: "request".to_owned(), value, line });
    }
}
