//! Trusty, a trusted execution environment beside Linux on phones, panicked.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};

/// The secure side prints through the kernel's log.
pub static ENTRY: Entry = Entry {
    name: "trusty",
    meaning: "the trusted execution environment beside the kernel stopped",
    crash: true,
    anchors: &["trusty: panic"],
    starts: |text| says(text, "trusty: panic"),
    folds: never,
    describe,
    details: no_details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head_from("trusty: panic");
    let body = head.split_once("): ").map(|(_, rest)| rest);
    let named = match body {
        Some(body) if head.contains("ASSERT FAILED") => match body.split_once("): ") {
            Some((_, what)) => Naming::plain(format!("trusty: ASSERT FAILED: {what}")),
            None => {
                let what = body.rsplit_once(": ").map_or(body, |(_, what)| what);
                Naming::plain(format!("trusty: ASSERT FAILED: {what}"))
                    .untrusted("the head of the report is cut")
            }
        },
        Some(body) => Naming::plain(format!("trusty: panic: {body}")),
        None => Naming::bare(head),
    };
    named.class("DoS")
}
