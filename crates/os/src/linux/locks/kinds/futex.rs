//! Futexes: a word of a process's memory that its threads wait at. The kernel knows the owner of those that inherit
//! priority; of others it knows nothing, and the C library's mutex around the word says who has it.

use base::{Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{inferred, who};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "futex",
    waits_in: &[
        // The names that the innermost one has had, the newest first.
        "futex_do_wait",
        "futex_wait_queue",
        "futex_wait_queue_me",
        "__futex_wait",
        "futex_wait",
        "futex_lock_pi",
        "futex_wait_requeue_pi",
    ],
    asked_by: &[
        "do_futex",
        "__x64_sys_futex",
        "__do_sys_futex",
        "__se_sys_futex",
        "x64_sys_call",
        "do_syscall_64",
        "do_syscall_x64",
        "entry_SYSCALL_64_after_hwframe",
    ],
    any_suffices: false,
    wait,
    state,
};

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let futexes = survey.futexes();
    let waiting = futexes.waiting.get(&blocked.task.address.0);
    let waiting = match waiting {
        Some(Ok(waiting)) => waiting,
        Some(Err(gap)) => return Err(gap.clone()),
        None => return Err(blocked.unknown("it does not wait at a word")),
    };
    let word = futexes.words.get(&waiting.place.0);
    // What is no mutex is an event: a condition, a barrier, a semaphore, the end of a thread.
    let is_mutex = word.is_some_and(|word| word.inheriting.is_some() || word.mutex.is_some());
    let says = format!(
        "the struct futex_q at {} on its stack names it and the word at {} of process {}",
        waiting.at, waiting.user, blocked.task.tgid
    );
    Ok(Wanted {
        called: None,
        address: Some(waiting.place),
        mode: match is_mutex {
            true => Mode::Exclusive,
            false => Mode::Event,
        },
        place: None,
        known: vec![seen(says)],
    })
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let word = address.and_then(|place| survey.futexes().words.get(&place.0));
    let Some(word) = word else {
        return State::default();
    };
    let mut state = State::default();
    if let Some(user) = word.user {
        state.name = Some(format!("the word at {user} of process {}", word.tgid));
    }
    let by = |owner: VirtAddr| {
        let by = survey.task_at(owner);
        by.map_or_else(|| format!("{owner}, which is no task"), who)
    };
    let value = word.value;
    let (words, owner) = match (word.inheriting, word.mutex) {
        (Some((pi, owner)), _) => {
            let known = seen(format!("the struct futex_pi_state at {pi} names its owner"));
            let words = format!("word {value:#x}, owner {} by its futex_pi_state", by(owner));
            (words, Some((owner, known)))
        }
        (None, Some((owner, kind))) => {
            let known = inferred(format!(
                "what lies around the word is a glibc mutex in every part (kind {kind:#x}), and its owner is a thread of the process"
            ));
            let words = format!(
                "word {value:#x}, owner {} by the mutex around it",
                by(owner)
            );
            (words, Some((owner, known)))
        }
        (None, None) => (format!("word {value:#x}"), None),
    };
    state.words = Some(words);
    state.owners.extend(owner.map(|(task, known)| Owner {
        task,
        mode: Mode::Exclusive,
        is_certain: true,
        known: vec![known],
    }));
    state
}
