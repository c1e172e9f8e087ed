//! KCSAN: two accesses to the same memory raced.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};

/// `BUG: KCSAN: data-race in f / g` (kernel/kcsan/report.c, `print_report`).
pub static ENTRY: Entry = Entry {
    name: "kcsan",
    meaning: "the concurrency sanitizer caught two unsynchronised accesses to the same memory",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: KCSAN:"),
    folds: never,
    describe,
    details: no_details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    let Some(what) = reading.after("BUG: KCSAN: ") else {
        return Naming::bare(reading.head_from("BUG: KCSAN:"));
    };
    let class = if what.starts_with("data-race") {
        "KCSAN-DATARACE"
    } else if what.starts_with("assert: race in") {
        "KCSAN-ASSERT"
    } else {
        "KCSAN-UNKNOWN"
    };
    Naming::plain(format!("KCSAN: {what}")).class(class)
}
