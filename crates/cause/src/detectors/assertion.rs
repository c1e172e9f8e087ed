//! A check that a programmer wrote failed.

use base::{Confidence, LogEvent};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// `BUG()`, `BUG_ON()`, `WARN()` and their kin.
pub const ENTRY: Detector = Detector {
    name: "assertion",
    sees: "a BUG or WARNING at a file and line",
    needs: "the report's head",
    false_friends: "a warning that is harmless in itself and known in this release; a check that \
                    notices damage done elsewhere",
    nature,
    explain,
};

fn nature(event: &LogEvent) -> Option<Nature> {
    match event.kind.as_str() {
        "bug" | "invalid_opcode" | "rust_panic" => Some(Nature::Death),
        "warning" => Some(Nature::Complaint),
        _ => None,
    }
}

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    let fatal = match event.kind.as_str() {
        "bug" => true,
        "warning" => false,
        "rust_panic" => {
            return Some(
                Draft::new(event)
                    .verdict(format!(
                        "Kernel code written in Rust stopped itself{}: \"{}\".",
                        clues::in_place(event),
                        event.title.trim_end_matches('.')
                    ))
                    .cause_named(Confidence::Medium)
                    .quote(event, "message", 2)
                    .quote(event, "assertion", 1)
                    .call_path(event)
                    .needs_debug_info(event, "the values that led there"),
            );
        }
        _ => return None,
    };
    let place = clues::in_place(event);
    let Some(at) = event.detail("assertion") else {
        return Some(
            Draft::new(event)
                .verdict(format!("A check in the kernel failed{place}."))
                .confidence(Confidence::Low)
                .quote(event, "message", 4)
                .call_path(event),
        );
    };
    let word = if fatal { "BUG" } else { "WARN" };
    let message = clues::details(event, "message")
        .next()
        .map(|detail| detail.value.clone());
    let mut draft = Draft::new(event)
        .verdict(format!("The check ({word}) at {at} failed{place}."))
        .cause_named(Confidence::Medium)
        .quote(event, "message", 4)
        .call_path(event);
    draft = match message {
        Some(message) if message.starts_with("ODEBUG: ") => draft.verdict(object(&message)),
        Some(message) => draft.verdict(format!("It says: \"{}\".", message.trim_end_matches('.'))),
        None => draft.verdict("What was wrong stands in the condition on that line of the source."),
    };
    if fatal {
        draft = draft.verdict("The kernel killed the task there on purpose.");
    }
    Some(
        draft
            .next(format!("Read {at} in the source of exactly this kernel: the condition there says what must never be."))
            .needs_debug_info(event, "the values that made the check fail"),
    )
}

/// `ODEBUG: free active (active state 0) object type: timer_list hint: f+0x0/0x1` in words.
fn object(message: &str) -> String {
    let what = clues::between(message, "ODEBUG: ", " ").unwrap_or("use of");
    let kind = clues::between(message, "object type: ", " ").unwrap_or("object");
    let hint = message
        .split_once("hint: ")
        .map_or_else(String::new, |(_, hint)| format!(" ({})", hint.trim()));
    let active = message.contains(" active");
    match (what, active) {
        ("free", true) => format!(
            "Memory was freed that holds a {kind} still in use{hint}: stop it before the free."
        ),
        ("init", true) => format!("A {kind} that is still in use was initialised again{hint}."),
        _ => format!("An object of type {kind} was used out of turn{hint}: \"{message}\"."),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding};

    #[test]
    fn a_warning_says_its_own_words() {
        let mut warning = event("warning", 1);
        warning.frame = Some("desk_audit".into());
        warning.details = vec![
            detail("assertion", "desk.c:41"),
            detail("message", "desk 3 has 2 owners"),
        ];
        assert_eq!(
            finding(warning).verdict,
            "The check (WARN) at desk.c:41 failed in desk_audit. It says: \"desk 3 has 2 owners\"."
        );
    }

    #[test]
    fn a_bug_points_at_its_line() {
        let mut bug = event("bug", 1);
        bug.details = vec![detail("assertion", "fs/ext4/inode.c:2721")];
        let told = finding(bug);
        assert!(
            told.verdict
                .starts_with("The check (BUG) at fs/ext4/inode.c:2721 failed in f.")
        );
        assert!(told.cause_named);
    }
}
