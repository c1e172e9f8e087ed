//! `struct mutex`: its owner is in its first word, its waiters hang in a list of structures on their stacks.

use base::{Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::scan::{self, Shape};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, seen, words};

pub(super) static ENTRY: Kind = Kind {
    name: "mutex",
    // `__mutex_lock_slowpath` and its kind are inlined or not, by compiler; all end in the common one.
    waits_in: &["__mutex_lock", "__ww_mutex_lock", "__mutex_lock_common"],
    asked_by: &[
        "mutex_lock",
        "mutex_lock_nested",
        "mutex_lock_interruptible",
        "mutex_lock_interruptible_nested",
        "mutex_lock_killable",
        "mutex_lock_killable_nested",
        "mutex_lock_io",
        "mutex_lock_io_nested",
        "__mutex_lock_slowpath",
        "__mutex_lock_interruptible_slowpath",
        "__mutex_lock_killable_slowpath",
        "ww_mutex_lock",
        "ww_mutex_lock_interruptible",
        "__ww_mutex_lock_slowpath",
        "__ww_mutex_lock_interruptible_slowpath",
    ],
    any_suffices: false,
    wait,
    state,
};

/// Bits of `mutex.owner` that are flags (`MUTEX_FLAGS` of kernel/locking/mutex.h; a third came with e274795ea7b7,
/// "locking/mutex: Fix mutex handoff", 4.11).
const FLAGS: u64 = 7;
const WAITERS: u64 = 1;
const HANDOFF: u64 = 2;
const PICKUP: u64 = 4;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let shape = Shape::of(survey, "struct mutex_waiter", "struct mutex")?;
    let Some(found) = scan::waiter(survey, blocked, &shape, 1) else {
        return Err(blocked.unknown(
            "no struct mutex_waiter of its own is on its stack: it may just have got it",
        ));
    };
    let lock = found.lock;
    let says = format!(
        "the struct mutex_waiter at {} on its stack names it and hangs in the queue of the mutex at {lock}",
        found.waiter
    );
    Ok(Wanted {
        called: None,
        address: Some(lock),
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
    let word = match words::member(survey, "struct mutex", &["owner"], address) {
        Ok(word) => word,
        Err(gap) => {
            state.gaps.push(gap);
            return state;
        }
    };
    let owner = VirtAddr(word & !FLAGS);
    let names = [
        (WAITERS, "waiters"),
        (HANDOFF, "hand-off"),
        (PICKUP, "pick-up"),
    ];
    let flags = words::flags(word, &names);
    let who = survey.task_at(owner);
    let told = match owner.0 {
        0 => "no owner".to_owned(),
        _ => format!("owner {}", words::who(survey, owner)),
    };
    state.words = Some(format!("owner {word:#x}: {told}{flags}"));
    if owner.0 == 0 {
        let says = format!("the mutex at {address} has waiters and no owner (word {word:#x})");
        state.oddities.push(("no_owner", seen(says)));
        return state;
    }
    if who.is_none() {
        let says = format!("the owner of the mutex at {address} is {owner}, which is no task");
        state.oddities.push(("owner_gone", seen(says)));
    }
    // A mutex that waits to be picked up belongs to the waiter that its word names, which has not run since.
    state.owners.push(Owner {
        task: owner,
        mode: Mode::Exclusive,
        is_certain: true,
        known: vec![seen(format!(
            "the owner word of the mutex at {address} is {word:#x}"
        ))],
    });
    state
}
