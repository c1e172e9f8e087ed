//! The machine started again, and nothing says why.

use base::{Confidence, Gap};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature};

/// A boot in the middle of a log.
pub const ENTRY: Detector = Detector {
    name: "silent_restart",
    sees: "that the machine booted again with no crash printed before",
    needs: "a log over more than one boot",
    false_friends: "an orderly reboot whose last lines the log lost",
    nature: |event| (event.kind == "reboot").then_some(Nature::Panic),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "reboot" {
        return None;
    }
    Some(
        Draft::new(event)
            .verdict("The machine started again in the middle of the log, and nothing printed before says why.")
            .confidence(Confidence::Medium)
            .gap(
                Gap::new("why the machine restarted", "the kernel printed nothing: power, a reset, a triple fault or a lost console")
                    .supply("pstore, a serial console, a kdump set-up, and the board's own event log"),
            ),
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding};

    #[test]
    fn nothing_is_claimed_about_the_cause() {
        assert!(!finding(event("reboot", 1)).cause_named);
    }
}
