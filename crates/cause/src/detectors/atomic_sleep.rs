//! Code slept, or could be moved, where it must not.

use base::Confidence;

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Sleeping in atomic context, and per-CPU data in preemptible code.
pub const ENTRY: Detector = Detector {
    name: "atomic_sleep",
    sees: "a sleeping function called with interrupts or preemption off, or a spinlock held",
    needs: "the report; `Preemption disabled at` names who switched preemption off",
    false_friends: "a preempt count left behind by an earlier function, of which this task is a victim",
    nature: |event| {
        matches!(
            event.kind.as_str(),
            "atomic_sleep" | "preemption" | "workqueue"
        )
        .then_some(Nature::Complaint)
    },
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    let place = clues::in_place(event);
    match event.kind.as_str() {
        "atomic_sleep" => {}
        "preemption" => {
            return Some(
                Draft::new(event)
                    .verdict(format!("Code used data of its CPU{place} where the task can be moved to another CPU."))
                    .cause_named(Confidence::Medium)
                    .call_path(event)
                    .next("Switch preemption off around the access (get_cpu(), local_lock()), or use a function that allows for the move."),
            );
        }
        _ => return None,
    }
    let scheduled = clues::says(&event.title, "scheduling while atomic");
    let what = if scheduled {
        format!(
            "A task went to sleep where it must not{place}: with a spinlock held, or interrupts or preemption off."
        )
    } else {
        format!("A function that may sleep was called where sleeping is forbidden{place}.")
    };
    let disabled =
        clues::details(event, "preemption").any(|detail| detail.value.contains("disabled at"));
    let mut draft = Draft::new(event)
        .verdict(what)
        .cause_named(Confidence::Medium)
        .quote(event, "sleeps at", 1)
        .quote(event, "context", 1)
        .quote(event, "preemption", 2)
        .quote(event, "held lock", 4)
        .call_path(event);
    if !disabled {
        draft = draft.gap(
            base::Gap::new(
                "who made the context atomic",
                "the report does not say where preemption was switched off",
            )
            .supply("a kernel with CONFIG_DEBUG_PREEMPT and lockdep, which print it"),
        );
    }
    Some(draft.next(format!(
        "On the path through {}, find the spin_lock(), rcu_read_lock() or preempt_disable() around the \
         call; move the call out of it, or use a form that does not sleep (GFP_ATOMIC, a mutex instead \
         of the spinlock).",
        clues::culprit(event)
    )))
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding};

    #[test]
    fn who_switched_preemption_off_is_quoted() {
        let mut report = event("atomic_sleep", 1);
        report.frame = Some("desk_wait".into());
        report.details = vec![detail(
            "preemption",
            "Preemption disabled at: desk_lock+0x1/0x2",
        )];
        let told = finding(report.clone());
        assert!(
            told.verdict
                .ends_with("where sleeping is forbidden in desk_wait.")
        );
        assert!(told.gaps.is_empty());
        report.details.clear();
        assert_eq!(finding(report).gaps.len(), 1);
    }
}
