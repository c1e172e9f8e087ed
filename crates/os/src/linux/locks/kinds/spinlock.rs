//! Spinlocks and rwlocks: who waits for one runs in a loop, so the registers of its CPU say for which. Who has one no
//! word says, but with CONFIG_DEBUG_SPINLOCK.

use base::{Gap, Mode, VirtAddr};
use unwind::X86;

use super::Kind;
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, scan, seen, words};

pub(super) static ENTRY: Kind = Kind {
    name: "spinlock",
    waits_in: &[
        "native_queued_spin_lock_slowpath",
        "__pv_queued_spin_lock_slowpath",
        "queued_spin_lock_slowpath",
        "virt_spin_lock",
    ],
    asked_by: &[
        "_raw_spin_lock",
        "_raw_spin_lock_irq",
        "_raw_spin_lock_irqsave",
        "_raw_spin_lock_bh",
        "_raw_spin_lock_nested",
        "__raw_spin_lock",
        "do_raw_spin_lock",
        "__raw_callee_save___pv_queued_spin_lock_slowpath",
        "pv_queued_spin_lock_slowpath",
        "raw_spin_rq_lock_nested",
    ],
    any_suffices: false,
    wait,
    state,
};

const LAYOUT: &str = "struct raw_spinlock";

/// `_Q_LOCKED_VAL`, and `_Q_SLOW_VAL` of one whose waiter has given its CPU away (paravirtual).
const LOCKED: u32 = 1;
const SLOW: u32 = 3;

/// The registers in which the lock's address is looked for, the argument's first, then those that calls keep.
const REGISTERS: [X86; 8] = [
    X86::Rdi,
    X86::Rbx,
    X86::Rbp,
    X86::R12,
    X86::R13,
    X86::R14,
    X86::R15,
    X86::Rdx,
];

/// The parts of a `struct qspinlock` (include/asm-generic/qspinlock_types.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    locked: u32,
    is_pending: bool,
    /// The CPU at the end of the queue.
    tail: Option<u32>,
}

impl Word {
    /// `many` says whether CPUs are numbered with 14 bits and more (`CONFIG_NR_CPUS` of 16384 and above): then the
    /// pending flag has one bit, not a byte. No kernel here is made so.
    pub(super) fn new(word: u32) -> Self {
        let tail = word >> 18;
        Word {
            locked: word & 0xff,
            is_pending: word >> 8 & 1 != 0,
            tail: tail.checked_sub(1),
        }
    }

    /// Whether a CPU may spin for a lock with this word, of a kernel with CPUs up to `last`.
    pub(super) fn is_contended(word: u32, last: u32) -> bool {
        let parts = Word::new(word);
        matches!(parts.locked, LOCKED | SLOW)
            && word & 0xfe00 == 0
            && parts.tail.is_none_or(|cpu| cpu <= last)
            // Which of the nodes of a CPU is told only with the CPU.
            && (parts.tail.is_some() || word >> 16 == 0)
    }
}

/// The highest number of a CPU.
pub(super) fn last_cpu(survey: &Survey<'_, '_>) -> u32 {
    let cpus = survey.kernel.cpus().value.iter();
    cpus.map(|cpu| cpu.number).max().unwrap_or(0)
}

