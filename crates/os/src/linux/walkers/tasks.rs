//! The tasks: `init_task.tasks` links the first thread of each process, `signal->thread_head` its threads.

use base::{Budget, Gap, Partial, ReadError, Thread, VirtAddr};
use value::Field;

use crate::linux::Kernel;
use crate::linux::list::walk_list;

/// Tasks that are read (`PID_MAX_LIMIT` is 4 million).
const MOST: u64 = 1 << 22;

/// A task: a thread, in the words of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Where its `struct task_struct` is.
    pub address: VirtAddr,
    /// Its number; 0 of those that run where there is nothing to do.
    pub pid: u32,
    /// The number of its process.
    pub tgid: u32,
    /// Its name.
    pub comm: String,
    /// Bits of its state, as the kernel has them, and those of its end.
    pub state: u64,
    /// Whether it is one of the kernel's own.
    pub is_kernel: bool,
    /// The CPU that runs it.
    pub cpu: Option<u32>,
    /// Where its stack begins.
    pub stack: VirtAddr,
}

/// Members of `struct task_struct` that a task is made of.
struct Members {
    pid: Field,
    tgid: Field,
    comm: Field,
    state: Field,
    exit_state: Field,
    flags: Field,
    stack: Field,
}

/// `PF_KTHREAD` of include/linux/sched.h.
const PF_KTHREAD: u64 = 0x0020_0000;

/// `TASK_REPORT`, and what makes a sleeping task an idle one: `TASK_UNINTERRUPTIBLE | TASK_NOLOAD`.
const TASK_REPORT: u64 = 0x7f;
const TASK_IDLE: u64 = 0x402;

impl Task {
    /// The letter that `ps` prints for its state (`task_index_to_char` of include/linux/sched.h).
    pub fn letter(&self) -> char {
        if self.state & TASK_IDLE == TASK_IDLE && self.state & TASK_REPORT == 2 {
            return 'I';
        }
        let bits = self.state & TASK_REPORT;
        let highest = (u64::BITS - bits.leading_zeros()) as usize;
        "RSDTtXZP".chars().nth(highest).unwrap_or('?')
    }

    /// What is told of it.
    pub fn facts(&self) -> Thread {
        Thread {
            pid: self.pid,
            tgid: self.tgid,
            comm: self.comm.clone(),
            state: self.letter().to_string(),
            cpu: self.cpu,
            is_kernel: self.is_kernel,
        }
    }
}

