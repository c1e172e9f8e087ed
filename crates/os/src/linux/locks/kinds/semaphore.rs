//! `struct semaphore`: a count of how many may still come; whom it has let in it does not say.

use base::{Evidence, Gap, Mode, Trust, VirtAddr};

use super::Kind;
use crate::linux::locks::scan::{self, Shape};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, seen, words};

pub(super) static ENTRY: Kind = Kind {
    name: "semaphore",
    waits_in: &[
        "__down_common",
        "___down_common",
        "__down",
        "__down_interruptible",
        "__down_killable",
        "__down_timeout",
    ],
    asked_by: &[
        "down",
        "down_interruptible",
        "down_killable",
        "down_timeout",
    ],
    // Whoever gives it back lets the next one in.
    any_suffices: true,
    wait,
    state,
};

const LAYOUT: &str = "struct semaphore";

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let shape = Shape::of(survey, "struct semaphore_waiter", LAYOUT)?;
    let Some(found) = scan::waiter(survey, blocked, &shape, 1) else {
        return Err(blocked.unknown(
            "no struct semaphore_waiter of its own is on its stack: it may just have been let in",
        ));
    };
    let says = format!(
        "the struct semaphore_waiter at {} on its stack names it and hangs in the queue of the semaphore at {}",
        found.waiter, found.lock
    );
    Ok(Wanted {
        called: None,
        address: Some(found.lock),
        mode: Mode::Exclusive,
        place: Some(found.place),
        known: vec![seen(says)],
    })
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let mut state = State::default();
    let Some(address) = address else {
        return state;
    };
    let count = match words::member(survey, LAYOUT, &["count"], address) {
        Ok(count) => count,
        Err(gap) => {
            state.gaps.push(gap);
            return state;
        }
    };
    let mut told = match count {
        0 => "count 0: nobody more may come".to_owned(),
        _ => format!("count {count}: so many more may come"),
    };
    if count != 0 {
        let says = format!("the semaphore at {address} has waiters and its count is {count}");
        state.oddities.push(("no_owner", seen(says)));
    }
    // 194a9b9e843b ("hung_task: show the blocker task if the task is hung on semaphore", 6.16), with
    // CONFIG_DETECT_HUNG_TASK_BLOCKER: the last one that came, while it is in.
    let last = words::member(survey, LAYOUT, &["last_holder"], address);
    if let Ok(last) = last
        && last != 0
    {
        let task = VirtAddr(last);
        told = format!(
            "{told}; the last one that came is {}",
            words::who(survey, task)
        );
        if survey.task_at(task).is_some() {
            state.owners.push(Owner {
                task,
                mode: Mode::Exclusive,
                // The word is cleared only by the one that it names.
                is_certain: false,
                known: vec![Evidence {
                    says: format!(
                        "last_holder of the semaphore at {address} is {last:#x}, and it has not given it back itself"
                    ),
                    trust: Trust::ReadFromMemory,
                    span: None,
                }],
            });
        }
    }
    state.unnamed = Some((Mode::Exclusive, None));
    state.words = Some(told);
    state
}