/// The address that a thread spins on: in the registers of its innermost frame in the loop, else in what its callers
/// kept. `is_it` says of an address whether a lock may lie there that somebody waits for.
pub(super) fn spun_on(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
    is_it: impl Fn(VirtAddr) -> bool,
) -> Result<(VirtAddr, &'static str), Gap> {
    let frame = blocked.stack.frames.get(blocked.frame);
    if blocked.task.cpu.is_none() {
        return Err(blocked.unknown("it does not run, so nothing tells what it spun on"));
    }
    let is_it = |word: u64| {
        let address = VirtAddr(word);
        // A stack has words that look like a lock.
        word >> 63 == 1 && word.is_multiple_of(4) && is_it(address)
    };
    let named = |register: X86| {
        let mut all = X86::all();
        all.find(|(known, _)| *known == register)
            .map_or("a register", |(_, name)| name)
    };
    let registers = REGISTERS.iter().filter_map(|register| {
        let word = frame?.registers.get(*register)?;
        Some((word, named(*register)))
    });
    let mut found: Vec<(u64, &'static str)> = registers.filter(|(word, _)| is_it(*word)).collect();
    // The argument, where it is still there.
    if let Some((word, "rdi")) = found.first() {
        return Ok((VirtAddr(*word), "rdi"));
    }
    if found.is_empty() {
        let kept = scan::kept(survey, blocked).into_iter();
        let kept = kept.filter(|word| survey.stack_of(VirtAddr(*word)).is_none());
        found.extend(
            kept.filter(|word| is_it(*word))
                .map(|word| (word, "its stack")),
        );
    }
    found.dedup_by_key(|(word, _)| *word);
    match found.as_slice() {
        [(word, place)] => Ok((VirtAddr(*word), *place)),
        [] => Err(blocked.unknown("none of its registers points at a lock that is taken")),
        several => Err(blocked.unknown(format!(
            "{} of its words point at what may be a lock that is taken",
            several.len()
        ))),
    }
}

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let last = last_cpu(survey);
    let space = survey.kernel.space();
    let (lock, place) = spun_on(survey, blocked, |at| {
        space
            .u32(at)
            .is_ok_and(|word| Word::is_contended(word, last))
    })?;
    let says = format!(
        "{} of its frame in {} points at {lock}, where a spinlock that is taken lies",
        place, blocked.function
    );
    Ok(Wanted {
        called: None,
        address: Some(lock),
        mode: Mode::Exclusive,
        place: None,
        known: vec![seen(says)],
    })
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let mut state = State::default();
    let Some(address) = address else {
        return state;
    };
    let word = match words::word(survey, "spinlock", address) {
        Ok(word) => word,
        Err(gap) => {
            state.gaps.push(gap);
            return state;
        }
    };
    let parts = Word::new(word);
    let mut told = match parts.locked {
        0 => "not taken".to_owned(),
        _ => "taken".to_owned(),
    };
    if parts.is_pending {
        told.push_str(", a CPU is about to take it");
    }
    if let Some(cpu) = parts.tail {
        told = format!("{told}, CPU {cpu} is the last of the queue");
    }
    state.words = Some(format!("{word:#x}: {told}"));
    // Who takes one with CONFIG_DEBUG_SPINLOCK writes down its name; -1 is nobody's (`SPINLOCK_OWNER_INIT`).
    let owner = words::member(survey, LAYOUT, &["owner"], address);
    if let Ok(owner) = owner
        && parts.locked != 0
        && survey.task_at(VirtAddr(owner)).is_some()
    {
        let says = format!("the owner word of the spinlock at {address} is {owner:#x}");
        state.owners.push(Owner {
            task: VirtAddr(owner),
            mode: Mode::Exclusive,
            is_certain: true,
            known: vec![seen(says)],
        });
    }
    if state.owners.is_empty() && parts.locked != 0 {
        state.unnamed = Some((Mode::Exclusive, Some(1)));
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_spinlock_is_read() {
        let word = Word::new(0x0008_0101);
        assert_eq!(
            (word.locked, word.is_pending, word.tail),
            (1, true, Some(1))
        );
        assert_eq!(Word::new(0).tail, None);
        assert!(Word::is_contended(1, 0));
        assert!(Word::is_contended(0x0004_0001, 1));
        // CPU 2 of a kernel with two; no lock; garbage in the pending byte; a node without a CPU.
        for word in [0x000c_0001, 0, 0x0000_0401, 0x0001_0001, 0x8000_0002] {
            assert!(!Word::is_contended(word, 1), "{word:#x}");
        }
    }
}
