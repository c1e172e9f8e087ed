//! Code that must not sleep called something that sleeps.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// kernel/sched/core.c `__schedule_bug`, `__might_resched`; lockdep's wait contexts.
pub static ENTRY: Entry = Entry {
    name: "atomic_sleep",
    meaning: "code that may not sleep (it holds a spinlock, or runs in an interrupt) called something that sleeps",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| {
        says(text, "BUG: scheduling while atomic")
            || says(
                text,
                "BUG: sleeping function called from invalid context at ",
            )
            || text.contains("BUG: Invalid wait context")
    },
    folds: never,
    describe,
    details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head();
    if head.contains("BUG: scheduling while atomic") {
        let recipe = Recipe::TRACE.skipping(Names::containing(&["schedule"]));
        return Naming::located("BUG: scheduling while atomic", reading.responsible(&recipe))
            .class("ATOMIC_SLEEP");
    }
    if head.contains("BUG: Invalid wait context") {
        // x86 reports the same through a WARNING of lockdep: one name for both.
        let recipe = Recipe::TRACE.skipping(Names::containing(&["lock_sock", "release_sock"]));
        return Naming::located("WARNING: locking bug", reading.responsible(&recipe))
            .class("LOCKDEP");
    }
    Naming::located(
        "BUG: sleeping function called from invalid context",
        reading.responsible(&Recipe::TRACE),
    )
    .class("ATOMIC_SLEEP")
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let mut push = |name: &str, value: &str, line: u64| {
        details.push(base::Detail {
            name: name.to_owned(),
            value: value.trim().to_owned(),
            line,
        });
    };
    for line in reading.lines.iter().take(24) {
        let text = line.text.trim();
        if let Some((_, place)) = text.split_once("invalid context at ") {
            push("sleeps at", place, line.number);
        } else if text.starts_with("in_atomic(): ") {
            push("context", text, line.number);
        } else if text.starts_with("preempt_count: ") || text.starts_with("Preemption disabled at")
        {
            push("preemption", text, line.number);
        }
    }
}
