//! Which task crashed, and its stack from where it failed on.
//!
//! A kernel that panicked says on which CPU. One that lived on after an oops does not: its log names the task, and
//! the task is believed to be that one where number and name fit. Its stack then is walked from the registers that
//! the log has, and only as far as it still is what the log says: the end of a task uses its stack again.

use base::{CrashedTask, Frame, Gap, LogEvent, Partial, StackEnd, StackTrace, VirtAddr};
use unwind::{Registers, Rule, X86};

use super::Kernel;
use super::stopped::{failed_in, handling_of_panic};
use super::walkers::tasks::Task;

/// Kinds of events in which the kernel ends the task that ran (`make_task_dead`), or itself.
const DEADLY: &[&str] = &[
    "oops",
    "general_protection",
    "divide_error",
    "double_fault",
    "invalid_opcode",
    "stack_overflow",
    "list_corruption",
    "usercopy",
    "bug",
];

impl Kernel<'_> {
    /// The task that crashed: the one on the CPU that panicked, else the one of the last deadly event of the log.
    pub fn crashed(&self, events: &[LogEvent]) -> Partial<Option<CrashedTask>> {
        let mut gaps = Vec::new();
        let value = match self.panic_cpu() {
            Some(cpu) => match self.task(cpu.current) {
                Ok(task) => Some(self.panicked(cpu.number, &task, events, &mut gaps)),
                Err(gap) => {
                    gaps.push(gap);
                    None
                }
            },
            None => self.oopsed(events, &mut gaps),
        };
        Partial { value, gaps }
    }

    fn panicked(
        &self,
        cpu: u32,
        task: &Task,
        events: &[LogEvent],
        gaps: &mut Vec<Gap>,
    ) -> CrashedTask {
        let mut crashed = CrashedTask {
            thread: Some(task.facts()),
            how: format!("the kernel panicked on CPU {cpu}, which ran this task"),
            line: None,
            stack: None,
            handling: 0,
        };
        // The event with the registers of the failure, else the panic itself.
        let of_task = |event: &&LogEvent| event.crash && is_of(event, task) == Some(true);
        let event = events
            .iter()
            .rev()
            .filter(of_task)
            .find(|event| place(event).is_some())
            .or_else(|| events.iter().rev().find(of_task));
        crashed.line = event.map(|event| event.span.start);
        match self.trace(task) {
            Ok(stack) => {
                crashed.handling = event
                    .and_then(place)
                    .and_then(|place| failed_in(&stack.frames, place))
                    .unwrap_or_else(|| handling_of_panic(&stack.frames));
                crashed.stack = Some(stack);
            }
            Err(gap) => gaps.push(gap),
        }
        crashed
    }

    fn oopsed(&self, events: &[LogEvent], gaps: &mut Vec<Gap>) -> Option<CrashedTask> {
        let deadly = |event: &&LogEvent| {
            event.crash && DEADLY.contains(&event.kind.as_str()) && event.task.pid.is_some()
        };
        let event = events.iter().rev().find(deadly)?;
        let pid = event.task.pid?;
        let mut crashed = CrashedTask {
            thread: None,
            how: String::new(),
            line: Some(event.span.start),
            stack: None,
            handling: 0,
        };
        let tasks = self.tasks();
        let comm = event.task.comm.as_deref().unwrap_or("?");
        let Some(task) = tasks.value.iter().find(|task| {
            // Every CPU has a task 0 of its own.
            task.pid == pid && (pid != 0 || task.cpu.is_some() && task.cpu == event.task.cpu)
        }) else {
            gaps.extend(tasks.gaps);
            crashed.how = format!(
                "no CPU panicked; the last task that the log sees die is {comm} (pid {pid}), which is not among \
                 the tasks any more"
            );
            return Some(crashed);
        };
        if is_of(event, task) == Some(false) {
            gaps.push(Gap::new(
                "the stack of the task that crashed",
                format!(
                    "the log calls it {comm} (pid {pid}), and {pid} is the number of {} now",
                    task.comm
                ),
            ));
            crashed.how = format!(
                "no CPU panicked; the last task that the log sees die is {comm} (pid {pid}), whose number another \
                 task has now"
            );
            return Some(crashed);
        }
        crashed.how = "no CPU panicked; it is the last task that the log sees die".to_owned();
        crashed.thread = Some(task.facts());
        match self.printed_stack(event, task) {
            Ok(stack) => crashed.stack = Some(stack),
            Err(why) => gaps.push(Gap::new("the stack of the task that crashed", why)),
        }
        Some(crashed)
    }

    /// The stack from the registers that an event printed, as far as it still is the one that it printed.
    fn printed_stack(&self, event: &LogEvent, task: &Task) -> Result<StackTrace, String> {
        let set = event.registers.iter().find(|set| set.whose == "kernel");
        let set = set.ok_or("the log has no registers of it")?;
        let place = place(event).ok_or("the log does not tell where it was")?;
        let mut registers = Registers::default();
        let values = set.registers.iter();
        for (register, name) in X86::all() {
            let value = values.clone().find(|printed| printed.name == name);
            registers.set(register, value.map(|printed| printed.value.0));
        }
        let pc = self.place_of(place).ok_or_else(|| {
            "the code that the log names is not among the symbols, or more than once".to_owned()
        })?;
        registers.set(X86::Rip, Some(pc.0));
        let walked = unwind::walk(self, registers, Rule::Printed, true);
        let mut trace = self.trace_of(&walked, Some(task));
        let printed = event.printed_path();
        let same = trace
            .frames
            .iter()
            .zip(&printed)
            .take_while(|(frame, printed)| frame.is_at(printed))
            .count();
        // The first frame is the log's own word: memory has to add to it.
        if same < 2 && printed.len() > 1 {
            return Err(
                "its stack was used again since: it does not hold what the log printed any more"
                    .to_owned(),
            );
        }
        if same < printed.len() {
            trace.frames.truncate(same);
            trace.end = StackEnd::Lost;
            trace.why =
                "from here on it is not what the log printed: it was used again since".to_owned();
        }
        Ok(trace)
    }

    /// The address of a place that the kernel printed; none where several may be meant.
    fn place_of(&self, place: &Frame) -> Option<VirtAddr> {
        let (name, offset) = (place.function.as_deref()?, place.offset?);
        let start = match &place.module {
            Some(module) => self.module_symbol(module, name)?,
            None => self.symbol(name).ok()?,
        };
        let at = VirtAddr(start.0.checked_add(offset)?);
        // Several functions may have this name: the first is believed where its size is the one that was printed.
        let found = self.name(at)?;
        (found.symbol == name && (place.size.is_none() || found.size == place.size)).then_some(at)
    }
}

/// Where the kernel was when it printed registers.
fn place(event: &LogEvent) -> Option<&Frame> {
    let mut sets = event.registers.iter();
    let set = sets.find(|set| set.whose == "kernel")?;
    set.pc.as_ref().filter(|place| place.function.is_some())
}

/// Whether the event is of this task; none where it does not tell.
fn is_of(event: &LogEvent, task: &Task) -> Option<bool> {
    let pid = event.task.pid?;
    let comm = event.task.comm.as_deref();
    Some(pid == task.pid && comm.is_none_or(|comm| comm == task.comm))
}
