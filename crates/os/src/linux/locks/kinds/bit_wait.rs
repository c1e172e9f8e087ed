//! `wait_on_bit` and its kind: a thread sleeps until a bit of a word is clear, or a variable is changed. Who clears it is
//! written nowhere.

use base::{Gap, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{event, unread};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted, queued, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "bit_wait",
    waits_in: &[
        "bit_wait",
        "bit_wait_io",
        "bit_wait_timeout",
        "bit_wait_io_timeout",
        "__wait_on_bit",
        "__wait_on_bit_lock",
        "out_of_line_wait_on_bit",
        "out_of_line_wait_on_bit_timeout",
        "out_of_line_wait_on_bit_lock",
    ],
    asked_by: &["__wait_on_buffer", "wait_on_buffer", "__lock_buffer"],
    any_suffices: true,
    wait,
    state,
};

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let of = survey.field("struct wait_bit_queue_entry", &["wq_entry", "wait"])?;
    let word = survey.field("struct wait_bit_queue_entry", &["key.flags"])?;
    let bit = survey.field("struct wait_bit_queue_entry", &["key.bit_nr"])?;
    let entry = queued::entry(survey, blocked)?;
    let Some(entry) = entry.filter(|entry| entry.function == "wake_bit_function") else {
        return Err(blocked.unknown("no struct wait_bit_queue_entry of its own is on its stack"));
    };
    let at = VirtAddr(entry.at.0.wrapping_sub(of.offset));
    let read = survey.pointer(&word, at).zip(survey.value(&bit, at));
    let Some((word, bit)) = read else {
        return Err(blocked.unknown(format!("the key of the entry at {at} cannot be read")));
    };
    // Others of the same hash may stand before it in the queue.
    Ok(event(
        Some(word),
        None,
        seen(format!(
            "the wait_bit_queue_entry at {at} on its stack names it, and bit {bit} of the word at {word}"
        )),
    ))
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let Some(address) = address else {
        return State::default();
    };
    match survey.kernel.space().u64(address) {
        Ok(word) => State {
            words: Some(format!("word {word:#x}")),
            ..State::default()
        },
        Err(error) => unread(Gap::new(
            format!("the word at {address}"),
            error.to_string(),
        )),
    }
}
