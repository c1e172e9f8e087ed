//! Who waits in a `struct wait_queue_head`.

use base::{Budget, Gap, Partial, ReadError, VirtAddr};
use value::Field;

use super::structures::Gaps;
use crate::linux::list::walk_list;
use crate::linux::{Kernel, Name};

/// Waiters of one queue.
const MOST: u64 = 1 << 22;

/// `WQ_FLAG_EXCLUSIVE` of include/linux/wait.h.
const EXCLUSIVE: u64 = 1;

/// An entry of a wait queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its `struct wait_queue_entry`.
    pub address: VirtAddr,
    /// What is called to wake it.
    pub function: VirtAddr,
    /// The name of that.
    pub name: Option<Name>,
    /// The `struct task_struct` that waits: the kernel says of no entry whether one does, so it is told only where
    /// there is such a task.
    pub task: Option<VirtAddr>,
    /// Whether nobody behind it is woken with it.
    pub is_exclusive: bool,
}

impl Kernel<'_> {
    /// The entries of the `struct wait_queue_head` at `head`, the next to be woken first.
    pub fn waiters(&self, head: VirtAddr) -> Result<Partial<Vec<Waiter>>, Gap> {
        let types = self.types();
        // Renamed by ac6424b981bc ("sched/wait: Rename wait_queue_t => wait_queue_entry_t", 4.13) and 2055da97389a.
        let queue = types.layout("struct wait_queue_head");
        let queue = queue.or_else(|_| types.layout("struct __wait_queue_head"))?;
        let entry = types.layout("struct wait_queue_entry");
        let entry = entry.or_else(|_| types.layout("struct __wait_queue"))?;
        let list = queue.any(&["head", "task_list"])?;
        let link = entry.any(&["entry", "task_list"])?;
        let members = [
            entry.any(&["func"])?,
            entry.any(&["private"])?,
            entry.any(&["flags"])?,
        ];
        // A task in poll() or select() waits by way of what it waits for.
        let polling = types.layout("struct poll_wqueues");
        let polling = polling.ok().and_then(|layout| layout.find("polling_task"));
        let tasks = self.tasks();
        let is_task = |at: &u64| tasks.value.iter().any(|task| task.address.0 == *at);
        let what = format!("the wait queue at {head}");
        let mut budget = Budget::new("waiters", MOST);
        let walked = walk_list(self.space(), list.at(head), &what, &mut budget);
        let mut gaps = Gaps::default();
        let mut waiters = Vec::new();
        for node in walked.value {
            let address = VirtAddr(node.0.wrapping_sub(link.offset));
            let read = || -> Result<[u64; 3], ReadError> {
                let read = |field: &Field| field.read(self.space(), address);
                let [function, private, flags] = &members;
                Ok([read(function)?, read(private)?, read(flags)?])
            };
            let [function, private, flags] = match read() {
                Ok(read) => read,
                Err(error) => {
                    gaps.push(|| format!("the waiter at {address}"), error);
                    continue;
                }
            };
            let name = self.name(VirtAddr(function));
            let is_poll = name.as_ref().is_some_and(|name| name.symbol == "pollwake");
            let told = match polling {
                Some(field) if is_poll => field.read(self.space(), VirtAddr(private)).ok(),
                _ => Some(private),
            };
            waiters.push(Waiter {
                address,
                function: VirtAddr(function),
                name,
                task: told.filter(is_task).map(VirtAddr),
                is_exclusive: flags & EXCLUSIVE != 0,
            });
        }
        let mut all = walked.gaps;
        all.extend(gaps.of(&what));
        Ok(Partial {
            value: waiters,
            gaps: all,
        })
    }
}
