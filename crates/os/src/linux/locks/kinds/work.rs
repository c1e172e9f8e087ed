//! A work that is waited for (`flush_work`, `cancel_work_sync`): a barrier on the stack of the waiter hangs behind it,
//! and the worker that runs it, or those that keep it from being run, must come to an end.

use base::{Budget, Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::reading::{event, inferred, unread, who};
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::workers::{Worker, Workers};
use crate::linux::locks::{Owner, State, Wanted, seen};

pub(super) static ENTRY: Kind = Kind {
    name: "work",
    waits_in: &["__flush_work", "flush_work", "__cancel_work_timer"],
    asked_by: &[
        "flush_delayed_work",
        "cancel_work_sync",
        "cancel_delayed_work_sync",
        "__cancel_work_sync",
        "disable_work_sync",
        "disable_delayed_work_sync",
        "work_on_cpu",
        "work_on_cpu_key",
        "work_on_cpu_safe",
        "work_on_cpu_safe_key",
        "schedule_on_each_cpu",
        "start_flush_work",
    ],
    any_suffices: false,
    wait,
    state,
};

/// Functions that called the one which waits, and in whose frames the barrier may lie.
const CALLERS: usize = 2;
/// Barriers that hang behind one work.
const MOST: u64 = 1 << 12;
/// Pending works of a pool among which one is looked for.
const MOST_PENDING: u64 = 1 << 16;
/// Those that keep a work from being run are told up to so many.
const MOST_OWNERS: usize = 64;

/// `WORK_STRUCT_PWQ` (`WORK_STRUCT_CWQ` before 112202d9098a, 3.9): the word leads to a `struct pool_workqueue`.
const PWQ: u64 = 4;
/// `WORK_STRUCT_PENDING`.
const PENDING: u64 = 1;
/// Parts of queues lie at multiples of this at least (`1 << WORK_STRUCT_FLAG_BITS`; larger by other settings).
const ALIGNED: u64 = !0xff;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    let task = survey.field("struct wq_barrier", &["task"])?;
    let own = survey.field("struct wq_barrier", &["work"])?;
    let entry = survey.field("struct work_struct", &["entry"])?;
    let function = survey.field("struct work_struct", &["func"])?;
    let barrier_function = survey.kernel.symbol("wq_barrier_func")?;
    let is_barrier = |work: VirtAddr| survey.pointer(&function, work) == Some(barrier_function);
    let barrier = blocked.words(CALLERS).find(|at| {
        is_barrier(own.at(*at)) && survey.pointer(&task, *at) == Some(blocked.task.address)
    });
    let Some(barrier) = barrier else {
        return Err(blocked.unknown("no struct wq_barrier of its own is on its stack"));
    };
    let workers = survey.workers();
    let gone =
        || blocked.unknown("its barrier hangs behind no work that is known: it may have run");
    let mut budget = Budget::new("barriers behind a work", MOST);
    let mut node = entry.at(own.at(barrier));
    let target = loop {
        budget
            .spend(1)
            .map_err(|exhausted| blocked.unknown(exhausted.to_string()))?;
        let before = survey.kernel.space().u64(VirtAddr(node.0.wrapping_add(8)));
        let before = before.map_err(|error| blocked.unknown(error.to_string()))?;
        if before == entry.at(own.at(barrier)).0 {
            return Err(gone());
        }
        // At the head of what a worker runs next stands what hangs behind the work that it runs.
        let of = |worker: &&Worker| worker.scheduled.0 == before;
        if let Some(worker) = workers.workers.iter().find(of) {
            break worker.work.ok_or_else(gone)?;
        }
        let is_head = |head: VirtAddr| head.0 == before;
        if workers.pools.values().any(|pool| is_head(pool.worklist))
            || workers.parts.values().any(|part| is_head(part.inactive))
        {
            return Err(gone());
        }
        let work = VirtAddr(before.wrapping_sub(entry.offset));
        if !is_barrier(work) {
            let is_work = survey
                .pointer(&function, work)
                .is_some_and(|function| survey.kernel.is_code(function));
            break Some(work).filter(|_| is_work).ok_or_else(gone)?;
        }
        node = VirtAddr(before);
    };
    let says = format!(
        "the struct wq_barrier at {barrier} on its stack names it and hangs behind the work at {target}"
    );
    Ok(event(Some(target), None, seen(says)))
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let Some(address) = address else {
        return State::default();
    };
    let workers = survey.workers();
    if let Some(worker) = workers.running(address) {
        return running(survey, workers, worker, address);
    }
    pending(survey, workers, address).unwrap_or_else(unread)
}

/// Of a work that a worker runs.
fn running(
    survey: &Survey<'_, '_>,
    workers: &Workers,
    worker: &Worker,
    address: VirtAddr,
) -> State {
    let name = survey.called(worker.function);
    let by = survey.task_at(worker.task);
    let by = by.map_or_else(|| worker.task.to_string(), who);
    let queue = match workers.queue_of(worker.pwq) {
        Some((_, queue)) => format!(" from the queue {queue}"),
        None => String::new(),
    };
    State {
        words: Some(format!("it runs: {by} is in {name}{queue}")),
        owners: vec![Owner {
            task: worker.task,
            mode: Mode::Event,
            is_certain: true,
            known: vec![seen(format!(
                "the worker {by} says that it runs the work at {address}"
            ))],
        }],
        name: Some(name),
        ..State::default()
    }
}

