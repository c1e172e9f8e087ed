//! `struct completion`: somebody calls `complete()`, and nothing says who.

use base::{Gap, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{event, unread};
use crate::linux::locks::scan::{self, Found, Queue, Shape};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "completion",
    waits_in: &[
        "do_wait_for_common",
        "__wait_for_common",
        "wait_for_common",
        "wait_for_common_io",
        "__wait_for_common_io",
        "wait_for_completion",
        "wait_for_completion_state",
        "wait_for_completion_timeout",
        "wait_for_completion_io",
        "wait_for_completion_io_timeout",
        "wait_for_completion_killable",
        "wait_for_completion_killable_timeout",
        "wait_for_completion_interruptible",
        "wait_for_completion_interruptible_timeout",
    ],
    asked_by: &[],
    any_suffices: true,
    wait,
    state,
};

/// Frames around the one that shows a wait in which its waiter may lie: functions of the kernel that wait for a
/// completion are inlined into each other or not, by compiler.
const AROUND: usize = 3;

/// The completion that a thread waits for, by the waiter on its stack; none where there is none.
pub(super) fn of(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
) -> Result<Option<(VirtAddr, Found)>, Gap> {
    // Completions have simple queues since a5c6234e1028 ("completion: Use simple wait queues", 5.7).
    let simple = survey.field("struct completion", &["wait.task_list"]);
    let is_simple = survey
        .kernel
        .types()
        .layout("struct swait_queue_head")
        .is_ok();
    let shape = match simple {
        Ok(list) if is_simple => {
            let (list_of_waiter, task) = (
                survey.field("struct swait_queue", &["task_list"])?,
                survey.field("struct swait_queue", &["task"])?,
            );
            Shape {
                list: list_of_waiter,
                task,
                queue: Queue::Head(list),
            }
        }
        _ => {
            let list = survey.field("struct completion", &["wait.head", "wait.task_list"])?;
            Shape {
                list: survey.field("struct wait_queue_entry", &["entry", "task_list"])?,
                task: survey.field("struct wait_queue_entry", &["private"])?,
                queue: Queue::Head(list),
            }
        }
    };
    let found = scan::waiter(survey, blocked, &shape, AROUND);
    Ok(found.map(|found| (found.lock, found)))
}

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let Some((at, found)) = of(survey, blocked)? else {
        return Err(blocked
            .unknown("no waiter of its own is on its stack: it may just have been completed"));
    };
    let says = format!(
        "the waiter at {} on its stack names it and hangs in the queue of the completion at {at}",
        found.waiter
    );
    Ok(event(Some(at), Some(found.place), seen(says)))
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let Some(address) = address else {
        return State::default();
    };
    let done = match survey.field("struct completion", &["done"]) {
        Ok(done) => done,
        Err(gap) => return unread(gap),
    };
    let words = match done.read(survey.kernel.space(), address) {
        Ok(0) => "done 0: nobody has completed it".to_owned(),
        Ok(done) => format!("done {done:#x}: completed, and its waiter has not run since"),
        Err(error) => {
            let what = format!("the state of the completion at {address}");
            return unread(Gap::new(what, error.to_string()));
        }
    };
    State {
        words: Some(words),
        ..State::default()
    }
}
