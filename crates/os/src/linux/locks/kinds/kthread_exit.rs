//! The end of a thread of the kernel (`kthread_stop`): the completion that is waited for lies in what the kernel keeps
//! of the thread.

use base::{Gap, Mode, VirtAddr};

use super::{Kind, completion};
use crate::linux::locks::reading::{event, who};
use crate::linux::locks::survey::{Blocked, Survey, Surveyed};
use crate::linux::locks::{Owner, State, Wanted, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "kthread_exit",
    waits_in: &["kthread_stop"],
    asked_by: &["kthread_stop_put", "kthread_destroy_worker"],
    any_suffices: false,
    wait,
    state,
};

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    thread(survey, blocked, &["exited"])
}

/// The thread in whose `struct kthread` the completion lies that is waited for.
pub(super) fn thread(
    survey: &Survey<'_, '_>,
    blocked: &Blocked<'_>,
    member: &'static [&'static str],
) -> Result<Wanted, Gap> {
    let Some((completion, found)) = completion::of(survey, blocked)? else {
        return Err(blocked.unknown("no waiter of its own is on its stack"));
    };
    let member_field = survey.field("struct kthread", member)?;
    // Since e32cf5dfbe22 ("kthread: Generalize pf_io_worker so it can point to struct kthread", 5.17); before, another
    // member of the task was misused for it (1da5c46fa965, 4.10).
    let own = survey.field("struct task_struct", &["worker_private", "set_child_tid"])?;
    let kthread = VirtAddr(completion.0.wrapping_sub(member_field.offset));
    let is_its = |of: &&Surveyed| {
        of.task.is_kernel && survey.pointer(&own, of.task.address) == Some(kthread)
    };
    let Some(of) = survey.all.iter().find(is_its) else {
        return Err(blocked.unknown(format!("the struct kthread at {kthread} is no thread's")));
    };
    let says = format!(
        "the waiter at {} on its stack hangs in {} of the struct kthread of {}",
        found.waiter,
        member.concat(),
        who(of)
    );
    Ok(event(Some(of.task.address), Some(found.place), seen(says)))
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    only(survey, address, "its end is what is waited for")
}

/// An event that one thread alone brings about.
pub(super) fn only(survey: &Survey<'_, '_>, address: Option<VirtAddr>, says: &str) -> State {
    let Some(surveyed) = address.and_then(|address| survey.task_at(address)) else {
        return State::default();
    };
    State {
        name: Some(surveyed.task.comm.clone()),
        owners: vec![Owner {
            task: surveyed.task.address,
            mode: Mode::Event,
            is_certain: true,
            known: vec![seen(says)],
        }],
        ..State::default()
    }
}
