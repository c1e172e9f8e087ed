//! Entries of wait queues (`struct wait_queue_entry`) on the stacks of their threads.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base::{Budget, Gap, VirtAddr};
use value::Field;

use super::survey::{Blocked, Survey};
use crate::linux::walk_list;

/// Entries of all queues that are walked.
const MOST: u64 = 1 << 22;
/// Functions further out than the one that shows the wait, in whose frames the entry may lie.
const CALLERS: usize = 4;
/// Flags that an entry may have (`WQ_FLAG_*` of include/linux/wait.h).
const FLAGS: u64 = 0xff;

/// An entry that hangs in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where it is.
    pub(crate) at: VirtAddr,
    /// What is called to wake its thread.
    pub(crate) function: String,
    /// The `struct wait_queue_head`.
    pub(crate) queue: VirtAddr,
    /// Its place among the entries, the first 0.
    pub(crate) place: Option<u32>,
}

/// The queues that were walked: ten thousand threads may wait in one, and each is to cost what one does.
#[derive(Debug)]
pub(crate) struct Rings(Mutex<Walked>);

#[derive(Debug)]
struct Walked {
    /// The head of each node, and its place behind that; none of a ring that is no queue.
    known: BTreeMap<u64, Option<(VirtAddr, u32)>>,
    budget: Budget,
}

impl Default for Rings {
    fn default() -> Self {
        Rings(Mutex::new(Walked {
            known: BTreeMap::new(),
            budget: Budget::new("entries of wait queues", MOST),
        }))
    }
}

impl Rings {
    /// The head of the ring that a node is in, and the place of the node behind it.
    fn head(
        &self,
        survey: &Survey<'_, '_>,
        shape: &Shape,
        node: VirtAddr,
    ) -> Option<(VirtAddr, u32)> {
        // What a thread that panicked has put in is whole.
        let mut walked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Walked { known, budget } = &mut *walked;
        if let Some(known) = known.get(&node.0) {
            return *known;
        }
        let space = survey.kernel.space();
        let found = walk_list(space, node, "a wait queue", budget);
        let ring = [node].into_iter().chain(found.value);
        let ring: Vec<VirtAddr> = ring.collect();
        let is_entry = |node: &VirtAddr| {
            let at = VirtAddr(node.0.wrapping_sub(shape.node.offset));
            shape.function(survey, at).is_some()
        };
        // Of the ring one is no entry: the head.
        let mut heads = ring.iter().enumerate().filter(|(_, node)| !is_entry(node));
        let head = heads.next().filter(|_| found.gaps.is_empty());
        let head = head.filter(|_| heads.next().is_none());
        let count = ring.len();
        for (place, node) in ring.iter().enumerate() {
            let told = head.and_then(|(first, head)| {
                let behind = (place + count).checked_sub(first + 1)? % count;
                Some((*head, u32::try_from(behind).ok()?))
            });
            known.insert(node.0, told);
        }
        known.get(&node.0).copied().flatten()
    }
}

struct Shape {
    flags: Field,
    private: Field,
    function: Field,
    node: Field,
    list: Field,
}

impl Shape {
    fn new(survey: &Survey<'_, '_>) -> Result<Self, Gap> {
        // The types were renamed by ac6424b981bc ("sched/wait: Rename wait_queue_t => wait_queue_entry_t", 4.13).
        Ok(Shape {
            flags: survey.field("struct wait_queue_entry", &["flags"])?,
            private: survey.field("struct wait_queue_entry", &["private"])?,
            function: survey.field("struct wait_queue_entry", &["func"])?,
            node: survey.field("struct wait_queue_entry", &["entry", "task_list"])?,
            list: survey.field("struct wait_queue_head", &["head", "task_list"])?,
        })
    }

    /// What the entry at `at` calls; none where there is no entry.
    fn function(&self, survey: &Survey<'_, '_>, at: VirtAddr) -> Option<String> {
        let flags = survey.value(&self.flags, at)?;
        let name = survey.kernel.name(survey.pointer(&self.function, at)?)?;
        let function = survey.pointer(&self.function, at)?;
        let is_function =
            flags & !FLAGS == 0 && name.offset == 0 && survey.kernel.is_code(function);
        is_function.then_some(name.symbol)
    }
}

/// The entry of a blocked thread, where one is on its stack.
pub(crate) fn entry(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Result<Option<Entry>, Gap> {
    let shape = Shape::new(survey)?;
    let mut all = blocked.words(CALLERS);
    Ok(all.find_map(|word| {
        // The word that names the thread.
        let task = survey.kernel.space().u64(word).ok()?;
        if task != blocked.task.address.0 {
            return None;
        }
        check(
            survey,
            &shape,
            VirtAddr(word.0.wrapping_sub(shape.private.offset)),
        )
    }))
}

fn check(survey: &Survey<'_, '_>, shape: &Shape, at: VirtAddr) -> Option<Entry> {
    let function = shape.function(survey, at)?;
    let (space, node) = (survey.kernel.space(), shape.node.at(at));
    let next = space.u64(node).ok()?;
    // One that was woken hangs in nothing but itself.
    if next == node.0 || space.u64(VirtAddr(next.wrapping_add(8))).ok()? != node.0 {
        return None;
    }
    let (head, place) = survey.rings.head(survey, shape, node)?;
    Some(Entry {
        at,
        function,
        queue: VirtAddr(head.0.wrapping_sub(shape.list.offset)),
        place: Some(place),
    })
}
