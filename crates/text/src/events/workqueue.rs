//! Work items: one blocks its pool, or ended with a lock held.

use crate::naming::{Details, Entry, Naming, Reading, never, says};

/// kernel/workqueue.c, `wq_watchdog_timer_fn`, `process_one_work`.
pub static ENTRY: Entry = Entry {
    name: "workqueue",
    meaning: "a work item keeps its pool from making progress, or left a lock or atomic context behind",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: workqueue lockup") || says(text, "BUG: workqueue leaked "),
    folds: never,
    describe,
    details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    if reading.head().contains("BUG: workqueue lockup") {
        return Naming::plain("BUG: workqueue lockup").kind("workqueue_lockup");
    }
    let function = reading.first(|text| {
        text.split_once("last function: ")
            .map(|(_, rest)| rest.trim())
    });
    match function {
        Some(function) => Naming::plain(format!(
            "BUG: workqueue leaked lock or atomic in {function}"
        )),
        None => Naming::bare(reading.head_from("BUG:")),
    }
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    for line in reading.lines {
        let text = line.text.trim();
        let name = if text.starts_with("workqueue ") {
            "workqueue"
        } else if text.starts_with("in-flight:") {
            "in flight"
        } else if text.starts_with("pending:") {
            "pending"
        } else {
            continue;
        };
        if details.len() < 64 {
            details.push(base::Detail {
                name: name.to_owned(),
                value: text.to_owned(),
                line: line.number,
            });
        }
    }
}
