//! Heads that say `BUG:`, `WARNING:` or `INFO:` and are of no known kind.

use crate::naming::{Entry, Naming, Reading, never, no_details, opens};

/// A new kind of report must not pass unseen: an unknown `BUG:` counts as it
/// stands, an unknown `WARNING:` or `INFO:` only where a stack proves it.
pub static ENTRY: Entry = Entry {
    name: "other",
    meaning: "the kernel reported a problem of a kind that this reader does not know",
    crash: true,
    anchors: &["BUG:", "WARNING:", "INFO:"],
    starts: |text| MARKS.iter().any(|mark| opens(text, mark)) && !is_harmless(text),
    folds: never,
    describe,
    details: no_details,
};

const MARKS: &[&str] = &["BUG:", "WARNING:", "INFO:"];

/// Messages that only look like reports.
fn is_harmless(text: &str) -> bool {
    const HARMLESS: &[&str] = &[
        "INFO: lockdep is turned off",
        // Lines of a hung task's report (6.16).
        "is blocked on a",
        "likely owned by",
        "INFO: Stall ended before state dump",
        "INFO: NMI handler",
        "INFO: recovery required",
        "took too long",
        "/etc/ssh/moduli",
        "workqueue cpumask:",
        "he mand mount option",
        "Unprivileged eBPF is enabled",
        "fbcon: Driver",
        "mitigation options",
        "kernel not compiled with",
        "uses deprecated v2 capabilities",
        "uses wireless extensions",
        "EXT4-fs",
        "EXT4-FS",
        "no syscalls can create resource",
        "is not present in /proc/kallsyms",
        "DT_FLAGS_1",
    ];
    HARMLESS.iter().any(|harmless| text.contains(harmless))
}

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head();
    let Some(mark) = MARKS.iter().find(|mark| opens(head, mark)) else {
        return Naming::bare(head);
    };
    let head = reading.head_from(mark);
    let what = head.get(mark.len()..).unwrap_or_default().trim();
    if what.is_empty() {
        return Naming::plain(format!("{mark} corrupted"))
            .untrusted("the head of the report is cut");
    }
    if what.starts_with("Freed in ") || what.starts_with("Allocated in ") {
        // Lines of a slab or KASAN report whose head is missing.
        return Naming::plain(head).untrusted("the head of the report is missing");
    }
    let has_stack = reading.lines.iter().any(|line| line.opens_stack);
    if *mark != "BUG:" && !has_stack {
        return Naming::default();
    }
    let class = if *mark == "WARNING:" { "WARNING" } else { "" };
    Naming::plain(head).class(class)
}
