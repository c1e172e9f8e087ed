//! What each CPU did: the task that it ran, whether it was interrupted, and its stack.

use base::{CpuState, CrashedTask, Gap, Partial};
use unwind::X86;

use super::Kernel;
use super::stopped::{contexts, handling_of_stop};
use super::walkers::cpus::Cpu;

/// The flag of interrupts in the register of flags.
const INTERRUPTS: u64 = 1 << 9;

impl Kernel<'_> {
    /// What every CPU did; `crashed` is the task on the one that panicked.
    pub fn cpu_states(&self, crashed: Option<&CrashedTask>) -> Partial<Vec<CpuState>> {
        let panicked = self.panic_cpu().map(|cpu| cpu.number);
        let handling = crashed.map(|crashed| crashed.handling);
        let mut gaps = self.cpus().gaps.clone();
        let mut states = Vec::new();
        for cpu in &self.cpus().value {
            let its = handling.filter(|_| panicked == Some(cpu.number));
            states.push(self.cpu_state(cpu, its, &mut gaps));
        }
        Partial {
            value: states,
            gaps,
        }
    }

    fn cpu_state(&self, cpu: &Cpu, handling: Option<u32>, gaps: &mut Vec<Gap>) -> CpuState {
        let mut state = CpuState {
            cpu: cpu.number,
            is_online: cpu.is_online,
            thread: None,
            is_idle: cpu.current == cpu.idle,
            contexts: Vec::new(),
            interrupts_on: None,
            stack: None,
            handling: 0,
        };
        let task = match self.task(cpu.current) {
            Ok(task) => task,
            Err(gap) => {
                gaps.push(gap);
                return state;
            }
        };
        state.thread = Some(task.facts());
        let stack = match self.stack(&task) {
            Ok(stack) => stack,
            Err(gap) => {
                gaps.push(gap);
                return state;
            }
        };
        let trace = self.trace_of(&stack, Some(&task));
        state.handling = handling.unwrap_or_else(|| handling_of_stop(&trace.frames));
        let ran = usize::try_from(state.handling).unwrap_or(usize::MAX);
        state.contexts = contexts(trace.frames.get(ran..).unwrap_or_default());
        // Where a handler of interrupts was called, its own flags say nothing: those of what it interrupted do.
        let flags = stack
            .frames
            .get(ran)
            .filter(|frame| frame.is_exact)
            .and_then(|frame| frame.registers.get(X86::Eflags));
        state.interrupts_on = flags.map(|flags| flags & INTERRUPTS != 0);
        state.stack = Some(trace);
        state
    }
}
