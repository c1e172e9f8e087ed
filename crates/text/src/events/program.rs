//! Programs on the console that test the kernel and gave up themselves.

use crate::naming::{Entry, Naming, Reading, never, no_details, opens};

/// The executor of syzkaller (`SYZFAIL`, `SYZFATAL`) and Go programs (`panic:`).
pub static ENTRY: Entry = Entry {
    name: "program",
    meaning: "a program that exercises the kernel stopped; the kernel is not to blame by this alone",
    crash: true,
    anchors: &["SYZFAIL:", "SYZFATAL:", "panic:"],
    starts: |text| opens(text, "SYZFAIL:") || opens(text, "SYZFATAL:") || is_go_panic(text),
    folds: never,
    describe,
    details: no_details,
};

/// `panic: …` at the start of a line without a kernel stamp's company.
fn is_go_panic(text: &str) -> bool {
    text.starts_with("panic: ")
}

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head();
    if head.contains("SYZFATAL:") {
        return Naming {
            alt: vec!["SYZFATAL".to_owned()],
            ..Naming::plain(reading.head_from("SYZFATAL:"))
        }
        .class("SYZ_FAILURE");
    }
    if head.contains("SYZFAIL:") {
        return Naming::plain(reading.head_from("SYZFAIL:")).class("SYZ_FAILURE");
    }
    Naming::plain(reading.head_from("panic:")).class("DoS")
}
