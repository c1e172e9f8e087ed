//! Who wants to run: the queues of each CPU (`runqueues`, a per-CPU `struct rq`).

use base::{Budget, Gap, Partial, ReadError, VirtAddr};
use value::{Field, Types};

use super::structures::Gaps;
use super::structures::rbtree::RbTree;
use crate::linux::Kernel;
use crate::linux::list::walk_list;

/// Tasks in the queues of all CPUs.
const MOST: u64 = 1 << 22;

/// Priorities of real-time tasks (`MAX_RT_PRIO`), where the type tells more.
const MOST_PRIORITIES: u64 = 128;

/// The tasks that a CPU has to run, the running one among them; the idle task is in no queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunQueue {
    /// The CPU.
    pub cpu: u32,
    /// Its `struct rq`.
    pub address: VirtAddr,
    /// Tasks that can run, as the kernel counts them.
    pub running: u64,
    /// The `struct task_struct` that runs.
    pub current: VirtAddr,
    /// Tasks with a deadline (`SCHED_DEADLINE`), the nearest first.
    pub deadline: Vec<VirtAddr>,
    /// Tasks of real time by their priority, 0 the highest.
    pub real_time: Vec<(u32, VirtAddr)>,
    /// All others, in no order that means something.
    pub fair: Vec<VirtAddr>,
}

/// Members of the queues.
struct Shape {
    running: Field,
    current: Field,
    fair: Field,
    fair_link: Field,
    deadline: Field,
    deadline_link: Field,
    deadline_entity: Field,
    is_server: Option<Field>,
    queues: Field,
    priorities: u64,
    run_list: Field,
    real_time_entity: Field,
    group: Option<Field>,
    tree: RbTree,
}

impl Shape {
    fn new(types: &Types<'_, '_>) -> Result<Self, Gap> {
        let rq = types.layout("struct rq")?;
        let task = types.layout("struct task_struct")?;
        let deadline = types.layout("struct sched_dl_entity")?;
        let real_time = types.layout("struct sched_rt_entity")?;
        Ok(Shape {
            running: rq.any(&["nr_running"])?,
            current: rq.any(&["curr"])?,
            // Of all groups in one list. A kernel for one CPU has none before cac5cefbade9 ("sched/smp: Make SMP
            // unconditional", 6.17).
            fair: rq.any(&["cfs_tasks"])?,
            fair_link: task.any(&["se.group_node"])?,
            deadline: rq.any(&["dl.root.rb_root", "dl.rb_root"])?,
            deadline_link: deadline.any(&["rb_node"])?,
            deadline_entity: task.any(&["dl"])?,
            // A server runs tasks of another kind within a deadline (6.8); it is no task.
            is_server: deadline.find("dl_server"),
            queues: rq.any(&["rt.active.queue"])?,
            priorities: rq
                .count("rt.active.queue")
                .unwrap_or(0)
                .min(MOST_PRIORITIES),
            run_list: real_time.any(&["run_list"])?,
            real_time_entity: task.any(&["rt"])?,
            group: real_time.find("my_q"),
            tree: RbTree::new(types)?,
        })
    }
}

impl Kernel<'_> {
    /// The queues of each CPU.
    pub fn run_queues(&self) -> Partial<Vec<RunQueue>> {
        self.walk_queues().unwrap_or_else(|gap| Partial {
            value: Vec::new(),
            gaps: vec![gap],
        })
    }

    fn walk_queues(&self) -> Result<Partial<Vec<RunQueue>>, Gap> {
        let shape = Shape::new(&self.types())?;
        let (queue, _) = self.global("runqueues")?;
        let mut budget = Budget::new("tasks in queues", MOST);
        let mut gaps = Gaps::default();
        let mut queues = Vec::new();
        for cpu in &self.cpus().value {
            let rq = VirtAddr(queue.0.wrapping_add(cpu.offset));
            match self.queue(&shape, cpu.number, rq, &mut budget, &mut gaps) {
                Ok(queue) => queues.push(queue),
                Err(error) => gaps.push(|| format!("the queues of CPU {}", cpu.number), error),
            }
        }
        Ok(Partial {
            value: queues,
            gaps: gaps.of("the queues of CPUs"),
        })
    }

    fn queue(
        &self,
        shape: &Shape,
        cpu: u32,
        rq: VirtAddr,
        budget: &mut Budget,
        gaps: &mut Gaps,
    ) -> Result<RunQueue, ReadError> {
        let space = self.space();
        let what = format!("the queue of CPU {cpu}");
        let mut told = |walked: Partial<Vec<VirtAddr>>| {
            for gap in walked.gaps {
                gaps.push(|| gap.what, gap.why);
            }
            walked.value
        };
        let fair = told(walk_list(space, shape.fair.at(rq), &what, budget));
        let back = |node: VirtAddr, offset: u64| VirtAddr(node.0.wrapping_sub(offset));
        let fair = fair
            .into_iter()
            .map(|node| back(node, shape.fair_link.offset));
        let mut deadline = Vec::new();
        for node in told(shape.tree.walk(space, shape.deadline.at(rq), &what, budget)) {
            let entity = back(node, shape.deadline_link.offset);
            let is_server = shape
                .is_server
                .map_or(Ok(0), |field| field.read(space, entity))?;
            if is_server == 0 {
                deadline.push(back(entity, shape.deadline_entity.offset));
            }
        }
        let mut real_time = Vec::new();
        for priority in 0..shape.priorities {
            let head = VirtAddr(shape.queues.at(rq).0.wrapping_add(16 * priority));
            for node in told(walk_list(space, head, &what, budget)) {
                let entity = back(node, shape.run_list.offset);
                let group = shape
                    .group
                    .map_or(Ok(0), |field| field.read(space, entity))?;
                let task = back(entity, shape.real_time_entity.offset);
                // A group of real-time tasks has queues of its own (`CONFIG_RT_GROUP_SCHED`).
                if group == 0 {
                    real_time.push((priority as u32, task));
                } else {
                    let part = Partial {
                        value: Vec::new(),
                        gaps: vec![Gap::new(
                            format!("real-time tasks of the group at {entity} of CPU {cpu}"),
                            "queues of groups are not walked",
                        )],
                    };
                    told(part);
                }
            }
        }
        Ok(RunQueue {
            cpu,
            address: rq,
            running: shape.running.read(space, rq)?,
            current: shape.current.pointer(space, rq)?,
            deadline,
            real_time,
            fair: fair.collect(),
        })
    }
}
