//! A call of a function on other CPUs (`smp_call_function_many`, a shoot-down of the TLB): the caller spins until each
//! of them has run it, and one that has its interrupts off does not.

use std::collections::BTreeMap;

use base::{Budget, Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{event, no_wait, unread, who};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, seen};
use crate::linux::walk_llist;

pub(super) static ENTRY: Kind = Kind {
    name: "csd",
    waits_in: &[
        "smp_call_function_many_cond",
        "smp_call_function_single",
        "generic_exec_single",
        "csd_lock_wait",
        "__csd_lock_wait",
    ],
    asked_by: &[
        "smp_call_function_many",
        "smp_call_function",
        "smp_call_function_any",
        "on_each_cpu_cond_mask",
        "on_each_cpu_mask",
        "on_each_cpu",
        "native_flush_tlb_multi",
        "native_flush_tlb_others",
        "flush_tlb_multi",
        "flush_tlb_mm_range",
        "flush_tlb_kernel_range",
        "flush_tlb_all",
    ],
    any_suffices: false,
    wait,
    state,
};

/// `CSD_FLAG_LOCK` of include/linux/smp_types.h: the function has not been run.
const LOCKED: u64 = 1;
/// Calls in the queues of all CPUs.
const MOST: u64 = 1 << 20;
/// Functions that called the one which spins, in whose frames the call may lie.
const CALLERS: usize = 1;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let Some(cpu) = blocked.task.cpu else {
        return Err(blocked.unknown("it does not run on any CPU"));
    };
    let is_many = blocked.is_in(survey, "smp_call_function_many_cond", CALLERS);
    if is_many {
        let at = survey.kernel.per_cpu("cfd_data", cpu)?;
        let call = Call::new(survey)?;
        let mut calls = calls_of(survey, at)?.into_iter();
        // Every call was run: it goes on.
        if !calls.any(|(at, _)| call.function(survey, at).is_some()) {
            return Err(no_wait());
        }
        return Ok(event(
            Some(at),
            None,
            seen(format!(
                "it calls on several CPUs by the call_function_data of CPU {cpu} at {at}"
            )),
        ));
    }
    let call = Call::new(survey)?;
    let queued = queued(survey);
    let is_call =
        |at: &VirtAddr| call.function(survey, *at).is_some() && queued.contains_key(&at.0);
    match blocked.words(CALLERS).find(is_call) {
        Some(at) => Ok(event(
            Some(at),
            None,
            seen(format!(
                "the call_single_data at {at} on its stack is locked, and in the queue of a CPU"
            )),
        )),
        // It was run, or never sent.
        None => Err(no_wait()),
    }
}

/// How a call lies in its structure.
struct Call {
    flags: value::Field,
    function: value::Field,
}

impl Call {
    fn new(survey: &Survey<'_, '_>) -> Result<Self, Gap> {
        Ok(Call {
            // In a node of its own since 545b8c8df41f ("smp: Cleanup smp_call_function*()", 5.11).
            flags: survey.field("struct __call_single_data", &["node.u_flags", "flags"])?,
            function: survey.field("struct __call_single_data", &["func"])?,
        })
    }

    /// The function of a call, where it is one that was not run.
    fn function(&self, survey: &Survey<'_, '_>, at: VirtAddr) -> Option<VirtAddr> {
        let flags = survey.value(&self.flags, at)?;
        let function = survey.pointer(&self.function, at)?;
        let is_call = flags & LOCKED != 0 && flags >> 8 == 0 && survey.kernel.is_code(function);
        is_call.then_some(function)
    }
}

/// The calls that wait in the queues of CPUs (`call_single_queue`), and of which.
fn queued(survey: &Survey<'_, '_>) -> BTreeMap<u64, u32> {
    let mut budget = Budget::new("calls on other CPUs", MOST);
    let mut queued = BTreeMap::new();
    for cpu in &survey.kernel.cpus().value {
        let Ok(head) = survey.kernel.per_cpu("call_single_queue", cpu.number) else {
            continue;
        };
        let what = "the queue of calls of a CPU";
        // A call begins with its node.
        let walked = walk_llist(survey.kernel.space(), head, what, &mut budget);
        queued.extend(walked.value.iter().map(|at| (at.0, cpu.number)));
    }
    queued
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let Some(address) = address else {
        return State::default();
    };
    try_state(survey, address).unwrap_or_else(unread)
}

fn try_state(survey: &Survey<'_, '_>, address: VirtAddr) -> Result<State, Gap> {
    let call = Call::new(survey)?;
    let calls: Vec<(VirtAddr, u32)> = match survey.stack_of(address) {
        Some(_) => {
            let to = queued(survey).get(&address.0).copied();
            to.map(|to| (address, to)).into_iter().collect()
        }
        None => calls_of(survey, address)?,
    };
    let mut state = State::default();
    let mut names = Vec::new();
    for (at, to) in calls {
        let Some(function) = call.function(survey, at) else {
            continue;
        };
        let function = survey.called(function);
        names.push(format!("{function} on CPU {to}"));
        state.name = Some(function);
        let Some(running) = survey.running_on(to) else {
            state.gaps.push(Gap::new(
                format!("what CPU {to} runs, which was called"),
                "no task is known to run there",
            ));
            continue;
        };
        state.owners.push(Owner {
            task: running.task.address,
            mode: Mode::Event,
            is_certain: true,
            known: vec![seen(format!(
                "CPU {to}, which runs {}, has not run the call at {at}",
                who(running)
            ))],
        });
    }
    state.words = Some(match names.is_empty() {
        true => "every call was run".to_owned(),
        false => format!("not run yet: {}", names.join(", ")),
    });
    Ok(state)
}

/// The calls of a `struct call_function_data`, and of which CPU each is.
fn calls_of(survey: &Survey<'_, '_>, data: VirtAddr) -> Result<Vec<(VirtAddr, u32)>, Gap> {
    // For each CPU there is a call; in newer kernels it is the first member of what `pcpu` leads to.
    let per_cpu = survey.field("struct call_function_data", &["pcpu", "csd"])?;
    let Some(own) = survey.pointer(&per_cpu, data) else {
        let what = format!("the calls of the call_function_data at {data}");
        return Err(Gap::new(what, "they cannot be read"));
    };
    let cpus = survey.kernel.cpus().value.iter();
    let calls = cpus.map(|cpu| (VirtAddr(own.0.wrapping_add(cpu.offset)), cpu.number));
    Ok(calls.collect())
}
