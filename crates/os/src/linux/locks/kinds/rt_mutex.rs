//! `struct rt_mutex_base`: its owner is in a word, and whoever waits says so itself (`task_struct.pi_blocked_on`). With
//! PREEMPT_RT mutexes, rw_semaphores, spinlocks and rwlocks are made of it; a wait for one is told by the name that its
//! user knows.

use base::{Budget, Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, scan, seen, words};
use crate::linux::walkers::structures::rbtree::RbTree;

pub(super) static ENTRY: Kind = Kind {
    name: "rt_mutex",
    waits_in: &[
        "rt_mutex_slowlock_block",
        "__rt_mutex_slowlock",
        "__rt_mutex_slowlock_locked",
        "rt_mutex_slowlock",
        "rtlock_slowlock_locked",
        "rtlock_slowlock",
        "rt_spin_lock_slowlock_locked",
        "rt_spin_lock_slowlock",
        "rt_mutex_wait_proxy_lock",
        "rwbase_write_lock",
    ],
    asked_by: &[
        "rt_mutex_lock",
        "rt_mutex_lock_nested",
        "rt_mutex_lock_interruptible",
        "rt_mutex_lock_killable",
        "__rt_mutex_lock",
        "rt_spin_lock",
        "rt_spin_lock_nested",
        "rt_read_lock",
        "rt_write_lock",
        "rwbase_read_lock",
        "__rwbase_read_lock",
    ],
    any_suffices: false,
    wait,
    state,
};

const LAYOUT: &str = "struct rt_mutex_base";
/// Before 830e6acc8a1c ("locking/rtmutex: Split out the inner parts of 'struct rtmutex'", 5.15).
const OLD_LAYOUT: &str = "struct rt_mutex";
const WAITER: &str = "struct rt_mutex_waiter";
const RWBASE: &str = "struct rwbase_rt";

/// `RT_MUTEX_HAS_WAITERS` of kernel/locking/rtmutex_common.h.
const HAS_WAITERS: u64 = 1;

/// `READER_BIAS` and `WRITER_BIAS` of include/linux/rwbase_rt.h.
const READER_BIAS: u64 = 1 << 31;
const WRITER_BIAS: u64 = 1 << 30;

/// Waiters of one lock.
const MOST: u64 = 1 << 20;

/// Frames beyond the wait among which the function is that its user called.
const CALLERS: usize = 6;

/// Functions by which a user takes what is made of it, what he knows it as, and how he wants it.
const CALLED: &[(&str, &str, Mode)] = &[
    ("mutex_lock", "mutex", Mode::Exclusive),
    ("mutex_lock_interruptible", "mutex", Mode::Exclusive),
    ("mutex_lock_killable", "mutex", Mode::Exclusive),
    ("mutex_lock_io", "mutex", Mode::Exclusive),
    ("mutex_lock_nested", "mutex", Mode::Exclusive),
    ("ww_mutex_lock", "mutex", Mode::Exclusive),
    ("ww_mutex_lock_interruptible", "mutex", Mode::Exclusive),
    ("rt_spin_lock", "spinlock", Mode::Exclusive),
    ("rt_spin_lock_nested", "spinlock", Mode::Exclusive),
    ("rt_read_lock", "rwlock", Mode::Shared),
    ("rt_write_lock", "rwlock", Mode::Exclusive),
    ("down_read", "rw_semaphore", Mode::Shared),
    ("down_read_interruptible", "rw_semaphore", Mode::Shared),
    ("down_read_killable", "rw_semaphore", Mode::Shared),
    ("down_write", "rw_semaphore", Mode::Exclusive),
    ("down_write_killable", "rw_semaphore", Mode::Exclusive),
];

/// The lock's own structure.
fn layout(survey: &Survey<'_, '_>) -> &'static str {
    match survey.field(LAYOUT, &["owner"]) {
        Ok(_) => LAYOUT,
        Err(_) => OLD_LAYOUT,
    }
}

/// What the user of the lock knows it as, and how he wants it, by the function that he called.
fn called(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> (Option<&'static str>, Mode) {
    let frames = blocked.stack.frames.iter().skip(blocked.frame);
    let names = frames
        .take(CALLERS)
        .filter_map(|frame| survey.function(frame));
    let mut found = names.filter_map(|name| CALLED.iter().find(|(known, _, _)| *known == name));
    match found.next() {
        Some((_, kind, mode)) => (Some(kind), *mode),
        None => (None, Mode::Exclusive),
    }
}

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let waiter = words::member(
        survey,
        "struct task_struct",
        &["pi_blocked_on"],
        blocked.task.address,
    )?;
    let (called, mode) = called(survey, blocked);
    if waiter == 0 {
        return writer(survey, blocked, called)
            .ok_or_else(|| blocked.unknown("the thread says of no rt_mutex that it waits for it"));
    }
    let waiter = VirtAddr(waiter);
    let task = words::member(survey, WAITER, &["task"], waiter)?;
    if task != blocked.task.address.0 {
        return Err(blocked.unknown(format!(
            "its struct rt_mutex_waiter at {waiter} names another thread, {}",
            VirtAddr(task)
        )));
    }
    let lock = VirtAddr(words::member(survey, WAITER, &["lock"], waiter)?);
    let says =
        format!("the thread's own pi_blocked_on says that it waits for the rt_mutex at {lock}");
    Ok(Wanted {
        called,
        address: Some(outer(survey, called, lock)),
        mode,
        place: place(survey, lock, waiter),
        known: vec![seen(says)],
    })
}

