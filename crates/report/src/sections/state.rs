//! Registers, code and stack traces of the verdict's event, in compact form.

use base::{Code, LogEvent, Register, RegisterSet, Trace, Trust};
use cause::words;

use super::{lines, memory};
use crate::Report;
use crate::layout::{Lead, Page, Role};

/// Frames of the event's own trace.
const FRAMES: usize = 12;
/// Frames of every further trace (allocated by, freed by, held locks).
const FRAMES_FURTHER: usize = 6;
/// Traces.
const TRACES: usize = 6;

/// Registers that say nothing at a glance: segments, flags, control registers. JSON holds them.
const QUIET: &[&str] = &[
    "cs",
    "ds",
    "es",
    "fs",
    "gs",
    "ss",
    "fs_base",
    "gs_base",
    "kernel_gs_base",
    "eflags",
    "flags",
    "cr0",
    "cr2",
    "cr3",
    "cr4",
    "dr0",
    "dr1",
    "dr2",
    "dr3",
    "dr6",
    "dr7",
    "orig_ax",
    "orig_rax",
    "pkru",
    "zero",
];

/// The state at the event that the verdict is about.
pub fn render(report: &Report, page: &mut Page) {
    let event = report
        .diagnosis
        .finding
        .as_ref()
        .and_then(|finding| finding.events.first())
        .and_then(|&index| report.event(index));
    let Some(event) = event else {
        return;
    };
    if event.registers.is_empty() && event.code.is_none() && event.traces.is_empty() {
        return;
    }
    page.heading(&format!(
        "State at the event ({})",
        lines(report, event.span)
    ));
    // A user's registers behind a report of the kernel say nothing about it.
    let set = event.registers.iter().find(|set| set.whose != "user");
    if let Some(set) = set {
        registers(set, page);
    }
    let of_user = set.is_none() && !event.registers.is_empty();
    if let Some(code) = event.code.as_ref().filter(|_| !of_user) {
        page.paragraph(
            Lead::label(2, "Code", Role::Dim, 8),
            &[(Role::Plain, &code_text(code))],
        );
    }
    traces(event, usize::from(memory::repeats(report, event)), page);
}

fn registers(set: &RegisterSet, page: &mut Page) {
    let whose = format!("Registers ({})", set.whose);
    let shown: Vec<&Register> = set
        .registers
        .iter()
        .filter(|register| !QUIET.contains(&register.name.as_str()))
        .collect();
    if shown.is_empty() {
        return;
    }
    let heading = if set.whose.is_empty() {
        "Registers"
    } else {
        &whose
    };
    page.paragraph(Lead::margin(2), &[(Role::Dim, heading)]);
    let wide = shown
        .iter()
        .any(|register| register.value.0 > u64::from(u32::MAX));
    let digits = if wide { 16 } else { 8 };
    let name = shown
        .iter()
        .map(|register| register.name.chars().count())
        .max()
        .unwrap_or_default()
        .min(12);
    let cell = name + 1 + digits + 2;
    let columns = ((page.room(4) + 2) / cell).clamp(1, 8);
    for row in shown.chunks(columns) {
        let cells: Vec<String> = row
            .iter()
            .map(|register| format!("{:>name$} {:0digits$x}", register.name, register.value.0))
            .collect();
        page.verbatim(4, &[(Role::Plain, &cells.join("  "))]);
    }
}

/// The code as the kernel prints it, the failing unit in angle brackets.
fn code_text(code: &Code) -> String {
    let marked = code.marked.and_then(|at| usize::try_from(at).ok());
    let units: Vec<String> = code
        .units
        .iter()
        .enumerate()
        .map(|(at, unit)| {
            let digits = usize::from(unit.size) * 2;
            let text = format!("{:0digits$x}", unit.value);
            if marked == Some(at) {
                format!("<{text}>")
            } else {
                text
            }
        })
        .collect();
    units.join(" ")
}

/// The traces behind the first `skip`.
fn traces(event: &LogEvent, skip: usize, page: &mut Page) {
    let traces = event.traces.iter().enumerate();
    for (number, one) in traces.take(TRACES).skip(skip) {
        let limit = if number == 0 { FRAMES } else { FRAMES_FURTHER };
        trace(one, limit, page);
    }
    let more = event.traces.len().saturating_sub(TRACES);
    if more > 0 {
        let more = words::count(u64::try_from(more).unwrap_or(u64::MAX), "more trace");
        page.paragraph(Lead::margin(2), &[(Role::Dim, &format!("… {more}"))]);
    }
}

fn trace(trace: &Trace, limit: usize, page: &mut Page) {
    let label = match trace.label.trim_end_matches(':') {
        "" => "Trace",
        label => label,
    };
    page.paragraph(Lead::margin(2), &[(Role::Dim, label)]);
    let mut stack: Option<&str> = None;
    for frame in trace.frames.iter().take(limit) {
        if stack != frame.stack.as_deref() {
            stack = frame.stack.as_deref();
            let mark = stack.map_or("<task>".to_owned(), |stack| format!("<{stack}>"));
            page.verbatim(4, &[(Role::Dim, &mark)]);
        }
        let inline = if frame.inline { " (inlined)" } else { "" };
        let text = format!("{}{inline}", words::frame(frame));
        match frame.trust {
            Trust::PrintedAsUnreliable => {
                page.verbatim(4, &[(Role::Dim, "? "), (Role::Dim, &text)])
            }
            _ => page.verbatim(6, &[(Role::Plain, &text)]),
        }
    }
    let more = trace.frames.len().saturating_sub(limit);
    if more > 0 {
        let more = words::count(u64::try_from(more).unwrap_or(u64::MAX), "more frame");
        page.verbatim(6, &[(Role::Dim, &format!("… {more}"))]);
    }
}
