//! The kinds of things that threads wait for, one file each.
//!
//! The order of the list is the order of telling: a wait for a lock is made of other waits, and the stack of a thread
//! shows them all. The kind that says most stands first.

use base::{Gap, VirtAddr};

use super::survey::{Blocked, Survey};
use super::{State, Wanted};
use crate::linux::walkers::tasks::Task;

/// A kind of lock, or of an event that is waited for.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its name, as a reader sees it.
    pub(crate) name: &'static str,
    /// Functions in which a thread waits for one, without what the compiler appends to names (`.constprop.0`).
    pub(crate) waits_in: &'static [&'static str],
    /// Functions through which it is asked for: the first frame beyond them is who wanted it.
    pub(crate) asked_by: &'static [&'static str],
    /// Whether one of those who have it suffices to let a waiter go.
    pub(crate) any_suffices: bool,
    /// Which one a thread waits for.
    pub(crate) wait: fn(&Survey<'_, '_>, &Blocked<'_>) -> Result<Wanted, Gap>,
    /// Who has the one at an address; none where it has no place.
    pub(crate) state: fn(&Survey<'_, '_>, Option<VirtAddr>) -> State,
}

/// Events that nothing but themselves wakes a thread from: it sleeps uninterruptibly. A thread that sleeps otherwise in
/// such a function has nothing to do, and one that runs does not wait.
const UNINTERRUPTIBLE: &[&str] = &[
    "work",
    "workqueue",
    "kthread_exit",
    "kthread_park",
    "rcu_grace_period",
    "srcu_grace_period",
    "vfork_child",
    "folio_lock",
    "folio_writeback",
    "bit_wait",
    "completion",
    "wait_queue",
];

impl Kind {
    /// Whether such a wait of a thread says anything.
    pub(crate) fn is_told_of(&self, task: &Task) -> bool {
        !UNINTERRUPTIBLE.contains(&self.name) || task.cpu.is_none() && task.letter() == 'D'
    }
}

base::registry! {
    /// Every kind, the most telling first.
    pub(crate) static KINDS: [Kind] = [
        futex,
        rt_mutex,
        mutex,
        rwsem,
        percpu_rwsem,
        semaphore,
        rwlock,
        spinlock,
        work,
        workqueue,
        kthread_exit,
        kthread_park,
        rcu_grace_period,
        srcu,
        csd,
        vfork,
        folio_lock,
        folio_writeback,
        bit_wait,
        completion,
        wait_queue,
    ];
}

/// The state of a lock that its user knows as `called` where it is made of another kind: with PREEMPT_RT all are made
/// of rt_mutexes.
pub(super) fn state_of(survey: &Survey<'_, '_>, called: &str, address: VirtAddr) -> State {
    rt_mutex::state_of(survey, called, address)
}
