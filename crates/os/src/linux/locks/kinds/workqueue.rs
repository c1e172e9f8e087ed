//! A queue of work that is flushed or drained: its flusher waits until all work of a color is done.

use base::{Budget, Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{event, inferred, who};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{Owner, State, Wanted, seen};
use crate::linux::walk_list;

pub(super) static ENTRY: Kind = Kind {
    name: "workqueue",
    waits_in: &["__flush_workqueue", "flush_workqueue"],
    asked_by: &[
        "drain_workqueue",
        "destroy_workqueue",
        "flush_scheduled_work",
        "__flush_scheduled_work",
    ],
    any_suffices: false,
    wait,
    state,
};

/// Flushers of one queue.
const MOST: u64 = 1 << 16;
/// Workers that are told of one queue.
const MOST_OWNERS: usize = 256;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let queue = |names: &'static [&'static str]| survey.field("struct workqueue_struct", names);
    let (first, waiting, over) = (
        queue(&["first_flusher"])?,
        queue(&["flusher_queue"])?,
        queue(&["flusher_overflow"])?,
    );
    let workers = survey.workers();
    let is_own = |at: VirtAddr| {
        let on = survey.stack_of(at);
        on.is_some_and(|on| on.task.address == blocked.task.address)
    };
    let mut budget = Budget::new("flushers", MOST);
    for (queue, name) in &workers.queues {
        let queue = VirtAddr(*queue);
        let at_first = survey.pointer(&first, queue);
        let mut place = at_first.filter(|at| is_own(*at)).map(|at| (at, 0));
        // `struct wq_flusher` begins with its `struct list_head`.
        if place.is_none() && at_first.is_some() {
            let queued = [&waiting, &over].map(|list| {
                let what = "the flushers of a queue of work";
                walk_list(survey.kernel.space(), list.at(queue), what, &mut budget).value
            });
            let mut queued = queued.iter().flatten().zip(1..);
            place = queued
                .find(|(at, _)| is_own(**at))
                .map(|(at, place)| (*at, place));
        }
        if let Some((flusher, place)) = place {
            let says = format!(
                "the struct wq_flusher at {flusher} on its stack is one of the queue {name} at {queue}"
            );
            return Ok(event(Some(queue), Some(place), seen(says)));
        }
    }
    Err(blocked.unknown("no queue of work has a flusher on its stack"))
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let Some(address) = address else {
        return State::default();
    };
    let workers = survey.workers();
    let mut state = State {
        name: workers.queues.get(&address.0).cloned(),
        ..State::default()
    };
    let flusher = survey.field("struct workqueue_struct", &["first_flusher"]);
    let color = survey.field("struct wq_flusher", &["flush_color"]);
    let color = flusher.and_then(|flusher| Ok((flusher, color?)));
    let color = match color {
        Ok((flusher, color)) => survey
            .pointer(&flusher, address)
            .and_then(|flusher| survey.value(&color, flusher)),
        Err(gap) => {
            state.gaps.push(gap);
            None
        }
    };
    let of_queue = |part: VirtAddr| {
        let part = workers.parts.get(&part.0);
        part.is_some_and(|part| part.queue == address)
    };
    let mut running = 0_u64;
    for worker in &workers.workers {
        if worker.work.is_none() || !of_queue(worker.pwq) {
            continue;
        }
        let is_flushed = worker.color.zip(color).map(|(its, flushed)| its == flushed);
        if is_flushed == Some(false) {
            continue;
        }
        running += 1;
        if state.owners.len() >= MOST_OWNERS {
            continue;
        }
        let by = survey.task_at(worker.task);
        let by = by.map_or_else(|| worker.task.to_string(), who);
        let work = survey.called(worker.function);
        let known = match is_flushed {
            Some(_) => seen(format!(
                "the worker {by} runs {work} of the color that is flushed"
            )),
            None => inferred(format!(
                "the worker {by} runs {work} of this queue; it does not say whether before the flush"
            )),
        };
        state.owners.push(Owner {
            task: worker.task,
            mode: Mode::Event,
            is_certain: is_flushed.is_some(),
            known: vec![known],
        });
    }
    let flight = in_flight(survey, address, color);
    state.words = Some(match flight {
        Some(flight) => format!("{flight} works are to be done before it, {running} of them run"),
        None => format!("{running} of its works run"),
    });
    state
}

/// Works of the color that are not done, also those that nobody has begun.
fn in_flight(survey: &Survey<'_, '_>, queue: VirtAddr, color: Option<u64>) -> Option<u64> {
    let color = usize::try_from(color?).ok()?;
    let layout = survey.kernel.types().layout("struct pool_workqueue").ok()?;
    let count = layout.find(&format!("nr_in_flight[{color}]"))?;
    let parts = survey.workers().parts.iter();
    let own = parts.filter(|(_, part)| part.queue == queue);
    let counts = own.filter_map(|(at, _)| survey.value(&count, VirtAddr(*at)));
    Some(counts.fold(0, u64::saturating_add))
}
