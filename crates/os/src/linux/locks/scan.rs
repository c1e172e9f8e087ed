//! The structure that a wait has put on the stack of its thread.
//!
//! It names the thread itself and hangs in the queue of the lock: that proves it, without debug information of the
//! function that made it.

use base::{Budget, Gap, VirtAddr};
use value::Field;

use super::survey::{Blocked, Survey};
use crate::linux::walk_list;

/// Waiters of one lock that are walked.
const MOST: u64 = 1 << 20;

/// Frames beyond the one that shows a wait whose words may be the lock's address.
const AROUND: usize = 2;

/// How a waiter lies in its structure (`struct mutex_waiter`, `struct rwsem_waiter` …), and how it hangs in the lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Its `struct list_head`.
    pub(crate) list: Field,
    /// The thread that waits.
    pub(crate) task: Field,
    /// Where the lock has its queue.
    pub(crate) queue: Queue,
}

/// How a lock has its queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Queue {
    /// By a pointer to the first waiter; the waiters alone are a ring.
    First(Field),
    /// By a `struct list_head` that is in the ring.
    Head(Field),
}

/// A waiter that was found, and its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The structure.
    pub(crate) waiter: VirtAddr,
    /// The lock.
    pub(crate) lock: VirtAddr,
    /// Its place among the waiters, the first 0.
    pub(crate) place: u32,
}

impl Shape {
    /// The shape of waiters and their lock as most have it.
    pub(crate) fn of(
        survey: &Survey<'_, '_>,
        waiter: &'static str,
        lock: &'static str,
    ) -> Result<Self, Gap> {
        // Since 25500ba7e77c ("locking/mutex: Remove the list_head from struct mutex"), b9bdd4b68404
        // ("locking/semaphore: …") and 1ea4b473504b ("locking/rwsem: …", all 7.1).
        let queue = match survey.field(lock, &["first_waiter"]) {
            Ok(first) => Queue::First(first),
            Err(_) => Queue::Head(survey.field(lock, &["wait_list"])?),
        };
        Ok(Shape {
            list: survey.field(waiter, &["list"])?,
            task: survey.field(waiter, &["task"])?,
            queue,
        })
    }
}

/// Looks for the waiter of a blocked thread in the frame that shows the wait and its `around` neighbours on either
/// side.
pub(crate) fn waiter(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
    shape: &Shape,
    around: usize,
) -> Option<Found> {
    let from = blocked.frame.saturating_sub(around);
    (from..=blocked.frame + around)
        .filter_map(|frame| blocked.locals(frame))
        .flat_map(|locals| locals.step_by(8))
        .find_map(|at| check(survey, blocked, shape, VirtAddr(at)))
}

/// Whether a waiter of the thread lies at `at`, and where its queue begins.
fn check(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
    shape: &Shape,
    at: VirtAddr,
) -> Option<Found> {
    let space = survey.kernel.space();
    let task = shape.task.pointer(space, at).ok()?;
    if task != blocked.task.address {
        return None;
    }
    let node = shape.list.at(at);
    let next = space.u64(node).ok()?;
    if space.u64(VirtAddr(next.wrapping_add(8))).ok()? != node.0 {
        return None;
    }
    let mut budget = Budget::new("waiters of a lock", MOST);
    let walked = walk_list(space, node, "the queue of a lock", &mut budget);
    if !walked.gaps.is_empty() {
        return None;
    }
    match shape.queue {
        Queue::Head(list) => behind_head(survey, shape, list, at, &walked.value),
        Queue::First(first) => behind_first(survey, blocked, shape, first, at, &walked.value),
    }
}

/// The queue of a waiter at `at` whose ring, from it on, has a node in the lock.
fn behind_head(
    survey: &Survey<'_, '_>,
    shape: &Shape,
    list: Field,
    at: VirtAddr,
    ring: &[VirtAddr],
) -> Option<Found> {
    let is_waiter = |node: &VirtAddr| {
        let waiter = VirtAddr(node.0.wrapping_sub(shape.list.offset));
        let task = shape.task.pointer(survey.kernel.space(), waiter).ok();
        let task = task.and_then(|task| survey.task_at(task));
        // Its thread's stack holds it.
        task.is_some_and(|task| {
            survey
                .stack_of(waiter)
                .is_some_and(|on| on.task.address == task.task.address)
        })
    };
    // Of all nodes one is no waiter.
    let mut heads = ring.iter().enumerate().filter(|(_, node)| !is_waiter(node));
    let (place, head) = heads.next()?;
    if heads.next().is_some() {
        return None;
    }
    // The ring was walked from this waiter on; the queue begins behind the head.
    Some(Found {
        waiter: at,
        lock: VirtAddr(head.0.wrapping_sub(list.offset)),
        place: u32::try_from(ring.len().checked_sub(place + 1)?).ok()?,
    })
}

/// The queue of a waiter at `at` whose ring has waiters only: the lock is one of the words that its thread has kept,
/// and points into the ring.
fn behind_first(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
    shape: &Shape,
    first: Field,
    at: VirtAddr,
    ring: &[VirtAddr],
) -> Option<Found> {
    let offset = shape.list.offset;
    let waiters: Vec<u64> = ring
        .iter()
        .map(|node| node.0.wrapping_sub(offset))
        .collect();
    let own = survey.stack_of(at)?.task.address;
    let lock = kept(survey, blocked).into_iter().find_map(|word| {
        let is_own = |on: &super::survey::Surveyed| on.task.address == own;
        // What lies on its own stack is no lock but a word that it has kept.
        if survey.stack_of(VirtAddr(word)).is_some_and(is_own) {
            return None;
        }
        let points = first.pointer(survey.kernel.space(), VirtAddr(word)).ok()?.0;
        if points == at.0 {
            return Some((word, 0));
        }
        // What lies between the first and this one.
        let place = waiters.iter().position(|waiter| *waiter == points)?;
        Some((word, waiters.len() - place))
    })?;
    Some(Found {
        waiter: at,
        lock: VirtAddr(lock.0),
        place: u32::try_from(lock.1).ok()?,
    })
}

/// The words that a blocked thread has kept and that may be the address of what it waits for: what it says itself,
/// then registers, then what its innermost frames have saved. Each once, aligned, of the kernel's half.
pub(crate) fn kept(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Vec<u64> {
    let mut words = super::recorded::words(survey, blocked.task.address);
    let last = blocked.frame + AROUND;
    // The registers of the frame itself first, then those of its callers, then those further in.
    let frames = &blocked.stack.frames;
    let callers = (blocked.frame..=last).filter_map(|at| frames.get(at));
    let inner = frames.iter().take(blocked.frame).rev();
    for frame in callers.chain(inner) {
        words.extend(frame.registers.list().map(|(_, word)| word));
    }
    let near = (0..=last).rev().filter_map(|frame| blocked.locals(frame));
    for at in near.flat_map(|locals| locals.step_by(8)) {
        words.extend(survey.kernel.space().u64(VirtAddr(at)).ok());
    }
    let mut seen = std::collections::BTreeSet::new();
    words.retain(|word| word % 4 == 0 && word >> 63 == 1 && seen.insert(*word));
    words
}
