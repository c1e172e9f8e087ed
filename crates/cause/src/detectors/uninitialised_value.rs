//! KMSAN: memory was used that nobody had written.

use base::Confidence;

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, words};

/// Uses of uninitialised memory, and its copies to user space or hardware.
pub const ENTRY: Detector = Detector {
    name: "uninitialised_value",
    sees: "a KMSAN report",
    needs: "the report; the stack of origin tells where the memory came from",
    false_friends: "memory that hardware or assembly wrote, of which KMSAN knows nothing",
    nature: |event| (event.kind == "kmsan").then_some(Nature::Damage),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "kmsan" {
        return None;
    }
    let place = clues::in_place(event);
    let what = if clues::says(&event.title, "infoleak") {
        "The kernel gave memory away that it had never written"
    } else {
        "The kernel made a decision on memory that it had never written"
    };
    let mut draft = Draft::new(event)
        .verdict(format!("{what}{place}."))
        .call_path(event);
    if let Some(trace) = clues::trace(event, &["uninit", "local variable", "origin"]) {
        let by = clues::worker(trace).map(words::frame).unwrap_or_default();
        draft = draft
            .verdict(format!("The memory comes from {by}."))
            .says(
                format!("{}: {by}", trace.label),
                base::Trust::PrintedByKernel,
                Some(trace.line),
            )
            .cause_named(Confidence::Medium)
            .next(format!("Check which member {by} leaves unset."));
    } else {
        draft = draft.gap(
            base::Gap::new(
                "where the memory came from",
                "the report holds no stack of its origin",
            )
            .supply("the whole report"),
        );
    }
    Some(draft)
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding, trace};

    #[test]
    fn the_origin_names_the_cause() {
        let mut report = event("kmsan", 1);
        report.frame = Some("ip_rcv".into());
        report.traces = vec![
            trace("Call Trace", &["ip_rcv"]),
            trace(
                "Uninit was created at",
                &["kmem_cache_alloc", "sock_alloc_send"],
            ),
        ];
        let told = finding(report);
        assert!(told.cause_named);
        assert!(
            told.verdict
                .ends_with("The memory comes from sock_alloc_send+0x10/0x20.")
        );
    }
}
