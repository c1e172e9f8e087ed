//! `struct rw_semaphore`: a writer is in its owner word; of readers there is a count, and at most the last one as a
//! hint.

use base::{Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::scan::{self, Shape};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, seen, words};

pub(super) static ENTRY: Kind = Kind {
    name: "rw_semaphore",
    waits_in: &[
        "rwsem_down_read_slowpath",
        "rwsem_down_write_slowpath",
        // Before 6cef7ff6e43c ("locking/rwsem: Code cleanup after files merging", 5.2).
        "__rwsem_down_read_failed_common",
        "__rwsem_down_write_failed_common",
        "rwsem_down_read_failed",
        "rwsem_down_write_failed",
        "rwsem_down_read_failed_killable",
        "rwsem_down_write_failed_killable",
    ],
    asked_by: &[
        "down_read",
        "down_read_nested",
        "down_read_non_owner",
        "down_read_interruptible",
        "down_read_killable",
        "down_read_killable_nested",
        "down_write",
        "down_write_nested",
        "_down_write_nest_lock",
        "down_write_killable",
        "down_write_killable_nested",
        "__down_read",
        "__down_write",
        "__down_read_common",
        "__down_write_common",
        "call_rwsem_down_read_failed",
        "call_rwsem_down_write_failed",
        "call_rwsem_down_read_failed_killable",
        "call_rwsem_down_write_failed_killable",
    ],
    any_suffices: false,
    wait,
    state,
};

const LAYOUT: &str = "struct rw_semaphore";

/// Bits of `count` since 64489e78004c ("locking/rwsem: Implement a new locking scheme", 5.3); readers above them.
const WRITER: u64 = 1;
const WAITERS: u64 = 2;
const HANDOFF: u64 = 4;
const READERS: u32 = 8;
/// Set where so many readers came that the count would not hold them.
const READ_FAIL: u64 = 1 << 63;

