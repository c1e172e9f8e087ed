//! The first event of a log, as far as its own words carry.

use base::{Confidence, LogEvent};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, words};

/// Takes every defect.
pub const ENTRY: Detector = Detector {
    name: "log_first_event",
    sees: "that an event happened, what its kind means, and where",
    needs: "an event that is a defect by itself",
    false_friends: "an event that follows from an earlier one: the engine passes only those that do not",
    nature,
    explain,
};

fn nature(_: &LogEvent) -> Option<Nature> {
    Some(Nature::Complaint)
}

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if !event.crash {
        return None;
    }
    let meaning = event.meaning.trim_end_matches('.');
    let what = match (meaning, clues::place(event)) {
        ("", _) => format!("The kernel reported: {}.", event.title),
        (meaning, Some(place)) => format!("In {place}: {meaning}."),
        (meaning, None) => format!("{}.", words::sentence(meaning)),
    };
    Some(
        Draft::new(event)
            .verdict(what)
            .verdict("The log alone does not tell why.")
            .call_path(event)
            .confidence(Confidence::Low),
    )
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
            "In foo+0x10/0x20: the kernel did a new thing. The log alone does not tell why."
        );
        assert!(!told.cause_named);
        assert_eq!(told.evidence[0].span.unwrap().start, 4);
    }
}
