//! What a thread does that waits for nothing known, as a clause.

use super::survey::{Survey, Surveyed};
use crate::linux::stopped;

/// Functions through which a thread gives its CPU away: who called them is who sleeps.
const SCHEDULER: &[&str] = &[
    "__schedule",
    "schedule",
    "schedule_rtlock",
    "schedule_idle",
    "schedule_preempt_disabled",
    "schedule_timeout",
    "schedule_timeout_uninterruptible",
    "schedule_timeout_interruptible",
    "schedule_timeout_killable",
    "schedule_timeout_idle",
    "schedule_hrtimeout",
    "schedule_hrtimeout_range",
    "schedule_hrtimeout_range_clock",
    "io_schedule",
    "io_schedule_timeout",
    "preempt_schedule",
    "preempt_schedule_common",
    "preempt_schedule_irq",
    "preempt_schedule_notrace",
    "dynamic_cond_resched",
    "__cond_resched",
    "_cond_resched",
    "raw_irqentry_exit_cond_resched",
    "irqentry_exit",
];

/// What a thread does.
pub(super) fn does(survey: &Survey<'_, '_>, surveyed: &Surveyed) -> String {
    let task = &surveyed.task;
    let stack = surveyed.stack.as_ref().ok();
    let place = |skip: usize| {
        let frames = stack.into_iter().flat_map(|stack| &stack.frames);
        let mut frames = frames.skip(skip).filter(|frame| !frame.is_guess);
        let frame = frames.find(|frame| {
            let function = survey.function(frame);
            function.is_none_or(|function| !SCHEDULER.contains(&function))
        })?;
        let name = survey.kernel.frame_name(frame)?;
        Some(format!(" in {name}"))
    };
    if let Some(cpu) = task.cpu {
        // What only stops the CPU, or tells of the failure, is not what it did.
        let trace = stack.map(|stack| survey.kernel.trace_of(stack, Some(task)));
        let skip = trace.map_or(0, |trace| {
            let stop = stopped::handling_of_stop(&trace.frames);
            match stop {
                0 => stopped::handling_of_panic(&trace.frames),
                stop => stop,
            }
        });
        let place = place(skip as usize).unwrap_or_default();
        return format!("it runs on CPU {cpu}{place}");
    }
    let place = place(0).unwrap_or_default();
    match task.letter() {
        'R' => format!("it is ready to run, but no CPU runs it; its stack ends{place}")
            .trim_end_matches("; its stack ends")
            .to_owned(),
        'S' | 'D' | 'I' => format!("it sleeps{place}"),
        'T' => format!("it is stopped by a signal{place}"),
        't' => format!("it is stopped by a debugger{place}"),
        'X' | 'Z' => "it has ended".to_owned(),
        letter => format!("its state is {letter}{place}"),
    }
}