/// What the user calls the lock begins before the rt_mutex in it, where readers are counted.
fn outer(survey: &Survey<'_, '_>, called: Option<&str>, lock: VirtAddr) -> VirtAddr {
    let offset = match called {
        Some("rw_semaphore" | "rwlock") => survey.field(RWBASE, &["rtmutex"]).ok(),
        _ => None,
    };
    VirtAddr(lock.0.wrapping_sub(offset.map_or(0, |field| field.offset)))
}

/// The place of a waiter in the tree of its lock, the most urgent first.
fn place(survey: &Survey<'_, '_>, lock: VirtAddr, waiter: VirtAddr) -> Option<u32> {
    let tree = RbTree::new(&survey.kernel.types()).ok()?;
    let root = survey.field(layout(survey), &["waiters"]).ok()?.at(lock);
    // f7853c342418 ("locking/rtmutex: Fix task->pi_waiters integrity", 6.5): a struct rt_waiter_node, the node first in it.
    let node = survey
        .field(WAITER, &["tree.entry", "tree_entry", "tree"])
        .ok()?;
    let mut budget = Budget::new("waiters of a lock", MOST);
    let walked = tree.walk(
        survey.kernel.space(),
        root,
        "the queue of a lock",
        &mut budget,
    );
    let node = node.at(waiter);
    let place = walked.value.iter().position(|found| *found == node)?;
    u32::try_from(place).ok()
}

/// A writer that has the rt_mutex of a lock with readers, and waits until those are out.
fn writer(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
    called: Option<&'static str>,
) -> Option<Wanted> {
    let inner = survey.field(RWBASE, &["rtmutex"]).ok()?;
    let mut kept = scan::kept(survey, blocked).into_iter().map(VirtAddr);
    let lock = kept.find(|lock| {
        let owner = words::member(survey, layout(survey), &["owner"], inner.at(*lock));
        let readers = words::member(survey, RWBASE, &["readers"], *lock);
        owner.is_ok_and(|owner| owner & !HAS_WAITERS == blocked.task.address.0)
            && readers.is_ok_and(|readers| readers != 0 && readers < WRITER_BIAS)
    })?;
    let says = format!("it owns the rt_mutex of the lock at {lock}, and readers are inside");
    Some(Wanted {
        called: Some(called.unwrap_or("rw_semaphore")),
        address: Some(lock),
        mode: Mode::Exclusive,
        place: Some(0),
        known: vec![seen(says)],
    })
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    match address {
        Some(address) => base_state(survey, address),
        None => State::default(),
    }
}

/// The state of a lock that is known as `called` but made of rt_mutexes (PREEMPT_RT).
pub(super) fn state_of(survey: &Survey<'_, '_>, called: &str, address: VirtAddr) -> State {
    if !matches!(called, "rw_semaphore" | "rwlock") {
        return base_state(survey, address);
    }
    let read = || {
        let inner = survey.field(RWBASE, &["rtmutex"])?;
        Ok((inner, words::member(survey, RWBASE, &["readers"], address)?))
    };
    let (inner, readers) = match read() {
        Ok(read) => read,
        Err(gap) => {
            return State {
                gaps: vec![gap],
                ..State::default()
            };
        }
    };
    let mut state = base_state(survey, inner.at(address));
    let inside = readers & (WRITER_BIAS - 1);
    // Readers come in while the bias is there; a writer takes it away, and puts its own once they are out.
    let told = match readers {
        _ if readers & READER_BIAS != 0 => {
            state.owners.clear();
            state.oddities.clear();
            words::counted(inside, "reader")
        }
        _ if readers & WRITER_BIAS != 0 => "a writer has it".to_owned(),
        _ => {
            state.owners.clear();
            format!(
                "{}, and a writer waits until they are out",
                words::counted(inside, "reader")
            )
        }
    };
    if readers & WRITER_BIAS == 0 && inside != 0 {
        state.unnamed = Some((Mode::Shared, Some(inside)));
    }
    let rest = state.words.take().unwrap_or_default();
    state.words = Some(format!("readers {readers:#x}: {told}; {rest}"));
    state.count = Some(inside);
    state
}

/// The state of the rt_mutex itself.
fn base_state(survey: &Survey<'_, '_>, address: VirtAddr) -> State {
    let mut state = State::default();
    let word = match words::member(survey, layout(survey), &["owner"], address) {
        Ok(word) => word,
        Err(gap) => {
            state.gaps.push(gap);
            return state;
        }
    };
    let owner = VirtAddr(word & !HAS_WAITERS);
    let told = match owner.0 {
        0 => "no owner".to_owned(),
        _ => format!("owner {}", words::who(survey, owner)),
    };
    let flags = words::flags(word, &[(HAS_WAITERS, "waiters")]);
    state.words = Some(format!("owner {word:#x}: {told}{flags}"));
    if owner.0 == 0 {
        let says = format!("the rt_mutex at {address} has waiters and no owner (word {word:#x})");
        state.oddities.push(("no_owner", seen(says)));
        return state;
    }
    if survey.task_at(owner).is_none() {
        let says = format!("the owner of the rt_mutex at {address} is {owner}, which is no task");
        state.oddities.push(("owner_gone", seen(says)));
    }
    let says = format!("the owner word of the rt_mutex at {address} is {word:#x}");
    state.owners.push(Owner {
        task: owner,
        mode: Mode::Exclusive,
        is_certain: true,
        known: vec![seen(says)],
    });
    state
}
