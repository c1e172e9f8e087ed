//! KCSAN: two CPUs used the same memory at the same time.

use base::Confidence;

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Unordered accesses of which one writes.
pub const ENTRY: Detector = Detector {
    name: "data_race",
    sees: "a KCSAN report",
    needs: "the report with both accesses",
    false_friends: "races that are meant and harmless, which data_race(), READ_ONCE() or WRITE_ONCE() should say",
    nature: |event| (event.kind == "kcsan").then_some(Nature::Complaint),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "kcsan" {
        return None;
    }
    let pair = event
        .title
        .split_once("data-race in ")
        .map(|(_, pair)| pair);
    let pair = match pair.and_then(|pair| pair.split_once(" / ")) {
        Some((one, other)) => format!("{one} and {other}"),
        None => pair.map_or_else(
            || clues::culprit(event),
            |one| format!("{one} and an unknown place"),
        ),
    };
    let mut draft = Draft::new(event)
        .verdict(format!("Two CPUs used the same memory at once, and one wrote: {pair}."))
        .cause_named(Confidence::Medium)
        .call_path(event)
        .next("Decide whether the race can do harm; then lock both sides, or mark them with READ_ONCE() and WRITE_ONCE().");
    for name in ["access", "value"] {
        draft = draft.quote(event, name, 2);
    }
    Some(draft)
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding};

    #[test]
    fn both_sides_are_named() {
        let mut report = event("kcsan", 1);
        report.title = "KCSAN: data-race in find_next_bit / rcu_report_exp_cpu_mult".into();
        assert!(
            finding(report)
                .verdict
                .ends_with("find_next_bit and rcu_report_exp_cpu_mult.")
        );
    }
}
