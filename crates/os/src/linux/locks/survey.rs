//! All threads of a kernel with their stacks, looked at once for every kind of wait.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use base::{Gap, VirtAddr};
use rayon::prelude::*;
use unwind::Stack;
use value::Field;

use super::futexes::Futexes;
use super::kinds::Kind;
use super::queued::Rings;
use super::workers::Workers;
use crate::linux::walkers::tasks::Task;
use crate::linux::{Kernel, Name};

/// Frames, from the innermost on, among which the wait of a thread is looked for.
const DEEP: usize = 24;
/// Tasks that one thread unwinds before it looks for more.
const PIECE: usize = 16;

/// A thread and its stack.
#[derive(Debug)]
pub(crate) struct Surveyed {
    /// The thread.
    pub(crate) task: Task,
    /// Its stack, or why there is none.
    pub(crate) stack: Result<Stack, Gap>,
}

/// All threads.
#[derive(Debug)]
pub(crate) struct Survey<'k, 'a> {
    /// Whose.
    pub(crate) kernel: &'k Kernel<'a>,
    /// In the order of the kernel's list.
    pub(crate) all: Vec<Surveyed>,
    /// What could not be read of the list.
    pub(crate) gaps: Vec<Gap>,
    /// Their places by the address of their `struct task_struct`.
    by_address: BTreeMap<u64, usize>,
    /// Their places by where their stacks begin.
    by_stack: BTreeMap<u64, usize>,
    stack_size: u64,
    /// The names of all return addresses on stacks, by the address to look up.
    names: BTreeMap<u64, Name>,
    /// The time of the kernel's scheduler, in nanoseconds.
    now: Option<u64>,
    exec_start: Option<Field>,
    /// Members that were asked for: finding a type by its name takes time, and there may be ten thousand waits.
    fields: Mutex<BTreeMap<Asked, Result<Field, Gap>>>,
    workers: OnceLock<Workers>,
    futexes: OnceLock<Futexes>,
    /// The wait queues that were walked.
    pub(crate) rings: Rings,
}

