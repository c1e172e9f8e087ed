//! Whether a report is whole enough to be trusted.

use crate::Line;
use crate::frames::is_arm_frame;
use crate::stack::{is_frame, is_riscv_status};

/// Lines behind a heading among which its first frame must stand.
const REACH: usize = 15;

/// Why the report cannot be trusted although its head was understood: a
/// stack that was announced is missing, or there is none at all.
pub fn damage(lines: &[Line]) -> Option<&'static str> {
    let mut has_frames = false;
    let mut checked: Vec<&'static str> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        // Of each kind of stack the first counts.
        let Some(kind) = kind_of_stack(line).filter(|kind| !checked.contains(kind)) else {
            continue;
        };
        checked.push(kind);
        let behind = lines.get(at + 1..).unwrap_or_default();
        if behind.len() < 3 {
            return Some("the report ends where its stack begins");
        }
        let near = behind
            .iter()
            .take(REACH)
            .take_while(|line| !line.opens_stack);
        let found = near
            .into_iter()
            .any(|line| is_frame(&line.text) || line.text.contains("(stack is not available)"));
        has_frames |= found;
        // RISC-V may print a user's registers, which no stack follows.
        if !found && kind != "riscv" {
            return Some("a stack is announced and has no frames");
        }
    }
    // 32-bit ARM printed no heading before 6.2.
    let has_frames = has_frames || lines.iter().any(|line| is_arm_frame(&line.text));
    (!has_frames).then_some("the report has no stack")
}

fn kind_of_stack(line: &Line) -> Option<&'static str> {
    if !line.opens_stack {
        return None;
    }
    let text = line.text.as_str();
    if is_riscv_status(text) {
        return Some("riscv");
    }
    [
        "Call Trace",
        "Call trace",
        "Allocated",
        "Freed",
        "Backtrace:",
        "backtrace",
        "Uninit",
    ]
    .into_iter()
    .find(|kind| text.contains(kind))
}

/// Stamps in the middle of a title: two lines ran into each other.
pub fn has_stamp(title: &str) -> bool {
    title.match_indices('[').any(|(at, _)| {
        let inside = title
            .get(at + 1..)
            .unwrap_or_default()
            .trim_start_matches(' ');
        let fraction = inside.trim_start_matches(|c: char| c.is_ascii_digit());
        let Some(rest) = fraction.strip_prefix('.') else {
            return false;
        };
        let end = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        fraction.len() < inside.len() && end.len() < rest.len() && end.starts_with(']')
    })
}