/// Of a work that nobody has begun: who must end first.
fn pending(survey: &Survey<'_, '_>, workers: &Workers, address: VirtAddr) -> Result<State, Gap> {
    let read = |names: &'static [&'static str]| {
        let field = survey.field("struct work_struct", names)?;
        let value = field.read(survey.kernel.space(), address);
        value.map_err(|error| Gap::new(format!("the work at {address}"), error.to_string()))
    };
    let (data, function) = (read(&["data"])?, VirtAddr(read(&["func"])?));
    let name = survey.called(function);
    let mut state = State {
        name: Some(name.clone()),
        ..State::default()
    };
    let part = VirtAddr(data & ALIGNED);
    let known = workers.parts.get(&part.0).filter(|_| data & PWQ != 0);
    let Some(known) = known else {
        state.words = Some(match data & PENDING {
            0 => format!("data {data:#x}: {name} is in no queue any more"),
            _ => format!("data {data:#x}: {name} is pending, in no queue that is known"),
        });
        return Ok(state);
    };
    let queue = workers.queue_of(part).map_or("", |(_, name)| name);
    let pool = workers.pools.get(&known.pool.0);
    let entry = survey.field("struct work_struct", &["entry"])?;
    let is_in = |head: VirtAddr| is_in(survey, entry.at(address), head);
    if is_in(known.inactive) {
        // A queue of several CPUs counts all its work (5797b1c18919, "workqueue: Implement system-wide nr_active
        // enforcement for unbound workqueues", 6.9); before, and on one CPU, that of each pool.
        let of_part: Vec<&Worker> = busy(workers).filter(|worker| worker.pwq == part).collect();
        let of_queue = |worker: &&Worker| {
            let other = workers.parts.get(&worker.pwq.0);
            other.is_some_and(|other| other.queue == known.queue)
        };
        let busy = match of_part.is_empty() {
            true => busy(workers).filter(of_queue).collect(),
            false => of_part,
        };
        state.words = Some(format!(
            "{name} is pending: the queue {queue} has as much active work as it may, {} of it run",
            busy.len()
        ));
        state.any_suffices = true;
        state.owners = owners(&busy, |worker| {
            let other = survey.called(worker.function);
            seen(format!(
                "it runs {other} of the queue {queue}, which lets no more begin"
            ))
        });
        return Ok(state);
    }
    let Some(pool) = pool.filter(|pool| is_in(pool.worklist)) else {
        state.words = Some(format!("data {data:#x}: {name} is of the queue {queue}"));
        return Ok(state);
    };
    let all: Vec<&Worker> = busy(workers)
        .filter(|worker| worker.pool == known.pool)
        .collect();
    // A pool of one CPU begins no work while a worker of it runs there, and does not sleep.
    let is_running = |worker: &&&Worker| {
        let task = survey.task_at(worker.task);
        pool.cpu.is_some() && task.is_some_and(|task| task.task.cpu == pool.cpu)
    };
    let hogs: Vec<&Worker> = all.iter().filter(is_running).copied().collect();
    state.any_suffices = true;
    let words = format!(
        "{name} is pending: its pool has {} workers that run something and {} idle ones",
        all.len(),
        pool.idle
    );
    state.words = Some(words);
    if !hogs.is_empty() {
        state.owners = owners(&hogs, |worker| {
            let other = survey.called(worker.function);
            seen(format!(
                "it runs {other} on the CPU of the pool, which begins nothing else meanwhile"
            ))
        });
    } else if pool.idle == 0 {
        // New workers are made on demand; that none is there says that none could be made.
        state.owners = owners(&all, |worker| {
            let other = survey.called(worker.function);
            inferred(format!("it runs {other}, and the pool has no idle worker"))
        });
        for owner in &mut state.owners {
            owner.is_certain = false;
        }
    }
    Ok(state)
}

fn busy(workers: &Workers) -> impl Iterator<Item = &Worker> {
    workers
        .workers
        .iter()
        .filter(|worker| worker.work.is_some())
}

fn owners(workers: &[&Worker], known: impl Fn(&Worker) -> base::Evidence) -> Vec<Owner> {
    let owner = |worker: &&Worker| Owner {
        task: worker.task,
        mode: Mode::Event,
        is_certain: true,
        known: vec![known(worker)],
    };
    workers.iter().take(MOST_OWNERS).map(owner).collect()
}

/// Whether the list that `node` hangs in has this head.
fn is_in(survey: &Survey<'_, '_>, node: VirtAddr, head: VirtAddr) -> bool {
    let mut budget = Budget::new("pending works", MOST_PENDING);
    let mut at = node;
    while budget.spend(1).is_ok() {
        match survey.kernel.space().u64(at) {
            Ok(next) if next == head.0 => return true,
            Ok(next) if next != node.0 => at = VirtAddr(next),
            _ => return false,
        }
    }
    false
}