/// A structure, and a member of it by its names.
type Asked = (&'static str, &'static [&'static str]);

/// A thread that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocked<'s> {
    /// The thread.
    pub(crate) task: &'s Task,
    /// Its stack.
    pub(crate) stack: &'s Stack,
    /// The number of the frame that shows the wait.
    pub(crate) frame: usize,
    /// The function of that frame, without what the compiler appended.
    pub(crate) function: &'s str,
    /// What it waits for.
    pub(crate) kind: &'static Kind,
}

/// The name of a function without what compilers append to it (`__mutex_lock.constprop.0`).
pub(crate) fn plain(name: &str) -> &str {
    name.split_once('.').map_or(name, |(plain, _)| plain)
}

impl<'k, 'a> Survey<'k, 'a> {
    pub(crate) fn new(kernel: &'k Kernel<'a>) -> Self {
        let tasks = kernel.tasks();
        let read = |task: Task| {
            let stack = kernel.stack(&task);
            Surveyed { task, stack }
        };
        let tasks_by_iter = tasks.value.into_par_iter().with_min_len(PIECE);
        let all: Vec<Surveyed> = tasks_by_iter.map(read).collect();
        let place = |of: fn(&Task) -> VirtAddr| {
            let each = all.iter().enumerate();
            each.map(|(place, surveyed)| (of(&surveyed.task).0, place))
                .collect()
        };
        let (by_address, by_stack) = (place(|task| task.address), place(|task| task.stack));
        let frames = all
            .iter()
            .filter_map(|surveyed| surveyed.stack.as_ref().ok());
        let mut pcs: Vec<_> = frames
            .flat_map(|stack| &stack.frames)
            .map(unwind::Frame::lookup_pc)
            .collect();
        pcs.sort_unstable();
        pcs.dedup();
        let named = pcs
            .par_iter()
            .with_min_len(PIECE)
            .filter_map(|pc| Some((pc.0, kernel.name(*pc)?)));
        let names: Vec<_> = named.collect();
        let layout = kernel.types().layout("struct task_struct");
        let exec_start = layout.ok().and_then(|layout| layout.find("se.exec_start"));
        Survey {
            kernel,
            gaps: tasks.gaps,
            by_address,
            by_stack,
            stack_size: kernel.stack_size(),
            names: names.into_iter().collect(),
            now: now(kernel),
            exec_start,
            fields: Mutex::default(),
            workers: OnceLock::new(),
            futexes: OnceLock::new(),
            rings: Rings::default(),
            all,
        }
    }

    /// The threads that wait, each with the kinds of waits that its stack shows, the most telling first.
    pub(crate) fn blocked<'s>(
        &'s self,
        kinds: &'static [&'static Kind],
    ) -> impl Iterator<Item = Vec<Blocked<'s>>> {
        let mut known: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (rank, kind) in kinds.iter().enumerate() {
            for function in kind.waits_in {
                known.entry(function).or_default().push(rank);
            }
        }
        self.all.iter().filter_map(move |surveyed| {
            let stack = surveyed.stack.as_ref().ok()?;
            let frames = stack.frames.iter().enumerate().take(DEEP);
            let mut waits = BTreeMap::new();
            for (at, frame) in frames.filter(|(_, frame)| !frame.is_guess) {
                let ranks = self.function(frame).and_then(|name| known.get(name));
                for rank in ranks.into_iter().flatten() {
                    // The innermost frame of each kind.
                    waits.entry(*rank).or_insert(at);
                }
            }
            let shown = waits.into_iter().filter_map(|(rank, frame)| {
                let kind = kinds.get(rank)?;
                kind.is_told_of(&surveyed.task).then_some(())?;
                Some(Blocked {
                    task: &surveyed.task,
                    stack,
                    frame,
                    function: self.function(stack.frames.get(frame)?)?,
                    kind,
                })
            });
            let shown: Vec<_> = shown.collect();
            (!shown.is_empty()).then_some(shown)
        })
    }

    /// A member of a structure of the kernel; `paths` are its names, the newest first.
    pub(crate) fn field(
        &self,
        layout: &'static str,
        paths: &'static [&'static str],
    ) -> Result<Field, Gap> {
        // One thread that panicked with the lock has not left the table half written.
        let mut fields = self.fields.lock().unwrap_or_else(PoisonError::into_inner);
        let ask = || self.kernel.types().layout(layout)?.any(paths);
        fields.entry((layout, paths)).or_insert_with(ask).clone()
    }

    /// The workers of work queues.
    pub(crate) fn workers(&self) -> &Workers {
        self.workers.get_or_init(|| Workers::read(self))
    }

    /// The futexes that threads wait at.
    pub(crate) fn futexes(&self) -> &Futexes {
        self.futexes.get_or_init(|| Futexes::read(self))
    }

    /// The name of a frame's code.
    pub(crate) fn name(&self, frame: &unwind::Frame) -> Option<&Name> {
        self.names.get(&frame.lookup_pc().0)
    }

    /// The function of a frame, without what the compiler appended.
    pub(crate) fn function(&self, frame: &unwind::Frame) -> Option<&str> {
        self.name(frame).map(|name| plain(&name.symbol))
    }

    /// The thread whose `struct task_struct` is at an address.
    pub(crate) fn task_at(&self, address: VirtAddr) -> Option<&Surveyed> {
        self.all.get(self.place_of(address)?)
    }

    /// The place of the thread whose `struct task_struct` is at an address.
    pub(crate) fn place_of(&self, address: VirtAddr) -> Option<usize> {
        self.by_address.get(&address.0).copied()
    }

    /// The thread on whose stack an address lies.
    pub(crate) fn stack_of(&self, address: VirtAddr) -> Option<&Surveyed> {
        let (start, place) = self.by_stack.range(..=address.0).next_back()?;
        let is_on = *start != 0 && address.0 - start < self.stack_size;
        self.all.get(*place).filter(|_| is_on)
    }

    /// Since when a thread that sleeps has not run, in microseconds.
    pub(crate) fn asleep_us(&self, task: &Task) -> Option<u64> {
        let field = self.exec_start.as_ref().filter(|_| task.cpu.is_none())?;
        let last = field.read(self.kernel.space(), task.address).ok()?;
        let since = self.now?.checked_sub(last)?;
        (last != 0).then_some(since / 1000)
    }
}

/// The latest time that the scheduler of any CPU knows (`rq.clock`): one that is idle may lag behind.
fn now(kernel: &Kernel<'_>) -> Option<u64> {
    let clock = kernel.types().layout("struct rq").ok()?.find("clock")?;
    let cpus = kernel.cpus().value.iter();
    let queues = cpus.filter_map(|cpu| kernel.per_cpu("runqueues", cpu.number).ok());
    queues
        .filter_map(|queue| clock.read(kernel.space(), queue).ok())
        .max()
}

impl Blocked<'_> {
    /// Where the local variables of the frame of number `frame` lie: from its end of the stack to that of its caller.
    pub(crate) fn locals(&self, frame: usize) -> Option<Range<u64>> {
        let start = self.stack.frames.get(frame)?.sp.0;
        let end = match self.stack.frames.get(frame + 1) {
            Some(caller) => caller.sp.0,
            None => start + 512,
        };
        (start < end).then_some(start..end)
    }

    /// What is missing where it cannot be told what the thread waits for.
    pub(crate) fn unknown(&self, why: impl Into<String>) -> Gap {
        let Task { pid, comm, .. } = self.task;
        let what = format!("which {} {comm} (pid {pid}) waits for", self.kind.name);
        Gap::new(what, why)
    }
}
