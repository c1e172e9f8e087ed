//! A task slept uninterruptibly for too long.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::plumbing::Names;
use crate::stack::{Choice, Recipe};

/// kernel/hung_task.c, `check_hung_task`.
pub static ENTRY: Entry = Entry {
    name: "hung_task",
    meaning: "a task waited, not even to be killed, longer than the limit: what it waits for does not come",
    crash: true,
    anchors: &["INFO:"],
    starts: |text| {
        says(text, "INFO: task ") && (blocked(text) || text.contains(" can't die for more than "))
    },
    folds: never,
    describe,
    details,
};

/// `blocked for more than 143 seconds`, `blocked in I/O wait for more than …` (6.18).
fn blocked(text: &str) -> bool {
    text.contains(" blocked ") && text.contains(" for more than ")
}

fn describe(reading: &Reading<'_>) -> Naming {
    if reading.head().contains(" can't die for more than ") {
        let recipe = Recipe::TRACE.skipping(Names::containing(&["schedule"]));
        return Naming::located("INFO: task can't die", reading.responsible(&recipe))
            .also("hang")
            .class("HANG");
    }
    let recipe = Recipe::TRACE.choosing(Choice::CallerOfWait);
    Naming::located("INFO: task hung", reading.responsible(&recipe))
        .also("hang")
        .class("HANG")
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let mut showing_locks = false;
    let mut push = |name: &str, value: &str, line: u64| {
        if details.len() < 128 {
            details.push(base::Detail {
                name: name.to_owned(),
                value: value.to_owned(),
                line,
            });
        }
    };
    for line in reading.lines {
        let text = line.text.trim();
        if let Some((_, rest)) = text.split_once(" for more than ") {
            push("blocked for", rest.trim_end_matches('.'), line.number);
        } else if text.starts_with("INFO: task ") && text.contains("is blocked on a ")
            || text.contains("<writer> blocked on")
        {
            // 6.16: "INFO: task a:12 is blocked on a mutex likely owned by task b:13."
            push("blocker", text, line.number);
        } else if text.starts_with("Showing all locks held in the system") {
            showing_locks = true;
        } else if showing_locks
            && (text.contains(" lock held by ") || text.contains(" locks held by "))
        {
            push("holder", text, line.number);
        } else if showing_locks && text.starts_with('#') {
            push("held lock", text, line.number);
        }
    }
}
