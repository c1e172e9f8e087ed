//! The kernel stack ran out.

use base::{Confidence, LogEvent, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, words};

/// Guard page hits and double faults on a full stack.
pub const ENTRY: Detector = Detector {
    name: "stack_overflow",
    sees: "a kernel stack that is full, and a function that calls itself without end",
    needs: "the report; the trace tells recursion from deep calls",
    false_friends: "a stack pointer that was overwritten; a double fault of another cause; an interrupt \
                    on a stack that was nearly full",
    nature: |event| {
        matches!(event.kind.as_str(), "stack_overflow" | "double_fault").then_some(Nature::Death)
    },
    explain,
};

/// So many times in one trace is recursion.
const RECURSION: usize = 3;

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    let overflow = event.kind == "stack_overflow";
    let again = repeated(event);
    if !overflow && event.kind != "double_fault" {
        return None;
    }
    let draft = Draft::new(event).quote(event, "stack range", 1);
    if !overflow && again.is_none() {
        return Some(
            draft
                .verdict(format!(
                    "The CPU faulted while it entered the handler of another fault{}.",
                    clues::in_instruction(event)
                ))
                .verdict("Most often the kernel stack ran out, or the stack pointer was damaged; which, the log alone does not tell.")
                .confidence(Confidence::Low)
                .call_path(event)
                .needs_debug_info(event, "what damaged the stack"),
        );
    }
    Some(match again {
        Some((name, times, line)) => draft
            .verdict(format!(
                "The kernel stack ran out: {name} calls itself without end{}.",
                clues::pc(event)
                    .map_or_else(String::new, |pc| format!(", last in {}", words::frame(pc)))
            ))
            .says(
                format!("{name} stands {times} times in the trace"),
                Trust::PrintedByKernel,
                Some(line),
            )
            .cause_named(if overflow {
                Confidence::High
            } else {
                Confidence::Medium
            })
            .next(format!(
                "Find what should have ended the recursion of {name}."
            ))
            .needs_debug_info(event, "what the recursion walks"),
        None => draft
            .verdict(format!(
                "The kernel stack ran out{}.",
                clues::in_place(event)
            ))
            .verdict("The trace shows no recursion: large variables, or calls too deep.")
            .confidence(Confidence::Medium)
            .call_path(event)
            .needs_debug_info(event, "which function uses most of the stack"),
    })
}

/// A function that stands in the first trace again and again, how often, and the trace's line.
fn repeated(event: &LogEvent) -> Option<(String, usize, u64)> {
    let trace = event.traces.first()?;
    let name = |frame: &base::Frame| {
        frame
            .function
            .as_deref()
            .filter(|_| frame.trust != Trust::PrintedAsUnreliable)
            .map(|name| clues::plain(name).to_owned())
    };
    let mut best: Option<(String, usize)> = None;
    // The first few functions are enough to find a cycle; more would be quadratic.
    for candidate in trace.frames.iter().take(16).filter_map(name) {
        let times = trace
            .frames
            .iter()
            .filter_map(name)
            .filter(|other| *other == candidate)
            .count();
        if times >= RECURSION && best.as_ref().is_none_or(|(_, most)| times > *most) {
            best = Some((candidate, times));
        }
    }
    best.map(|(name, times)| (name, times, trace.line))
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding, trace};

    #[test]
    fn recursion_is_named() {
        let mut report = event("stack_overflow", 1);
        report.traces = vec![trace(
            "Call Trace",
            &["walk", "walk", "walk", "walk", "start"],
        )];
        let told = finding(report.clone());
        assert!(told.cause_named);
        assert!(
            told.verdict
                .starts_with("The kernel stack ran out: walk calls itself without end")
        );
        report.traces = vec![trace("Call Trace", &["a", "b", "c"])];
        assert!(!finding(report).cause_named);
    }
}
