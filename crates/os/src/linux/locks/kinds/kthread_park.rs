//! A thread of the kernel that is to park (`kthread_park`).

use base::{Gap, VirtAddr};

use super::{Kind, kthread_exit};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted};

pub(super) static ENTRY: Kind = Kind {
    name: "kthread_park",
    waits_in: &["kthread_park"],
    asked_by: &["smpboot_park_threads", "smpboot_park_thread"],
    any_suffices: false,
    wait,
    state,
};

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    kthread_exit::thread(survey, blocked, &["parked"])
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    kthread_exit::only(survey, address, "it is asked to park, and has not")
}
