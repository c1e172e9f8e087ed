//! A reference counter was used in a way that cannot be right.

use base::Confidence;

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// `refcount_t` warnings.
pub const ENTRY: Detector = Detector {
    name: "refcount",
    sees: "a reference taken on an object with none left, dropped below zero, or lost",
    needs: "the line that says what was done",
    false_friends: "a counter in freed and reused memory, where the value is nobody's count",
    nature: |event| (event.kind == "refcount").then_some(Nature::Damage),
    explain,
};

/// The kernel's words, what was done, what it means.
const MISUSES: &[(&str, &str, &str)] = &[
    (
        "addition on 0",
        "took a reference to an object whose last reference was gone",
        "The object was, or was about to be, freed: whoever used it held no reference.",
    ),
    (
        "underflow",
        "dropped a reference that nobody held",
        "One put too many: the object may be freed while others use it.",
    ),
    (
        "saturated",
        "took so many references that the counter ran over",
        "References are taken and never dropped; the object now leaks, on purpose.",
    ),
    (
        "decrement hit 0",
        "dropped the last reference where others were sure to be held",
        "The object leaks: a plain decrement does not free it.",
    ),
];

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "refcount" {
        return None;
    }
    let said = event.detail("misuse").unwrap_or_default();
    // Until 5.7 an increment was told from an addition.
    let said = said.replace("increment on 0", "addition on 0");
    let known = MISUSES.iter().find(|(words, ..)| said.contains(words));
    let culprit = clues::place(event).unwrap_or_else(|| "The kernel".to_owned());
    let draft = Draft::new(event).quote(event, "misuse", 1).call_path(event);
    Some(match known {
        Some((_, did, means)) => draft
            .verdict(format!("{culprit} {did}."))
            .verdict(*means)
            .cause_named(Confidence::Medium)
            .next(format!(
                "Compare every get and put of the object on the path through {}.",
                clues::culprit(event)
            ))
            .needs_debug_info(event, "which object and member the counter is"),
        None => draft
            .verdict(format!(
                "{culprit} used a reference counter in a way that cannot be right."
            ))
            .confidence(Confidence::Low),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding};

    #[test]
    fn the_misuse_is_told_in_words() {
        let mut warning = event("refcount", 1);
        warning.frame = Some("desk_get".into());
        warning.details = vec![detail("misuse", "addition on 0; use-after-free.")];
        let told = finding(warning);
        assert!(
            told.verdict.starts_with(
                "desk_get took a reference to an object whose last reference was gone."
            )
        );
        assert!(told.cause_named);
    }
}
