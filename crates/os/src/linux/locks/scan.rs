//! The structure that a wait has put on the stack of its thread.
//!
//! It names the thread itself and hangs in the list of the lock: that proves it, without debug information of the
//! function that made it.

use base::{Budget, VirtAddr};
use value::Field;

use super::survey::{Blocked, Survey};
use crate::linux::walk_list;

/// Waiters of one lock that are walked.
const MOST: u64 = 1 << 20;

/// How a waiter lies in its structure (`struct mutex_waiter`, `struct rwsem_waiter` …).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Its `struct list_head`.
    pub(crate) list: Field,
    /// The thread that waits.
    pub(crate) task: Field,
}

/// A waiter that was found, and the list that it hangs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The structure.
    pub(crate) waiter: VirtAddr,
    /// The `struct list_head` in the lock.
    pub(crate) head: VirtAddr,
    /// All waiters, the first of the queue first.
    pub(crate) queue: Vec<VirtAddr>,
    /// Its place among them.
    pub(crate) place: u32,
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

/// Whether a waiter of the thread lies at `at`, and where its list begins.
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
    let next = shape.list.pointer(space, at).ok()?;
    // An empty list is no queue: a waiter hangs in one.
    if next == node || space.u64(VirtAddr(next.0.wrapping_add(8))).ok()? != node.0 {
        return None;
    }
    let mut budget = Budget::new("waiters of a lock", MOST);
    let walked = walk_list(space, node, "the queue of a lock", &mut budget);
    if !walked.gaps.is_empty() {
        return None;
    }
    // Of all nodes one is no waiter: the head, in the lock.
    let waiter = |node: VirtAddr| VirtAddr(node.0.wrapping_sub(shape.list.offset));
    let is_waiter = |node: &VirtAddr| {
        let waiter = waiter(*node);
        let task = shape.task.pointer(space, waiter).ok();
        let task = task.and_then(|task| survey.task_at(task));
        // Its thread's stack holds it.
        task.is_some_and(|task| {
            survey
                .stack_of(waiter)
                .is_some_and(|on| on.task.address == task.task.address)
        })
    };
    let mut heads = walked
        .value
        .iter()
        .enumerate()
        .filter(|(_, node)| !is_waiter(node));
    let (place, head) = heads.next()?;
    if heads.next().is_some() {
        return None;
    }
    // The list was walked from this waiter on; the queue begins behind the head.
    let (before, behind) = (walked.value.get(..place)?, walked.value.get(place + 1..)?);
    let queue: Vec<VirtAddr> = behind
        .iter()
        .chain([&node])
        .chain(before)
        .map(|node| waiter(*node))
        .collect();
    Some(Found {
        waiter: at,
        head: *head,
        place: u32::try_from(behind.len()).ok()?,
        queue,
    })
}
