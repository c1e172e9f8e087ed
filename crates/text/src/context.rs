//! Who was running on what, as kernels print it beside every report.
//!
//! `dump_stack_print_info` of `lib/dump_stack.c`, `print_modules` of
//! `kernel/module/main.c`, `print_worker_info` of `kernel/workqueue.c`,
//! `check_hung_task` of `kernel/hung_task.c`, `watchdog_timer_fn` of
//! `kernel/watchdog.c`, and what older kernels of each architecture printed.

use base::{Detail, LogEvent};

use crate::Line;

mod modules;
mod task;

/// Details that are added to one event.
const DETAILS: usize = 16;

/// Lines of an event among which the one may stand that tells of a user process's fault.
const PROCESS_LINES: usize = 3;

/// Reads the task, the kernel, the hardware and the modules in the lines of one event into `event`.
pub fn read(lines: &[Line], event: &mut LogEvent) {
    let mut context = Context {
        event,
        line: 0,
        details: 0,
    };
    let mut modules = modules::Modules::default();
    for (index, line) in lines.iter().enumerate() {
        context.line = line.number;
        let text = line.text.trim_start();
        if index < PROCESS_LINES {
            task::faulting(&mut context, text);
        }
        if modules.continues(&line.text, context.event) {
            continue;
        }
        // Each label belongs to one first byte: most lines are left after one comparison.
        match text.as_bytes().first() {
            Some(b'C') => task::cpu(&mut context, text),
            Some(b'P') => task::process(&mut context, text),
            Some(b'W') => {
                if let Some(rest) = text.strip_prefix("Workqueue: ") {
                    let task = &mut context.event.task;
                    task.context
                        .get_or_insert_with(|| format!("workqueue {}", rest.trim()));
                } else {
                    task::warning(&mut context, text);
                    task::accessor(&mut context, text);
                }
            }
            Some(b'M') => {
                if let Some(rest) = text.strip_prefix("Modules linked in:") {
                    modules.begin(rest, &mut context);
                }
            }
            Some(b'H') => {
                if let Some(rest) = text.strip_prefix("Hardware name: ") {
                    let hardware = &mut context.event.machine.hardware;
                    hardware.get_or_insert_with(|| rest.trim().to_owned());
                }
            }
            Some(b'T' | b'N') => {
                task::tainted(&mut context, text);
                task::task_line(&mut context, text);
                task::lockup(&mut context, text);
            }
            Some(b'*') => task::core(&mut context, text),
            Some(b'I') => task::hung(&mut context, text),
            Some(b'B' | b'w') => task::lockup(&mut context, text),
            Some(b'R') => {
                task::accessor(&mut context, text);
                task::traps(&mut context, text);
            }
            Some(b'c') => task::leaker(&mut context, text),
            Some(b'S') => {
                // print_stop_info of kernel/stop_machine.c.
                if let Some(rest) = text.strip_prefix("Stopper: ") {
                    let task = &mut context.event.task;
                    task.context
                        .get_or_insert_with(|| format!("stopper {}", rest.trim()));
                }
            }
            // show_regs_print_info until 4.13.
            Some(b't') if text.starts_with("task: ") => {
                context.detail("task", text.get(6..).unwrap_or_default());
            }
            Some(b't') => task::shown(&mut context, text),
            _ => {}
        }
    }
}

/// What the readers of lines write into.
struct Context<'e> {
    event: &'e mut LogEvent,
    line: u64,
    details: usize,
}

impl Context<'_> {
    /// Takes a task that a line names whole. The first one is the event's; another line about
    /// the same process adds to it, one about another process is that of a helper.
    fn task(&mut self, cpu: Option<u32>, pid: Option<u32>, comm: Option<&str>) {
        let task = &mut self.event.task;
        if task.pid.is_some() && pid.is_some() && task.pid != pid {
            return;
        }
        task.cpu = task.cpu.or(cpu);
        task.pid = task.pid.or(pid);
        if task.comm.is_none() {
            task.comm = comm.map(str::to_owned).filter(|comm| !comm.is_empty());
        }
    }

    fn detail(&mut self, name: &str, value: &str) {
        let value = value.trim();
        if self.details < DETAILS && !value.is_empty() && self.event.detail(name).is_none() {
            self.details += 1;
            self.event.details.push(Detail {
                name: name.to_owned(),
                value: value.to_owned(),
                line: self.line,
            });
        }
    }
}

#[cfg(test)]
mod tests;
