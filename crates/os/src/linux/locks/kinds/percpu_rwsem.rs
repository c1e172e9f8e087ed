//! `struct percpu_rw_semaphore`: readers count themselves per CPU, a writer blocks new ones and waits for the others.

use base::{Budget, Gap, Mode, VirtAddr};

use super::Kind;
use crate::linux::locks::survey::{Blocked, Survey};
use crate::linux::locks::{State, Wanted, scan, seen, words};
use crate::linux::walk_list;

pub(super) static ENTRY: Kind = Kind {
    name: "percpu_rw_semaphore",
    waits_in: &[
        "percpu_rwsem_wait",
        "__percpu_down_read",
        "percpu_down_write",
    ],
    asked_by: &[
        "percpu_down_read",
        "percpu_down_read_freezable",
        "cpus_read_lock",
        "cpus_write_lock",
    ],
    any_suffices: false,
    wait,
    state,
};

const LAYOUT: &str = "struct percpu_rw_semaphore";
const ENTRY_LAYOUT: &str = "struct wait_queue_entry";

/// Waiters of one semaphore.
const MOST: u64 = 1 << 20;

/// `WQ_FLAG_CUSTOM` of include/linux/wait.h: a reader, since 75ff64572e49 ("locking/percpu-rwsem: Extract
/// __percpu_down_read_trylock()", 5.7).
const CUSTOM: u64 = 0x10;

fn wait(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Wanted, Gap> {
    // 7f26482a872c ("locking/percpu-rwsem: Remove the embedded rwsem", 5.7); before, a struct rw_semaphore in it was
    // waited for.
    survey.field(LAYOUT, &["waiters"])?;
    let queued = || {
        (0..2)
            .filter_map(|deep| blocked.locals(blocked.frame.checked_sub(1)? + deep))
            .flat_map(|locals| locals.step_by(8))
            .find_map(|at| entry(survey, blocked, VirtAddr(at)))
    };
    if let Some(wanted) = queued() {
        return Ok(wanted);
    }
    writer(survey, blocked).ok_or_else(|| {
        blocked
            .unknown("neither does it hang in a queue, nor is it a writer that waits for readers")
    })
}

/// The wait of a thread whose entry of a wait queue lies at `at`.
fn entry(survey: &Survey<'_, '_>, blocked: &Blocked<'_>, at: VirtAddr) -> Option<Wanted> {
    let space = survey.kernel.space();
    let read = |path: &'static [&'static str]| {
        let field = survey.field(ENTRY_LAYOUT, path).ok()?;
        field.read(space, at).ok()
    };
    if read(&["private"])? != blocked.task.address.0 {
        return None;
    }
    let wake = survey.kernel.known("percpu_rwsem_wake_function")?;
    if read(&["func"])? != wake {
        return None;
    }
    let link = survey.field(ENTRY_LAYOUT, &["entry"]).ok()?;
    let func = survey.field(ENTRY_LAYOUT, &["func"]).ok()?;
    let node = link.at(at);
    let mut budget = Budget::new("waiters of a lock", MOST);
    let walked = walk_list(space, node, "the queue of a lock", &mut budget);
    if !walked.gaps.is_empty() {
        return None;
    }
    // Entries have the function, the head has not.
    let is_entry = |node: &VirtAddr| {
        let entry = VirtAddr(node.0.wrapping_sub(link.offset));
        func.read(space, entry) == Ok(wake) && survey.stack_of(entry).is_some()
    };
    let mut heads = walked.value.iter().enumerate();
    let mut heads = heads.by_ref().filter(|(_, node)| !is_entry(node));
    let (place, head) = heads.next()?;
    if heads.next().is_some() {
        return None;
    }
    let offset = survey
        .field(LAYOUT, &["waiters.head", "waiters.task_list"])
        .ok()?
        .offset;
    let lock = VirtAddr(head.0.wrapping_sub(offset));
    // A writer that waits for readers stands before them all.
    let before = u32::from(waiting_writer(survey, lock).is_some());
    let place = u32::try_from(walked.value.len().checked_sub(place + 1)?).ok()?;
    let is_reader = read(&["flags"])? & CUSTOM != 0;
    let says = format!(
        "the struct wait_queue_entry at {at} on its stack names it and hangs in the queue of the percpu_rw_semaphore at {lock}"
    );
    Some(Wanted {
        called: None,
        address: Some(lock),
        mode: match is_reader {
            true => Mode::Shared,
            false => Mode::Exclusive,
        },
        place: Some(place + before),
        known: vec![seen(says)],
    })
}

/// The writer that waits until the readers of the semaphore are out.
fn waiting_writer(survey: &Survey<'_, '_>, lock: VirtAddr) -> Option<VirtAddr> {
    let task = words::member(survey, LAYOUT, &["writer.task"], lock).ok()?;
    (task != 0).then_some(VirtAddr(task))
}

/// The wait of a thread which the semaphore names as the writer that waits until its readers are out.
fn writer(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Option<Wanted> {
    let lock = scan::kept(survey, blocked)
        .into_iter()
        .map(VirtAddr)
        .find(|lock| {
            waiting_writer(survey, *lock) == Some(blocked.task.address)
                && words::member(survey, LAYOUT, &["block"], *lock) == Ok(1)
        })?;
    let says = format!(
        "the percpu_rw_semaphore at {lock} names it as the writer that waits until its readers are out"
    );
    Some(Wanted {
        called: None,
        address: Some(lock),
        mode: Mode::Exclusive,
        place: Some(0),
        known: vec![seen(says)],
    })
}

fn state(survey: &Survey<'_, '_>, address: Option<VirtAddr>) -> State {
    let mut state = State::default();
    let Some(address) = address else {
        return state;
    };
    let read = || {
        let block = words::member(survey, LAYOUT, &["block"], address)?;
        let counts = words::member(survey, LAYOUT, &["read_count"], address)?;
        Ok((block, readers(survey, VirtAddr(counts))?))
    };
    let (block, readers) = match read() {
        Ok(read) => read,
        Err(gap) => {
            state.gaps.push(gap);
            return state;
        }
    };
    state.unnamed = match (readers, block, waiting_writer(survey, address)) {
        (0, 0, _) | (0, _, Some(_)) => None,
        (0, _, None) => Some((Mode::Exclusive, Some(1))),
        _ => Some((Mode::Shared, Some(readers))),
    };
    let inside = words::counted(readers, "reader");
    let told = match (block, waiting_writer(survey, address)) {
        (0, _) => "no writer".to_owned(),
        (_, Some(writer)) => {
            let who = words::who(survey, writer);
            format!("writer {who} lets nobody more in and waits until the readers are out")
        }
        (_, None) => "a writer, which it does not name, has it or is about to".to_owned(),
    };
    state.words = Some(format!("{inside}, block {block}: {told}"));
    state.count = Some(readers);
    state
}

/// How many readers are inside: one that leaves on another CPU than it came on counts down there, so only the sum
/// tells.
fn readers(survey: &Survey<'_, '_>, counts: VirtAddr) -> Result<u64, Gap> {
    let mut sum = 0_u32;
    for cpu in &survey.kernel.cpus().value {
        let at = VirtAddr(counts.0.wrapping_add(cpu.offset));
        let count = survey.kernel.space().u32(at);
        let count = count.map_err(|error| {
            let what = format!("the readers that CPU {} counts at {at}", cpu.number);
            Gap::new(what, error.to_string())
        })?;
        sum = sum.wrapping_add(count);
    }
    Ok(u64::from(sum))
}
