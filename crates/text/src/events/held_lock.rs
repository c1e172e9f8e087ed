//! Locks that were not released, released twice, or freed while held.

use crate::naming::{Entry, Naming, Reading, lock_site, never, no_details, says};
use crate::stack::{Recipe, Seen, Step, call_trace};

/// kernel/locking/lockdep.c: `print_held_locks_bug`, `print_unlock_imbalance_bug`,
/// `print_freed_lock_bug`, `lockdep_sys_exit`, `print_lock_nested_lock_not_held`.
pub static ENTRY: Entry = Entry {
    name: "held_lock",
    meaning: "a lock was still held, or not held, where the code says otherwise",
    crash: true,
    anchors: &["WARNING:", "BUG:"],
    starts: |text| marker(text).is_some() && FORMS.iter().any(|form| text.contains(form)),
    folds: never,
    describe,
    details: no_details,
};

const FORMS: &[&str] = &[
    "still has locks held!",
    "lock held when returning to user space",
    "bad unlock balance detected!",
    "held lock freed!",
    "Nested lock was not taken",
];

fn marker(text: &str) -> Option<&'static str> {
    ["BUG", "WARNING"]
        .into_iter()
        .find(|word| says(text, &format!("{word}: ")))
}

/// `[<pc>] f+0x1/0x2`, anywhere on the line.
fn any_frame(text: &str) -> Seen<'_> {
    for (at, _) in text.match_indices('[') {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(symbol) = crate::frames::bracketed_pc(rest)
            .and_then(|(_, rest)| crate::frames::symbol(rest.trim_start()))
            && symbol.offset.is_some()
        {
            return Seen::Function(symbol.name.split('.').next().unwrap_or(symbol.name));
        }
    }
    Seen::No
}

const UNLOCK: Recipe = Recipe {
    steps: &[Step::Seek(any_frame), Step::Seek(call_trace), Step::Trace],
    ..Recipe::TRACE
};

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head();
    let word = marker(head).unwrap_or("WARNING");
    let place = || {
        let rest = reading.lines.get(1..).unwrap_or_default();
        let by_site = || rest.iter().find_map(|line| lock_site(&line.text));
        let by_frame = || {
            rest.iter().find_map(|line| match any_frame(&line.text) {
                Seen::Function(name) => Some(name),
                _ => None,
            })
        };
        by_site().or_else(by_frame).map(str::to_owned)
    };
    let bare = || Naming::bare(reading.head_from(word));
    let named = if head.contains("still has locks held!") {
        let Some(function) = place() else {
            return bare();
        };
        Naming::located(&format!("{word}: still has locks held"), Some(function))
    } else if head.contains("lock held when returning to user space") {
        let behind =
            reading.behind(|text| text.contains("leaving the kernel with locks still held"));
        let site = behind.and_then(|lines| lines.iter().find_map(|line| lock_site(&line.text)));
        let Some(function) = site else { return bare() };
        Naming::located(
            &format!("{word}: lock held when returning to user space"),
            Some(function.to_owned()),
        )
        .stackless()
    } else if head.contains("bad unlock balance detected!") {
        Naming::located(
            &format!("{word}: bad unlock balance"),
            reading.responsible(&UNLOCK),
        )
    } else if head.contains("held lock freed!") {
        let Some(function) = place() else {
            return bare();
        };
        Naming::located(&format!("{word}: held lock freed"), Some(function))
    } else {
        Naming::located(
            "WARNING: nested lock was not taken",
            reading.responsible(&Recipe::WARNING),
        )
    };
    named.class("LOCKDEP")
}
