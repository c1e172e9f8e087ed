//! Which task a CPU runs, where it was caught between two.
//!
//! The scheduler says in `rq.curr` who is next before it leaves the stack of who was last (`__schedule`, then
//! `__switch_to_asm`). In between the CPU's registers are of the last one, and the next one still sleeps: only the stack
//! pointer tells.

use base::VirtAddr;

use super::tasks::Task;
use crate::linux::Kernel;

/// Bytes of a task's stack where no type tells (`THREAD_SIZE` of x86_64).
const STACK: u64 = 1 << 14;

impl Kernel<'_> {
    /// Bytes of the stack of a task.
    pub(crate) fn stack_size(&self) -> u64 {
        let stack = self.types().layout("union thread_union");
        stack.map_or(STACK, |layout| layout.size())
    }

    /// Gives each CPU to the task on whose stack its registers are. Where that is no task's, in an interrupt, it stays
    /// with the one that the scheduler named.
    pub(crate) fn settle_running(&self, tasks: &mut [Task]) {
        let pointers = self.cpus().value.iter().filter_map(|cpu| {
            let registers = self.registers_of(cpu)?.registers.iter();
            let mut pointers = registers.filter(|(name, _)| *name == "rsp");
            pointers.next().map(|(_, sp)| (cpu.number, *sp))
        });
        let pointers: Vec<(u32, u64)> = pointers.collect();
        settle(tasks, &pointers, self.stack_size());
    }
}

/// `pointers` are numbers of CPUs and their stack pointers, `size` the bytes of a stack.
fn settle(tasks: &mut [Task], pointers: &[(u32, u64)], size: u64) {
    for (cpu, sp) in pointers {
        let is_on = |stack: VirtAddr| stack.0 != 0 && sp.wrapping_sub(stack.0) < size;
        let Some(on) = tasks.iter().position(|task| is_on(task.stack)) else {
            continue;
        };
        for (at, task) in tasks.iter_mut().enumerate() {
            if at == on {
                task.cpu = Some(*cpu);
            } else if task.cpu == Some(*cpu) {
                task.cpu = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(pid: u32, stack: u64, cpu: Option<u32>) -> Task {
        Task {
            address: VirtAddr(u64::from(pid)),
            pid,
            tgid: pid,
            comm: String::new(),
            state: 0,
            is_kernel: true,
            cpu,
            stack: VirtAddr(stack),
        }
    }

    #[test]
    fn the_stack_tells_who_runs() {
        let mut tasks = [
            task(0, 0x1_0000, None),
            task(1, 0x2_0000, Some(0)),
            task(2, 0x3_0000, Some(1)),
            task(3, 0, Some(2)),
        ];
        // On the stack of the one before; on its own, to the last word; on one that is no task's.
        let pointers = [(0, 0x1_3da8), (1, 0x3_3ff8), (2, 0x8)];
        settle(&mut tasks, &pointers, STACK);
        let cpus = tasks.map(|task| task.cpu);
        assert_eq!(cpus, [Some(0), None, Some(1), Some(2)]);
    }
}
