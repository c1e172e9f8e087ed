//! The first event of a log, as far as its own words carry.

use base::{Confidence, LogEvent};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, words};

/// Takes every defect.
pub const ENTRY: Detector = Detector {
    name: "log_first_event",
    sees: "that an event happened, what its kind means, and where",
    needs: "an event that is a defect by itself",
    false_friends: "an event that follows from an earlier one: the engine passes only those that do not",
    nature,
    explain,
};

fn nature(event: &LogEvent) -> Option<Nature> {
    Some(match event.kind.as_str() {
        "general_protection" | "invalid_opcode" | "double_fault" => Nature::Death,
        "panic" | "reboot" => Nature::Panic,
        "sysrq" | "nmi" | "user_fault" => Nature::Note,
        _ => Nature::Complaint,
    })
}

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if !event.crash {
        return None;
    }
    let what = if event.meaning.is_empty() {
        format!("The kernel reported: {}.", event.title)
    } else {
        format!("{}{}.", sentence(&event.meaning), words::in_place(event))
    };
    Some(
        Draft::new(event)
            .verdict(what)
            .verdict("The log alone does not tell why.")
            .call_path(event)
            .confidence(Confidence::Low),
    )
}

/// The meaning with a capital and without its full stop.
fn sentence(meaning: &str) -> String {
    let trimmed = meaning.trim().trim_end_matches('.');
    let mut chars = trimmed.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{at, event, finding};

    #[test]
    fn an_unknown_event_is_told_in_its_own_words() {
        let mut unknown = event("new_kind", 4);
        unknown.meaning = "the kernel did a new thing".into();
        unknown.registers = vec![at("foo")];
        let told = finding(unknown);
        assert_eq!(
            told.verdict,
            "The kernel did a new thing in foo+0x10/0x20. The log alone does not tell why."
        );
        assert!(!told.cause_named);
        assert_eq!(told.evidence[0].span.unwrap().start, 4);
    }
}
