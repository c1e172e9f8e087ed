//! A CPU that does not come back, or work that does not move.

use base::{Confidence, Gap, LogEvent, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, words};

/// Soft and hard lockups, RCU stalls, stuck workqueues, spinlocks that nobody releases.
pub const ENTRY: Detector = Detector {
    name: "lockup_or_stall",
    sees: "a CPU that runs the same code for too long, or a grace period or work item that does not end",
    needs: "the registers or the trace of the CPU that is stuck",
    false_friends: "a virtual machine that the host did not run; a slow serial console; a CPU that is \
                    the victim of another one which holds the lock",
    nature,
    explain,
};

fn nature(event: &LogEvent) -> Option<Nature> {
    matches!(
        event.kind.as_str(),
        "soft_lockup" | "hard_lockup" | "rcu_stall" | "workqueue_lockup" | "spinlock"
    )
    .then_some(Nature::Stall)
}

/// Functions that spin for a lock.
const SPINNING: &[&str] = &[
    "queued_spin_lock_slowpath",
    "native_queued_spin_lock_slowpath",
    "__pv_queued_spin_lock_slowpath",
    "pv_wait_head_or_lock",
    "do_raw_spin_lock",
    "_raw_spin_lock",
    "queued_write_lock_slowpath",
    "queued_read_lock_slowpath",
    "osq_lock",
    "__raw_spin_lock",
    "arch_spin_lock",
];

/// Functions that wait for other CPUs.
const WAITING: &[&str] = &[
    "smp_call_function",
    "csd_lock_wait",
    "multi_cpu_stop",
    "stop_one_cpu",
];

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if nature(event).is_none()
        || event.kind == "spinlock" && !clues::says(&event.headline, "lockup")
    {
        return None;
    }
    let place = clues::in_place(event);
    let cpu = event
        .task
        .cpu
        .map_or_else(|| "A CPU".to_owned(), |cpu| format!("CPU {cpu}"));
    let mut draft = Draft::new(event).confidence(Confidence::Medium);
    draft = match event.kind.as_str() {
        "soft_lockup" => {
            let time = event
                .detail("stuck for")
                .map_or("too long".to_owned(), |time| time.trim().to_owned());
            draft.verdict(format!(
                "{cpu} ran kernel code for {time} without letting any other task run{place}."
            ))
        }
        "hard_lockup" => draft.verdict(format!("{cpu} took no interrupt for many seconds{place}.")),
        "rcu_stall" => rcu(draft, event, &place),
        "workqueue_lockup" => draft
            .verdict("A workqueue made no progress: a work item runs or sleeps for too long.")
            .quote(event, "workqueue", 2)
            .quote(event, "in flight", 4)
            .quote(event, "pending", 2),
        _ => draft.verdict(format!(
            "{cpu} spun for a spinlock that nobody released{place}."
        )),
    };
    draft = at_the_time(draft, event).call_path(event);
    for (index, other) in scene
        .same_boot()
        .filter(|(_, other)| nature(other).is_some())
        .take(4)
    {
        draft = draft.rests_on(index).says_at(
            format!("Also: {}", other.title),
            Trust::PrintedByKernel,
            other.span,
        );
    }
    let draft = draft.gap(
        Gap::new(
            "why the code does not come to an end",
            "one look at a running CPU shows where it is, not why",
        )
        .supply("a crash dump (set softlockup_panic or hardlockup_panic with kdump)"),
    );
    Some(match clues::place(event) {
        Some(_) => draft.next(format!(
            "Read the loops and the locks around {}.",
            clues::culprit(event)
        )),
        None => draft,
    })
}

fn rcu(draft: Draft, event: &LogEvent, place: &str) -> Draft {
    let starved = event.detail("starved").is_some();
    let what = if starved {
        format!("RCU could not finish a grace period: its own thread did not get to run{place}.")
    } else if event.detail("blocked tasks").is_some() {
        format!("RCU could not finish a grace period: a task stayed in a read-side section{place}.")
    } else {
        format!("RCU could not finish a grace period: a CPU stayed in kernel code{place}.")
    };
    draft
        .verdict(what)
        .quote(event, "stalled CPU", 4)
        .quote(event, "blocked tasks", 2)
        .quote(event, "detected", 1)
        .quote(event, "starved", 1)
}

/// What the stuck CPU was doing.
fn at_the_time(draft: Draft, event: &LogEvent) -> Draft {
    let Some(pc) = clues::pc(event) else {
        return draft.gap(
            Gap::new(
                "where the CPU was stuck",
                "the report holds no registers of it",
            )
            .supply("the whole log, or a kernel that may send backtraces to all CPUs"),
        );
    };
    let name = pc.function.as_deref().unwrap_or_default();
    let draft = draft.says(
        format!("The CPU was at {}", words::frame(pc)),
        Trust::PrintedByKernel,
        Some(pc.line),
    );
    if SPINNING.iter().any(|spin| name.starts_with(spin)) && !name.contains("unlock") {
        return draft
            .verdict("It spins for a spinlock: the CPU that holds it is the one to look for.")
            .says(
                format!("{name} waits for a spinlock"),
                Trust::Inferred,
                None,
            );
    }
    if WAITING.iter().any(|wait| name.starts_with(wait)) {
        return draft
            .verdict(
                "It waits for other CPUs to answer: the one that does not is the one to look for.",
            )
            .says(
                format!("{name} waits for other CPUs"),
                Trust::Inferred,
                None,
            );
    }
    draft
}

#[cfg(test)]
mod tests {
    use crate::testing::{at, detail, event, finding};

    #[test]
    fn a_spinning_cpu_points_at_another() {
        let mut lockup = event("soft_lockup", 1);
        lockup.task.cpu = Some(1);
        lockup.frame = Some("desk_lock".into());
        lockup.details = vec![detail("stuck for", "23s")];
        lockup.registers = vec![at("native_queued_spin_lock_slowpath")];
        let told = finding(lockup);
        assert!(told.verdict.starts_with(
            "CPU 1 ran kernel code for 23s without letting any other task run in desk_lock."
        ));
        assert!(
            told.verdict
                .contains("the CPU that holds it is the one to look for")
        );
        assert!(!told.cause_named);
    }

    #[test]
    fn a_starved_thread_is_told_from_a_stuck_cpu() {
        let mut stall = event("rcu_stall", 1);
        stall.details = vec![detail(
            "starved",
            "rcu_preempt kthread starved for 5250 jiffies!",
        )];
        assert!(
            finding(stall)
                .verdict
                .contains("its own thread did not get to run")
        );
    }
}
