//! `rwlock_t`: a count of readers and a writer's byte; whoever waits for it runs in a loop.

use base::{Gap, Mode, VirtAddr};

use super::Kind;
use super::spinlock::spun_on;
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted, seen, words};

pub(super) static ENTRY: Kind = Kind {
    name: "rwlock",
    waits_in: &["queued_read_lock_slowpath", "queued_write_lock_slowpath"],
    asked_by: &[
        "_raw_read_lock",
        "_raw_read_lock_irq",
        "_raw_read_lock_irqsave",
        "_raw_read_lock_bh",
        "_raw_write_lock",
        "_raw_write_lock_irq",
        "_raw_write_lock_irqsave",
        "_raw_write_lock_bh",
        "_raw_write_lock_nested",
        "native_queued_spin_lock_slowpath",
        "__pv_queued_spin_lock_slowpath",
    ],
    any_suffices: false,
    wait,
    state,
};

/// `_QW_LOCKED` and `_QW_WAITING` of include/asm-generic/qrwlock.h; readers above them.
const WRITER: u32 = 0xff;
const WAITING: u32 = 0x100;
const READERS: u32 = 9;

/// Readers of one lock that are believed: each is a CPU, or an interrupt of one.
const MOST: u32 = 1 << 16;

/// Whether a lock with this word lets somebody wait.
fn is_contended(word: u32) -> bool {
    let (writer, readers) = (word & WRITER, word >> READERS);
    match writer {
        WRITER => readers < MOST,
        0 => readers != 0 && readers < MOST,
        _ => false,
    }
}

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let space = survey.kernel.space();
    let (lock, place) = spun_on(survey, blocked, |at| space.u32(at).is_ok_and(is_contended))?;
    let mode = match blocked.function {
        "queued_read_lock_slowpath" => Mode::Shared,
        _ => Mode::Exclusive,
    };
    let says = format!(
        "{place} of its frame in {} points at {lock}, where an rwlock that is taken lies",
        blocked.function
    );
    Ok(Wanted {
        called: None,
        address: Some(lock),
        mode,
        place: None,
        known: vec![seen(says)],
    })
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let mut state = State::default();
    let Some(address) = address else {
        return state;
    };
    let word = match words::word(survey, "rwlock", address) {
        Ok(word) => word,
        Err(gap) => {
            state.gaps.push(gap);
            return state;
        }
    };
    let readers = u64::from(word >> READERS);
    let mut told = match word & WRITER {
        0 => words::counted(readers, "reader"),
        _ => "a writer has it".to_owned(),
    };
    if word & WAITING != 0 {
        told.push_str(", a writer waits");
    }
    state.words = Some(format!("{word:#x}: {told}"));
    state.unnamed = match (word & WRITER, readers) {
        (0, 0) => None,
        (0, _) => Some((Mode::Shared, Some(readers))),
        _ => Some((Mode::Exclusive, Some(1))),
    };
    state.count = Some(match word & WRITER {
        // Readers that wait for the writer are counted, too.
        0 => readers,
        _ => 0,
    });
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_an_rwlock_is_read() {
        for word in [0xff, 0x200, 0x300, 0x3ff, 0x600] {
            assert!(is_contended(word), "{word:#x}");
        }
        for word in [0, 0x100, 1, 0x201, 0xffff_fe00] {
            assert!(!is_contended(word), "{word:#x}");
        }
    }
}
