//! A child that runs in its parent's memory (`vfork`): the parent waits until it has another one, or has ended.

use base::{Gap, VirtAddr};

use super::{Kind, completion, kthread_exit};
use crate::linux::locks::reading::{event, who};
use crate::linux::locks::survey::{Blocked, Survey, Surveyed};
use crate::linux::locks::{State, Wanted, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "vfork_child",
    waits_in: &["wait_for_vfork_done", "kernel_clone", "_do_fork"],
    asked_by: &[],
    any_suffices: false,
    wait,
    state,
};

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let Some((completion, found)) = completion::of(survey, blocked)? else {
        return Err(blocked.unknown("no waiter of its own is on its stack"));
    };
    let done = survey.field("struct task_struct", &["vfork_done"])?;
    let is_child = |of: &&Surveyed| survey.pointer(&done, of.task.address) == Some(completion);
    let Some(child) = survey.all.iter().find(is_child) else {
        return Err(blocked.unknown("the completion on its stack is that of no child"));
    };
    let says = format!(
        "the waiter at {} on its stack hangs in the completion that its child {} has as vfork_done",
        found.waiter,
        who(child)
    );
    Ok(event(
        Some(child.task.address),
        Some(found.place),
        seen(says),
    ))
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    kthread_exit::only(
        survey,
        address,
        "it uses its parent's memory until it runs another program or ends",
    )
}
