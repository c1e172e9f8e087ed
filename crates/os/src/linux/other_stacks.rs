//! Stacks that are no task's: each CPU has one for interrupts and some for exceptions (x86_64,
//! `Documentation/arch/x86/kernel-stacks.rst`). The names are those that the kernel prints.

use std::ops::Range;

use base::VirtAddr;

use super::Kernel;
use super::walkers::cpus::Cpu;
use super::walkers::tasks::Task;

/// Members of `struct cea_exception_stacks`, and what the kernel calls them (`exception_stack_names`).
const EXCEPTIONS: &[(&str, &str)] = &[
    ("DF_stack", "#DF"),
    ("NMI_stack", "NMI"),
    ("DB_stack", "#DB"),
    ("MCE_stack", "#MC"),
    ("VC_stack", "#VC"),
];

/// Bytes of a task's stack where no type tells (`THREAD_SIZE` without KASAN).
const USUAL: u64 = 16 << 10;

/// Where the stacks are, in the order of their addresses.
#[derive(Debug)]
pub(crate) struct OtherStacks {
    /// Bytes of a task's stack, which are also those of a stack for interrupts.
    size: u64,
    stacks: Vec<(Range<u64>, &'static str)>,
}

impl Kernel<'_> {
    /// The name of the stack that `sp` is on; none where it is the task's own.
    pub(crate) fn other_stack(&self, sp: VirtAddr, task: &Task) -> Option<String> {
        let others = self.other_stacks.get_or_init(|| self.find_other_stacks());
        // The frame that called the first one has the stack pointer at the very end.
        if sp.0.wrapping_sub(task.stack.0) <= others.size {
            return None;
        }
        let holds = |range: &Range<u64>| range.start <= sp.0 && sp.0 <= range.end;
        let mut stacks = others.stacks.iter();
        let found = stacks.find(|(range, _)| holds(range));
        found.map(|(_, name)| (*name).to_owned())
    }

    fn find_other_stacks(&self) -> OtherStacks {
        let union = self.types().layout("union thread_union");
        let size = union.map_or(USUAL, |layout| layout.size());
        let mut stacks = Vec::new();
        for cpu in &self.cpus().value {
            if let Some(top) = self.interrupt_stack(cpu) {
                // The pointer is to the last word (`map_irq_stack`).
                let end = top.wrapping_add(8);
                stacks.push((end.wrapping_sub(size)..end, "IRQ"));
            }
            stacks.extend(self.exception_stacks(cpu).unwrap_or_default());
        }
        stacks.sort_by_key(|(range, _)| range.start);
        OtherStacks { size, stacks }
    }

    fn interrupt_stack(&self, cpu: &Cpu) -> Option<u64> {
        let of_cpu = |symbol: u64| VirtAddr(symbol.wrapping_add(cpu.offset));
        // In some releases it was a member of what is used most (`struct pcpu_hot`), before and after that a
        // variable of its own.
        if let Some(at) = self.known("hardirq_stack_ptr") {
            return self.space().u64(of_cpu(at)).ok();
        }
        let hot = self.types().layout("struct pcpu_hot").ok()?;
        let member = hot.any(&["hardirq_stack_ptr"]).ok()?;
        member
            .read(self.space(), of_cpu(self.known("pcpu_hot")?))
            .ok()
    }

    fn exception_stacks(&self, cpu: &Cpu) -> Option<Vec<(Range<u64>, &'static str)>> {
        let pointer = self.known("cea_exception_stacks")?.wrapping_add(cpu.offset);
        let base = self.space().u64(VirtAddr(pointer)).ok()?;
        let layout = self.types().layout("struct cea_exception_stacks").ok()?;
        let stack = |(member, name): &(&str, &'static str)| {
            let field = layout.find(member)?;
            let start = base.wrapping_add(field.offset);
            Some((start..start.wrapping_add(field.size), *name))
        };
        Some(EXCEPTIONS.iter().filter_map(stack).collect())
    }
}