impl Kernel<'_> {
    /// All tasks: those that run where there is nothing to do first, by CPU, then processes in the order of
    /// their list, each with its threads.
    pub fn tasks(&self) -> Partial<Vec<Task>> {
        self.try_tasks().unwrap_or_else(|gap| Partial {
            value: Vec::new(),
            gaps: vec![gap],
        })
    }

    fn try_tasks(&self) -> Result<Partial<Vec<Task>>, Gap> {
        let space = self.space();
        let first = self.symbol("init_task")?;
        let layout = self.types().layout("struct task_struct")?;
        let members = self.task_members()?;
        let (tasks, signal) = (layout.any(&["tasks"])?, layout.any(&["signal"])?);
        let mut budget = Budget::new("tasks", MOST);
        let mut gaps = self.cpus().gaps.clone();
        let mut found: Vec<VirtAddr> = self.cpus().value.iter().map(|cpu| cpu.idle).collect();
        if found.is_empty() {
            found.push(first);
        }
        // Threads hang on their process since Linux 6.7 only (`thread_group` of the task was removed); the list
        // of the process is older (3.14) and so the first that is asked.
        let threads = self
            .types()
            .layout("struct signal_struct")?
            .any(&["thread_head"]);
        let node = layout.any(&["thread_node"]);
        let old = layout.any(&["thread_group"]);
        let leaders = walk_list(space, tasks.at(first), "the list of tasks", &mut budget);
        gaps.extend(leaders.gaps);
        for leader in leaders.value {
            let leader = VirtAddr(leader.0.wrapping_sub(tasks.offset));
            let (head, link) = match (&threads, &node, &old) {
                (Ok(head), Ok(node), _) => match signal.pointer(space, leader) {
                    Ok(signal) if signal.0 != 0 => (head.at(signal), node),
                    _ => {
                        gaps.push(Gap::new(
                            format!("the threads of the process at {leader}"),
                            "it has no signals any more",
                        ));
                        found.push(leader);
                        continue;
                    }
                },
                (_, _, Ok(old)) => {
                    found.push(leader);
                    (old.at(leader), old)
                }
                (Err(gap), _, _) | (_, Err(gap), _) => return Err(gap.clone()),
            };
            let threads = walk_list(space, head, "the list of a process's threads", &mut budget);
            gaps.extend(threads.gaps);
            // A process that is ending may have lost its threads before its place in the list.
            if threads.value.is_empty() && found.last() != Some(&leader) {
                found.push(leader);
            }
            let task = |node: VirtAddr| VirtAddr(node.0.wrapping_sub(link.offset));
            found.extend(threads.value.into_iter().map(task));
        }
        let mut tasks = Vec::with_capacity(found.len());
        for address in found {
            match self.task_with(&members, address) {
                Ok(task) => tasks.push(task),
                Err(error) => gaps.push(Gap::new(
                    format!("the task at {address}"),
                    error.to_string(),
                )),
            }
        }
        self.settle_running(&mut tasks);
        Ok(Partial { value: tasks, gaps })
    }

    fn task_members(&self) -> Result<Members, Gap> {
        let layout = self.types().layout("struct task_struct")?;
        let any = |names: &[&str]| layout.any(names);
        Ok(Members {
            pid: any(&["pid"])?,
            tgid: any(&["tgid"])?,
            comm: any(&["comm"])?,
            // Renamed in Linux 5.14, when readers had to be found.
            state: any(&["__state", "state"])?,
            exit_state: any(&["exit_state"])?,
            flags: any(&["flags"])?,
            stack: any(&["stack"])?,
        })
    }

    /// The task whose `struct task_struct` is at `address`.
    pub fn task(&self, address: VirtAddr) -> Result<Task, Gap> {
        let members = self.task_members()?;
        let task = self.task_with(&members, address);
        task.map_err(|error| Gap::new(format!("the task at {address}"), error.to_string()))
    }

    fn task_with(&self, members: &Members, address: VirtAddr) -> Result<Task, ReadError> {
        let space = self.space();
        let read = |field: &Field| field.read(space, address);
        let comm = space.text(members.comm.at(address), members.comm.size as usize)?;
        let mut cpus = self.cpus().value.iter();
        let cpu = cpus.find(|cpu| cpu.current == address);
        Ok(Task {
            address,
            pid: read(&members.pid)? as u32,
            tgid: read(&members.tgid)? as u32,
            comm,
            state: read(&members.state)? | read(&members.exit_state)?,
            is_kernel: read(&members.flags)? & PF_KTHREAD != 0,
            cpu: cpu.map(|cpu| cpu.number),
            stack: members.stack.pointer(space, address)?,
        })
    }

    /// The task that ran on the CPU that panicked, where one did.
    pub fn panic_task(&self) -> Option<Result<Task, Gap>> {
        self.panic_cpu().map(|cpu| self.task(cpu.current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_ps() {
        let task = |state| Task {
            address: VirtAddr(0),
            pid: 1,
            tgid: 1,
            comm: String::new(),
            state,
            is_kernel: false,
            cpu: None,
            stack: VirtAddr(0),
        };
        for (state, letter) in [
            (0, 'R'),
            (1, 'S'),
            (2, 'D'),
            (4, 'T'),
            (8, 't'),
            (0x10, 'X'),
            (0x20, 'Z'),
            (0x402, 'I'),
            // Killable is uninterruptible too.
            (0x102, 'D'),
            (0x2001, 'S'),
        ] {
            assert_eq!(task(state).letter(), letter, "{state:#x}");
        }
    }
}
