//! Arithmetic that has no result.

use base::{Confidence, LogEvent};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Divisions by zero and what UBSAN reports.
pub const ENTRY: Detector = Detector {
    name: "arithmetic",
    sees: "a division by zero, or an operation whose result C does not define",
    needs: "the report's head",
    false_friends: "a divide error is raised as well when the quotient does not fit its register",
    nature,
    explain,
};

fn nature(event: &LogEvent) -> Option<Nature> {
    match event.kind.as_str() {
        "divide_error" => Some(Nature::Death),
        "ubsan" => Some(Nature::Complaint),
        _ => None,
    }
}

/// UBSAN's names of what went wrong.
const UNDEFINED: &[(&str, &str)] = &[
    (
        "shift-out-of-bounds",
        "shifted by more bits than the value has, or by a negative number",
    ),
    (
        "signed-integer-overflow",
        "computed a signed value that does not fit its type",
    ),
    (
        "integer-overflow",
        "computed a value that does not fit its type",
    ),
    (
        "division-overflow",
        "divided by zero, or the smallest number by -1",
    ),
    (
        "invalid-load",
        "loaded a value that its type (bool or enum) cannot have",
    ),
    (
        "object-size-mismatch",
        "used a pointer to an object that is too small for its type",
    ),
    (
        "misaligned-access",
        "used a pointer that is not aligned for its type",
    ),
    (
        "alignment-assumption",
        "used a pointer that is not aligned as promised",
    ),
    ("null-ptr-deref", "used a NULL pointer"),
    (
        "implicit-conversion",
        "lost bits of a value in a conversion",
    ),
    ("unreachable", "reached code that was declared unreachable"),
];

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    let place = clues::in_place(event);
    match event.kind.as_str() {
        "divide_error" => Some(
            Draft::new(event)
                .verdict(format!("The kernel divided by zero{place}."))
                .verdict("Which value was zero, and why, the log alone does not tell.")
                .confidence(Confidence::High)
                .call_path(event)
                .needs_debug_info(event, "which value was zero and where it came from"),
        ),
        "ubsan" => {
            let did = UNDEFINED
                .iter()
                .find(|(name, _)| {
                    clues::says(&event.headline, name) || clues::says(&event.title, name)
                })
                .map(|(_, did)| *did)
                .or_else(|| by_handler(event))
                .unwrap_or("did something that C does not define");
            Some(
                Draft::new(event)
                    .verdict(format!("The kernel {did}{place}; UBSAN caught it."))
                    .quote(event, "message", 3)
                    .cause_named(Confidence::Medium)
                    .call_path(event)
                    .needs_debug_info(event, "where the value came from"),
            )
        }
        _ => None,
    }
}

/// UBSAN's handlers, which stand in the trace where the head does not tell (until 5.14).
const HANDLERS: &[(&str, &str)] = &[
    ("shift_out_of_bounds", "shift-out-of-bounds"),
    ("divrem", "division-overflow"),
    ("_overflow", "signed-integer-overflow"),
    ("load_invalid_value", "invalid-load"),
    ("type_mismatch", "misaligned-access"),
    ("unreachable", "unreachable"),
];

fn by_handler(event: &LogEvent) -> Option<&'static str> {
    let frames = event.traces.first()?.frames.iter().take(8);
    let handler = frames
        .filter_map(|frame| frame.function.as_deref())
        .find(|name| name.contains("__ubsan_handle_"))?;
    let (_, what) = HANDLERS.iter().find(|(part, _)| handler.contains(part))?;
    UNDEFINED
        .iter()
        .find(|(name, _)| name == what)
        .map(|(_, did)| *did)
}

#[cfg(test)]
mod tests {
    use crate::testing::{at, event, finding};

    #[test]
    fn a_division_by_zero_has_a_place_but_no_cause() {
        let mut report = event("divide_error", 1);
        report.registers = vec![at("average")];
        let told = finding(report);
        assert!(
            told.verdict
                .starts_with("The kernel divided by zero in average+0x10/0x20.")
        );
        assert!(!told.cause_named);
    }

    #[test]
    fn ubsan_names_what_was_undefined() {
        let mut report = event("ubsan", 1);
        report.headline = "UBSAN: shift-out-of-bounds in drivers/a.c:12:3".into();
        assert!(finding(report).verdict.contains("shifted by more bits"));
    }
}