/// Bits of `owner`: readers have it, nobody shall spin for it. Since 94a9717b3c40 ("locking/rwsem: Make rwsem->owner
/// an atomic_long_t", 5.3); a third came and went with 7d43f1ce9dd0 and 617f3ef95177 (5.3 to 5.11).
const READER_OWNED: u64 = 1;
const OWNER_FLAGS: u64 = 7;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let shape = Shape::of(survey, "struct rwsem_waiter", LAYOUT)?;
    let Some(found) = scan::waiter(survey, blocked, &shape, 1) else {
        return Err(blocked.unknown(
            "no struct rwsem_waiter of its own is on its stack: it may just have got it",
        ));
    };
    // RWSEM_WAITING_FOR_WRITE is 0, RWSEM_WAITING_FOR_READ 1.
    let is_reader = words::member(survey, "struct rwsem_waiter", &["type"], found.waiter)? != 0;
    let mode = match is_reader {
        true => Mode::Shared,
        false => Mode::Exclusive,
    };
    let says = format!(
        "the struct rwsem_waiter at {} on its stack names it and hangs in the queue of the rw_semaphore at {}, to {}",
        found.waiter,
        found.lock,
        if is_reader { "read" } else { "write" }
    );
    Ok(Wanted {
        called: None,
        address: Some(found.lock),
        mode,
        place: Some(found.place),
        known: vec![seen(says)],
    })
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let mut state = State::default();
    let Some(address) = address else {
        return state;
    };
    let read = || {
        let count = words::member(survey, LAYOUT, &["count"], address)?;
        Ok((count, words::member(survey, LAYOUT, &["owner"], address)?))
    };
    let (count, owner) = match read() {
        Ok(read) => read,
        Err(gap) => {
            state.gaps.push(gap);
            return state;
        }
    };
    // 4f23dbc1e657 ("locking/rwsem: Implement lock handoff to prevent lock starvation", 5.3) is of the same series as
    // the count's new scheme.
    let is_new = survey.field("struct rwsem_waiter", &["timeout"]).is_ok();
    let word = Word::new(count, owner, is_new);
    let who = VirtAddr(owner & !OWNER_FLAGS);
    let mut told = match (word.is_written, word.readers) {
        (true, _) if who.0 == 0 => "a writer, which it does not name".to_owned(),
        (true, _) => format!("writer {}", words::who(survey, who)),
        (false, Some(0)) => "nobody has it".to_owned(),
        (false, Some(readers)) => words::counted(readers, "reader"),
        (false, None) => "readers, which it does not count".to_owned(),
    };
    if is_new {
        let flags = [
            (WAITERS, "waiters"),
            (HANDOFF, "hand-off"),
            (READ_FAIL, "too many readers"),
        ];
        told.push_str(&words::flags(count, &flags));
    }
    if !word.is_written && owner & READER_OWNED != 0 && who.0 != 0 {
        let last = words::who(survey, who);
        told = format!("{told}; the last reader to come was {last}, a hint");
    }
    state.words = Some(format!("count {count:#x}, owner {owner:#x}: {told}"));
    state.count = match word.is_written {
        true => Some(0),
        false => word.readers,
    };
    state.unnamed = match (word.is_written, word.readers) {
        (true, _) if who.0 == 0 => Some((Mode::Exclusive, Some(1))),
        (true, _) | (false, Some(0)) => None,
        (false, readers) => Some((Mode::Shared, readers)),
    };
    if word.is_written && who.0 != 0 {
        if survey.task_at(who).is_none() {
            let says =
                format!("the writer of the rw_semaphore at {address} is {who}, which is no task");
            state.oddities.push(("owner_gone", seen(says)));
        }
        state.owners.push(Owner {
            task: who,
            mode: Mode::Exclusive,
            is_certain: true,
            known: vec![seen(format!(
                "the rw_semaphore at {address} is locked by a writer (count {count:#x}) and its owner word is {owner:#x}"
            ))],
        });
    }
    if !word.is_written && word.readers == Some(0) {
        let says = format!(
            "the rw_semaphore at {address} has waiters and nobody has it (count {count:#x})"
        );
        state.oddities.push(("no_owner", seen(says)));
    }
    state
}

/// What the two words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    is_written: bool,
    /// How many have it to read, where it can be told.
    readers: Option<u64>,
}

impl Word {
    fn new(count: u64, owner: u64, is_new: bool) -> Self {
        if is_new {
            return Word {
                is_written: count & WRITER != 0,
                readers: Some((count & !READ_FAIL) >> READERS),
            };
        }
        // Before, the lower half counted all that had it or were about to, and the upper half was -1 where any waited or
        // a writer had it: only the owner tells a writer from one reader.
        let active = count & 0xffff_ffff;
        let is_written = active != 0 && count >> 63 == 1 && owner & READER_OWNED == 0 && owner != 0;
        Word {
            is_written,
            readers: match (active, count >> 63) {
                (0, _) => Some(0),
                (active, 0) => Some(active),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_in_both_schemes() {
        let word = |count, owner, is_new| {
            let word = Word::new(count, owner, is_new);
            (word.is_written, word.readers)
        };
        assert_eq!(word(0x103, 0x1003, true), (true, Some(1)));
        assert_eq!(word(0x302, 0x1001, true), (false, Some(3)));
        assert_eq!(word(READ_FAIL | 0x102, 0, true), (false, Some(1)));
        assert_eq!(word(2, 0, true), (false, Some(0)));
        // Two readers; a writer; a reader with others behind it; nobody, and others wait.
        assert_eq!(word(2, 1, false), (false, Some(2)));
        assert_eq!(word(0xffff_ffff_0000_0001, 0x1000, false), (true, None));
        assert_eq!(word(0xffff_ffff_0000_0001, 1, false), (false, None));
        assert_eq!(word(0xffff_ffff_0000_0000, 0, false), (false, Some(0)));
    }
}
