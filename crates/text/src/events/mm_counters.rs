//! An address space was torn down with counters left over.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};

/// kernel/fork.c, `check_mm`.
pub static ENTRY: Entry = Entry {
    name: "mm_counters",
    meaning: "a process ended and its memory was not accounted to zero: pages leaked or were freed twice",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| form(text).is_some(),
    folds: never,
    describe: |reading: &Reading<'_>| Naming::plain(form(reading.head()).unwrap_or_default()),
    details: no_details,
};

fn form(text: &str) -> Option<&'static str> {
    [
        "BUG: Bad rss-counter state",
        "BUG: non-zero nr_ptes on freeing mm",
        "BUG: non-zero nr_pmds on freeing mm",
        "BUG: non-zero pgtables_bytes on freeing mm",
    ]
    .into_iter()
    .find(|form| says(text, form))
}
