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
        "workqueue" if clues::says(&event.title, "leaked") => {
            return Some(
                Draft::new(event)
                    .verdict(format!(
                        "A work item returned with a lock still held, or with interrupts or preemption off{place}."
                    ))
                    .cause_named(Confidence::Medium)
                    .quote(event, "held lock", 4)
                    .next("Compare every lock and unlock in the work function, errors included."),
            );
        }
        _ => return None,
    }
    let scheduled = clues::says(&event.title, "scheduling while atomic");
    let caller = sleeper(event);
    let what = match (&caller, scheduled) {
        (Some((caller, sleep)), true) => format!(
            "{caller} went to sleep in {sleep}() where it must not: with a spinlock held, or \
             interrupts or preemption off."
        ),
        (None, true) => format!(
            "A task went to sleep where it must not{place}: with a spinlock held, or interrupts or \
             preemption off."
        ),
        (_, false) => {
            format!("A function that may sleep was called where sleeping is forbidden{place}.")
        }
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
    if let Some((count, says)) = preempt_count(&event.headline) {
        draft = draft.says(
            format!("The preempt count {count:#x} says: {says}"),
            base::Trust::Computed,
            Some(event.span.start),
        );
    }
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

/// Functions that sleep for their callers.
const SLEEPERS: &[&str] = &[
    "schedule",
    "__schedule",
    "preempt_schedule",
    "msleep",
    "usleep",
    "fsleep",
    "ssleep",
    "io_schedule",
    "mutex_lock",
    "__mutex",
    "down",
    "rwsem",
    "wait_for",
    "__wait",
    "do_wait",
    "cond_resched",
    "__cond_resched",
    "synchronize",
    "flush_work",
    "__flush_work",
    "__might",
    "do_nanosleep",
    "hrtimer_nanosleep",
    "nanosleep",
];

/// Who called the function that sleeps, and that function.
fn sleeper(event: &base::LogEvent) -> Option<(String, String)> {
    let frames = || {
        event
            .traces
            .first()
            .into_iter()
            .flat_map(|trace| &trace.frames)
            .filter(|frame| {
                frame.trust != base::Trust::PrintedAsUnreliable && frame.function.is_some()
            })
    };
    let sleeps = |frame: &base::Frame| {
        let name = clues::plain(frame.function.as_deref().unwrap_or_default());
        SLEEPERS.iter().any(|start| name.starts_with(start))
    };
    let first = frames().position(sleeps)?;
    let caller = frames().skip(first).position(|frame| !sleeps(frame))? + first;
    let sleep = frames().nth(caller.checked_sub(1)?)?;
    Some((
        crate::words::frame(frames().nth(caller)?),
        clues::plain(sleep.function.as_deref()?).to_owned(),
    ))
}

/// `…/pid/0x00000002`: the preempt count, and what its fields say (include/linux/preempt.h).
fn preempt_count(headline: &str) -> Option<(u32, String)> {
    let (_, digits) = headline.rsplit_once("/0x")?;
    let digits: String = digits.chars().take_while(char::is_ascii_hexdigit).collect();
    let count = u32::from_str_radix(&digits, 16).ok()?;
    let mut says = Vec::new();
    // schedule() itself switches preemption off once.
    match (count & 0xff).saturating_sub(1) {
        0 => {}
        1 => says.push("one spinlock or preempt_disable() is open".to_owned()),
        more => says.push(format!("{more} spinlocks or preempt_disable() are open")),
    }
    if count & 0xff00 != 0 {
        says.push("a softirq runs, or softirqs are off".to_owned());
    }
    if count & 0xf_0000 != 0 {
        says.push("an interrupt is being served".to_owned());
    }
    if count & 0xf0_0000 != 0 {
        says.push("a non-maskable interrupt is being served".to_owned());
    }
    (!says.is_empty()).then(|| (count, says.join(", ")))
}

#[cfg(test)]
mod tests {
    use crate::testing::trace;
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

    #[test]
    fn the_caller_of_the_sleep_and_the_count_are_told() {
        let mut report = event("atomic_sleep", 1);
        report.title = "BUG: scheduling while atomic in msleep".into();
        report.headline = "BUG: scheduling while atomic: provoke/91/0x00000002".into();
        report.traces = vec![trace(
            "Call Trace",
            &[
                "dump_stack",
                "__schedule",
                "schedule",
                "msleep",
                "meter_settle",
            ],
        )];
        let told = finding(report);
        assert!(
            told.verdict
                .starts_with("meter_settle+0x10/0x20 went to sleep in msleep() where it must not")
        );
        assert!(
            told.evidence
                .iter()
                .any(|item| item.says.contains("0x2 says: one spinlock"))
        );
    }
}
