//! The workers of work queues: who runs which work, and which queues there are.

use std::collections::BTreeMap;

use base::{Budget, Gap, VirtAddr};
use value::Field;

use super::survey::Survey;
use crate::linux::walk_list;

/// Queues, their parts for pools, and workers that are looked at.
const MOST: u64 = 1 << 20;

/// Longest name of a queue (`WQ_NAME_LEN`).
const NAME: usize = 64;

/// A worker that a pool has (`struct worker`).
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    /// Its thread.
    pub(crate) task: VirtAddr,
    /// The `struct work_struct` that it runs; none where it is idle.
    pub(crate) work: Option<VirtAddr>,
    /// The function of that.
    pub(crate) function: VirtAddr,
    /// The `struct pool_workqueue` that the work is of.
    pub(crate) pwq: VirtAddr,
    /// The color of the work, where workers know it.
    pub(crate) color: Option<u64>,
    /// The list of what it runs next.
    pub(crate) scheduled: VirtAddr,
    /// Its pool.
    pub(crate) pool: VirtAddr,
}

/// A pool of workers (`struct worker_pool`).
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    /// The CPU that it is for; none where it is for several.
    pub(crate) cpu: Option<u32>,
    /// The list of work that nobody has begun.
    pub(crate) worklist: VirtAddr,
    /// How many workers have nothing to do.
    pub(crate) idle: u64,
}

/// What a queue has in one pool (`struct pool_workqueue`).
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Its pool.
    pub(crate) pool: VirtAddr,
    /// Its queue.
    pub(crate) queue: VirtAddr,
    /// The list of work that must wait, as enough of the queue is active.
    pub(crate) inactive: VirtAddr,
}

/// All of them, by address.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    pub(crate) workers: Vec<Worker>,
    pub(crate) pools: BTreeMap<u64, Pool>,
    pub(crate) parts: BTreeMap<u64, Part>,
    /// The queues (`struct workqueue_struct`) and their names.
    pub(crate) queues: BTreeMap<u64, String>,
    /// What could not be read.
    pub(crate) gaps: Vec<Gap>,
}

impl Workers {
    /// Reads them all, from the kernel's list of queues on.
    pub(crate) fn read(survey: &Survey<'_, '_>) -> Self {
        let mut workers = Workers::default();
        if let Err(gap) = workers.fill(survey) {
            workers.gaps.push(gap);
        }
        workers
    }

    fn fill(&mut self, survey: &Survey<'_, '_>) -> Result<(), Gap> {
        let mut budget = Budget::new("queues of work and their workers", MOST);
        let head = survey.kernel.symbol("workqueues")?;
        let list = survey.field("struct workqueue_struct", &["list"])?;
        let pwqs = survey.field("struct workqueue_struct", &["pwqs"])?;
        let name = survey.field("struct workqueue_struct", &["name"])?;
        let node = survey.field("struct pool_workqueue", &["pwqs_node"])?;
        let of_pool = survey.field("struct pool_workqueue", &["pool"])?;
        // Renamed by f97a4a1a3f87 ("workqueue: Rename "delayed" (delayed by active management) to "inactive"", 5.15).
        let inactive = survey.field(
            "struct pool_workqueue",
            &["inactive_works", "delayed_works"],
        )?;
        for queue in self.nodes(survey, head, &list, "the queues of work", &mut budget) {
            let text = survey.kernel.space().text(name.at(queue), NAME);
            // A name behind a pointer was before ecf6881ff349 ("workqueue: make workqueue->name[] fixed len", 3.10).
            self.queues.insert(queue.0, text.unwrap_or_default());
            let what = "the parts of a queue of work";
            for part in self.nodes(survey, pwqs.at(queue), &node, what, &mut budget) {
                let Some(pool) = survey.pointer(&of_pool, part) else {
                    continue;
                };
                let inactive = inactive.at(part);
                self.parts.insert(
                    part.0,
                    Part {
                        pool,
                        queue,
                        inactive,
                    },
                );
                if !self.pools.contains_key(&pool.0) {
                    self.pool(survey, pool, &mut budget)?;
                }
            }
        }
        Ok(())
    }

    /// A pool and its workers.
    fn pool(
        &mut self,
        survey: &Survey<'_, '_>,
        pool: VirtAddr,
        budget: &mut Budget,
    ) -> Result<(), Gap> {
        let field = |names: &'static [&'static str]| survey.field("struct worker_pool", names);
        let (cpu, worklist, idle) = (
            field(&["cpu"])?,
            field(&["worklist"])?,
            field(&["nr_idle"])?,
        );
        let cpu = survey.value(&cpu, pool).map(|cpu| cpu as i32);
        self.pools.insert(
            pool.0,
            Pool {
                cpu: cpu.and_then(|cpu| u32::try_from(cpu).ok()),
                worklist: worklist.at(pool),
                idle: survey.value(&idle, pool).unwrap_or(0),
            },
        );
        let workers = field(&["workers"])?;
        let field = |names: &'static [&'static str]| survey.field("struct worker", names);
        let node = field(&["node"])?;
        let (task, work, function, pwq, scheduled) = (
            field(&["task"])?,
            field(&["current_work"])?,
            field(&["current_func"])?,
            field(&["current_pwq"])?,
            field(&["scheduled"])?,
        );
        // Since d812796eb390 ("workqueue: Assign a color to barrier work items", 5.15).
        let color = field(&["current_color"]).ok();
        let what = "the workers of a pool";
        for worker in self.nodes(survey, workers.at(pool), &node, what, budget) {
            let Some(task) = survey.pointer(&task, worker) else {
                continue;
            };
            let number = |field: &Field| survey.value(field, worker).unwrap_or(0);
            self.workers.push(Worker {
                task,
                work: survey.pointer(&work, worker),
                function: VirtAddr(number(&function)),
                pwq: VirtAddr(number(&pwq)),
                color: color.as_ref().map(number),
                scheduled: scheduled.at(worker),
                pool,
            });
        }
        Ok(())
    }

    /// The structures that hang in a list by their member `node`.
    fn nodes(
        &mut self,
        survey: &Survey<'_, '_>,
        head: VirtAddr,
        node: &Field,
        what: &str,
        budget: &mut Budget,
    ) -> Vec<VirtAddr> {
        let walked = walk_list(survey.kernel.space(), head, what, budget);
        // One gap stands for all that are like it.
        for gap in walked.gaps {
            if !self.gaps.iter().any(|known| known.what == gap.what) {
                self.gaps.push(gap);
            }
        }
        let back = |at: VirtAddr| VirtAddr(at.0.wrapping_sub(node.offset));
        walked.value.into_iter().map(back).collect()
    }

    /// Who runs a work.
    pub(crate) fn running(&self, work: VirtAddr) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.work == Some(work))
    }

    /// The name of the queue that a part is of.
    pub(crate) fn queue_of(&self, part: VirtAddr) -> Option<(VirtAddr, &str)> {
        let queue = self.parts.get(&part.0)?.queue;
        Some((queue, self.queues.get(&queue.0)?))
    }
}
