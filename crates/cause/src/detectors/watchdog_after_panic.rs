//! A watchdog, a button or an unknown source interrupted the machine.

use base::{Confidence, Gap};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature};

/// Non-maskable interrupts that are the first thing a log tells.
pub const ENTRY: Detector = Detector {
    name: "watchdog_after_panic",
    sees: "a watchdog or an unclaimed non-maskable interrupt",
    needs: "the interrupt's report",
    false_friends: "a watchdog that fires because an earlier panic stopped the machine: then it is a \
                    consequence, and the engine says so",
    nature: |event| (event.kind == "nmi").then_some(Nature::Stall),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "nmi" {
        return None;
    }
    let watchdog = event.headline.to_ascii_lowercase().contains("watchdog");
    let what = if watchdog {
        "The hardware watchdog fired: the system had not answered it in time."
    } else {
        "An interrupt came that cannot be masked and that no driver claimed."
    };
    Some(
        Draft::new(event)
            .verdict(what)
            .verdict("What stopped the system before, the log does not tell.")
            .confidence(Confidence::Medium)
            .call_path(event)
            .gap(
                Gap::new("what happened before", "no crash stands before it in the log")
                    .supply("the earlier log, and the board's own event log"),
            )
            .next("Look at the register dumps of all CPUs: the one outside of its idle loop is the one to ask."),
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding};

    #[test]
    fn alone_it_asks_for_what_was_before() {
        let mut nmi = event("nmi", 1);
        nmi.headline = "*** NMI Watchdog interrupt on Core 0x01 ***".into();
        let told = finding(nmi);
        assert!(told.verdict.starts_with("The hardware watchdog fired"));
        assert_eq!(told.gaps.len(), 1);
    }
}
