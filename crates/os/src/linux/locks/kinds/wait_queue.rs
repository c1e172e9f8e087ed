//! `wait_event` and its kind: a thread sleeps in a queue until something is so, and nothing says who makes it so.

use base::{Gap, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{event, no_wait};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted, queued, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "wait_queue",
    // The loop of `wait_event` is in the function that waits: only what it calls shows it.
    waits_in: &[
        "schedule",
        "schedule_timeout",
        "io_schedule",
        "io_schedule_timeout",
    ],
    asked_by: &["__schedule", "wait_woken"],
    any_suffices: true,
    wait,
    state,
};

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    match queued::entry(survey, blocked)? {
        Some(entry) => Ok(event(
            Some(entry.queue),
            entry.place,
            seen(format!(
                "the wait_queue_entry at {} on its stack names it and hangs in the queue at {}",
                entry.at, entry.queue
            )),
        )),
        // The functions that show it are called by every other wait as well.
        None => Err(no_wait()),
    }
}

fn state(_: &Survey<'_, '_>, _: Option<VirtAddr>) -> State {
    State::default()
}
