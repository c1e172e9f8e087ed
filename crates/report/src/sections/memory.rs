//! What the memory of dumps tells beside their logs: the stack of the task that crashed, and what the CPUs did.

use base::{CpuState, CrashedTask, DumpFacts, Thread};
use cause::{Agreement, agreement, words};

use super::frames::{self, Marks};
use crate::Report;
use crate::layout::{Lead, Page, Role};

/// Frames of the stack of the task that crashed.
const FRAMES: usize = 16;
/// Frames of each other CPU.
const FRAMES_OF_CPU: usize = 8;
/// CPUs whose stacks are shown.
const CPUS: usize = 16;

/// The stacks.
pub fn render(report: &Report, page: &mut Page) {
    for dump in &report.dumps {
        if let Some(crashed) = &dump.crashed {
            of_crash(report, dump, crashed, page);
        }
        of_cpus(report, dump, page);
    }
}

/// Whether the stack in memory tells all that the trace of this event would.
pub fn repeats(report: &Report, event: &base::LogEvent) -> bool {
    let mut dumps = report.dumps.iter();
    let dump = dumps.find(|dump| dump.input == event.span.input);
    let crashed = dump.and_then(|dump| dump.crashed.as_ref());
    crashed.is_some_and(|crashed| {
        crashed.line == Some(event.span.start)
            && matches!(agreement(event, crashed), Agreement::Whole { .. })
    })
}

fn of(report: &Report, dump: &DumpFacts) -> String {
    match report.inputs.len() {
        0 | 1 => String::new(),
        _ => format!(" of {}", report.input_name(dump.input)),
    }
}

fn of_crash(report: &Report, dump: &DumpFacts, crashed: &CrashedTask, page: &mut Page) {
    let (Some(thread), Some(stack)) = (&crashed.thread, &crashed.stack) else {
        return;
    };
    let of = of(report, dump);
    page.heading(&format!("Stack of {} in memory{of}", who(thread)));
    left_out(crashed.handling, "of the failure's handling", page);
    let from = usize::try_from(crashed.handling).unwrap_or(usize::MAX);
    frames::render(stack, from, FRAMES, Marks::All, page);
}

fn of_cpus(report: &Report, dump: &DumpFacts, page: &mut Page) {
    if dump.cpus.is_empty() {
        return;
    }
    let of = of(report, dump);
    page.heading(&format!("What the CPUs did{of}"));
    // The stack of the task that crashed stands above already.
    let crashed = dump.crashed.as_ref();
    let crashed = crashed.and_then(|crashed| crashed.thread.as_ref());
    for cpu in dump.cpus.iter().take(CPUS) {
        let label = format!("CPU {}", cpu.cpu);
        page.paragraph(
            Lead::label(2, &label, Role::Strong, 10),
            &[(Role::Plain, &words::cpu(cpu))],
        );
        if cpu.thread.is_some() && cpu.thread.as_ref() != crashed {
            of_cpu(cpu, page);
        }
    }
    if let Some(more) = dump.cpus.len().checked_sub(CPUS).filter(|more| *more > 0) {
        page.paragraph(Lead::margin(2), &[(Role::Dim, &format!("… {more} more"))]);
    }
}

fn of_cpu(cpu: &CpuState, page: &mut Page) {
    let Some(stack) = &cpu.stack else {
        return;
    };
    let from = usize::try_from(cpu.handling).unwrap_or(usize::MAX);
    frames::render(stack, from, FRAMES_OF_CPU, Marks::All, page);
}

fn left_out(handling: u32, of: &str, page: &mut Page) {
    if handling > 0 {
        let count = words::count(u64::from(handling), "frame");
        page.verbatim(6, &[(Role::Dim, &format!("({count} {of} left out)"))]);
    }
}

/// `cook (pid 7, CPU 1)`.
fn who(thread: &Thread) -> String {
    match thread.cpu {
        Some(cpu) => format!("{} (pid {}, CPU {cpu})", thread.comm, thread.pid),
        None => format!("{} (pid {})", thread.comm, thread.pid),
    }
}
