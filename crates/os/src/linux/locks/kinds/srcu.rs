//! A grace period of sleepable RCU (`synchronize_srcu`): readers are counted, not named.

use base::{Gap, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{event, unread};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "srcu_grace_period",
    waits_in: &["__synchronize_srcu", "synchronize_srcu", "srcu_barrier"],
    asked_by: &["synchronize_srcu_expedited", "synchronize_rcu_tasks_trace"],
    any_suffices: false,
    wait,
    state,
};

/// Functions that called the one which waits, in whose frames its argument may lie.
const CALLERS: usize = 2;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let data = survey.field("struct srcu_struct", &["sda"])?;
    let back = survey.field("struct srcu_data", &["ssp"])?;
    let cpus = survey.kernel.cpus();
    let Some(cpu) = cpus.value.first() else {
        return Err(blocked.unknown("no CPU is known"));
    };
    // What each CPU has of a domain leads back to it.
    let is_domain = |at: &VirtAddr| {
        let own = survey.pointer(&data, *at);
        let own = own.map(|own| VirtAddr(own.0.wrapping_add(cpu.offset)));
        own.and_then(|own| survey.pointer(&back, own)) == Some(*at)
    };
    let saved = blocked
        .words(CALLERS)
        .filter_map(|at| survey.kernel.space().u64(at).ok());
    let mut domains: Vec<VirtAddr> = saved.map(VirtAddr).filter(is_domain).collect();
    domains.sort_unstable();
    domains.dedup();
    match domains.as_slice() {
        [one] => Ok(event(
            Some(*one),
            None,
            seen(format!(
                "its stack leads to the struct srcu_struct at {one}, and to no other"
            )),
        )),
        [] => Err(blocked.unknown("no struct srcu_struct is on its stack")),
        _ => Err(blocked.unknown("several struct srcu_struct are on its stack")),
    }
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let Some(address) = address else {
        return State::default();
    };
    readers(survey, address).unwrap_or_else(unread)
}

/// How many readers there are: each CPU counts those that came and those that left, by the half of the domain.
fn readers(survey: &Survey<'_, '_>, address: VirtAddr) -> Result<State, Gap> {
    let data = survey.field("struct srcu_struct", &["sda"])?;
    let cpus = &survey.kernel.cpus().value;
    let mut halves = [0_u64; 2];
    for (half, count) in halves.iter_mut().enumerate() {
        // In pairs (`struct srcu_ctr`) in newer kernels.
        let layout = survey.kernel.types().layout("struct srcu_data")?;
        let field = |names: [&str; 2]| {
            let [new, old] = names.map(|name| name.replace("HALF", &half.to_string()));
            layout.any(&[&new, &old])
        };
        let (came, left) = (
            field(["srcu_ctrs[HALF].srcu_locks", "srcu_lock_count[HALF]"])?,
            field(["srcu_ctrs[HALF].srcu_unlocks", "srcu_unlock_count[HALF]"])?,
        );
        for cpu in cpus {
            let own = data.pointer(survey.kernel.space(), address);
            let read = own.and_then(|own| {
                let own = VirtAddr(own.0.wrapping_add(cpu.offset));
                let came = came.read(survey.kernel.space(), own)?;
                let left = left.read(survey.kernel.space(), own)?;
                Ok(came.wrapping_sub(left))
            });
            let read = read.map_err(|error| {
                let what = format!("the readers of the srcu_struct at {address}");
                Gap::new(what, error.to_string())
            })?;
            *count = count.wrapping_add(read);
        }
    }
    let [first, second] = halves;
    Ok(State {
        words: Some(format!(
            "readers by halves {first} and {second}; it does not say who they are"
        )),
        count: first.checked_add(second),
        ..State::default()
    })
}
