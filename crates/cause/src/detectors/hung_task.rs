//! Tasks that wait for what does not come.

use base::{Confidence, Gap, LogEvent, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::waits::{self, Step};
use crate::{Detector, Nature, clues, words};

/// Hung tasks: who waits, for what, and who holds it.
pub const ENTRY: Detector = Detector {
    name: "hung_task",
    sees: "a task that sleeps uninterruptibly for too long, and what it waits for",
    needs: "its trace; the holder is known where the kernel prints it (6.16) or prints all held locks",
    false_friends: "a slow disk or server that does answer in the end; a task that is a victim of \
                    another one further up; locks counted as held by tasks that still wait for them",
    nature: |event| (event.kind == "hung_task").then_some(Nature::Stall),
    explain,
};

/// Reports of one boot that are looked at together.
const MOST: usize = 256;

/// Tasks that are listed one by one.
const LISTED: usize = 8;

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "hung_task" {
        return None;
    }
    let others: Vec<(u32, &LogEvent)> = scene
        .same_boot()
        .filter(|(_, other)| other.kind == "hung_task")
        .take(MOST)
        .collect();
    let mut all = vec![event];
    all.extend(others.iter().map(|(_, other)| *other));
    let steps = waits::steps(&all);
    let me = waits::waiter(event);
    let mut draft = Draft::new(event).verdict(first_sentence(event));
    draft = waiting(draft, event);
    draft = told_steps(draft, &steps);
    let mut listed = vec![me.clone()];
    for (index, other) in &others {
        draft = draft.rests_on(*index);
        let who = waits::waiter(other);
        if listed.len() > LISTED || listed.contains(&who) {
            continue;
        }
        if let Some(who) = &who {
            draft = draft.says_at(
                format!("Also blocked: {}{}", who.told(), wait_of(other)),
                Trust::PrintedByKernel,
                other.span,
            );
        }
        listed.push(who);
    }
    let more = blocked(&all).saturating_sub(listed.len());
    if more > 0 {
        draft = draft.says(
            format!("And {more} more blocked tasks"),
            Trust::Computed,
            None,
        );
    }
    if steps.is_empty() {
        draft = hints(draft, &all);
    }
    Some(conclude(draft, &all, &steps))
}

/// Who holds what, those that wait for one lock of one holder together.
fn told_steps(mut draft: Draft, steps: &[Step]) -> Draft {
    let mut told: Vec<(&str, &str)> = Vec::new();
    for step in steps {
        let key = (step.lock.as_str(), step.holder.pid.as_str());
        if told.contains(&key) || told.len() >= LISTED {
            continue;
        }
        told.push(key);
        let waiters: Vec<String> = steps
            .iter()
            .filter(|other| (other.lock.as_str(), other.holder.pid.as_str()) == key)
            .map(|other| other.waiter.told())
            .collect();
        let who = match waiters.as_slice() {
            [one] => format!("{one} waits"),
            many if many.len() <= 4 => format!("{} wait", words::list(many)),
            many => format!("{} tasks wait", many.len()),
        };
        draft = draft.says(
            format!(
                "{who} for {}, which {} holds",
                step.lock,
                step.holder.told()
            ),
            step.trust,
            Some(step.line),
        );
    }
    draft
}

/// Who may hold what others wait for, by how far each has gone in one function.
fn hints(mut draft: Draft, all: &[&LogEvent]) -> Draft {
    let mut told: Vec<(String, String)> = Vec::new();
    let pairs = waits::passed(all);
    for (_, holder, function, line) in &pairs {
        let key = (holder.pid.clone(), function.clone());
        if told.contains(&key) || told.len() >= 4 {
            continue;
        }
        told.push(key);
        let waiters: Vec<String> = pairs
            .iter()
            .filter(|(_, other, at, _)| other.pid == holder.pid && at == function)
            .map(|(waiter, ..)| waiter.told())
            .collect();
        let who = match waiters.as_slice() {
            [one] => format!("{one} waits"),
            many => format!("{} tasks wait", many.len()),
        };
        draft = draft.says(
            format!(
                "{who} in {function}, and {} has gone further in the same function: it may hold what is waited for",
                holder.told()
            ),
            Trust::Inferred,
            Some(*line),
        );
    }
    draft
}

/// How many tasks the reports are about.
fn blocked(events: &[&LogEvent]) -> usize {
    let mut pids: Vec<String> = events
        .iter()
        .filter_map(|event| waits::waiter(event))
        .map(|waiter| waiter.pid)
        .collect();
    pids.sort();
    pids.dedup();
    pids.len()
}

fn first_sentence(event: &LogEvent) -> String {
    let who = waits::waiter(event)
        .map_or_else(|| "A task".to_owned(), |who| format!("Task {}", who.told()));
    let time = event
        .detail("blocked for")
        .map_or_else(String::new, |time| format!(" for more than {time}"));
    format!("{who} has been stuck{time}{}.", wait_of(event))
}

/// `, waiting for a mutex in f+0x1/0x2`.
fn wait_of(event: &LogEvent) -> String {
    let what = match waits::waits_for(event) {
        Some((what, _)) => format!(", waiting for {what}"),
        None => String::new(),
    };
    format!("{what}{}", clues::in_place(event))
}

fn waiting(draft: Draft, event: &LogEvent) -> Draft {
    let Some((what, frame)) = waits::waits_for(event) else {
        return draft.call_path(event);
    };
    draft
        .says(
            format!("{} in its trace waits for {what}", words::function(frame)),
            Trust::PrintedByKernel,
            Some(frame.line),
        )
        .call_path(event)
}

fn conclude(draft: Draft, all: &[&LogEvent], steps: &[Step]) -> Draft {
    let others = blocked(all).saturating_sub(1);
    if let Some(circle) = waits::circle(steps) {
        let printed = circle
            .iter()
            .all(|step| step.trust == Trust::PrintedByKernel);
        let names: Vec<String> = circle.iter().map(|step| step.waiter.told()).collect();
        return draft
            .verdict(format!(
                "It is a deadlock: {} wait for each other in a circle.",
                words::list(&names)
            ))
            .cause_named(if printed {
                Confidence::High
            } else {
                Confidence::Medium
            })
            .next("Give the locks one order on every path that takes more than one of them.");
    }
    let me = all.first().and_then(|event| waits::waiter(event));
    let mine = steps.iter().find(|step| Some(&step.waiter) == me.as_ref());
    if let Some(step) = mine {
        let stuck = all
            .iter()
            .find(|event| waits::waiter(event).as_ref() == Some(&step.holder));
        let draft = match stuck {
            Some(stuck) => draft.verdict(format!(
                "{} holds it and is stuck itself{}.",
                step.holder.told(),
                wait_of(stuck)
            )),
            None => draft.verdict(format!("{} holds it.", step.holder.told())),
        };
        return draft
            .cause_named(Confidence::Medium)
            .gap(
                Gap::new(
                    format!("why {} does not let go", step.holder.told()),
                    "the log shows who holds the lock, not what it does",
                )
                .supply("a dump of all tasks (echo t > /proc/sysrq-trigger) or a crash dump"),
            )
            .next(format!(
                "Look at the stack of {} in the log or in a dump.",
                step.holder.told()
            ));
    }
    let draft = draft.confidence(Confidence::Medium).gap(
        Gap::new("who holds what the task waits for", "the log names no holder").supply(
            "a crash dump, the output of SysRq d and t, or a kernel with CONFIG_DETECT_HUNG_TASK_BLOCKER or lockdep",
        ),
    );
    let held = steps.iter().find(|step| Some(&step.holder) == me.as_ref());
    if let Some(step) = held {
        let waiting = steps
            .iter()
            .filter(|other| other.holder == step.holder)
            .count();
        let who = match waiting {
            1 => "another task waits".to_owned(),
            many => format!("{many} other tasks wait"),
        };
        return draft.verdict(format!("It holds {}, for which {who}.", step.lock));
    }
    match others {
        0 => draft.verdict("Who should have woken it, the log does not tell."),
        1 => draft.verdict("Another task is blocked too; the log does not say who holds what."),
        _ => draft.verdict(format!(
            "{others} other tasks are blocked too; the log does not say who holds what."
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, diagnose, event, finding, trace};

    fn hung(comm: &str, line: u64, function: &str) -> base::LogEvent {
        let mut hung = event("hung_task", line);
        hung.title = format!("INFO: task hung in {function}");
        hung.headline = format!("INFO: task {comm} blocked for more than 120 seconds.");
        hung.frame = Some(function.into());
        hung.details = vec![detail("blocked for", "120 seconds")];
        hung.traces = vec![trace(
            "Call Trace",
            &[
                "__schedule",
                "schedule",
                "__mutex_lock",
                function,
                "vfs_write",
            ],
        )];
        hung
    }

    #[test]
    fn without_a_holder_the_cause_is_open() {
        let told = finding(hung("provoke:92", 1, "account_then_journal"));
        assert_eq!(
            told.verdict,
            "Task provoke (pid 92) has been stuck for more than 120 seconds, waiting for a mutex in \
             account_then_journal+0x10/0x20. Who should have woken it, the log does not tell."
        );
        assert!(!told.cause_named);
    }

    #[test]
    fn a_circle_is_a_deadlock() {
        let mut one = hung("a:1", 1, "account_then_journal");
        one.details.push(detail(
            "blocker",
            "INFO: task a:1 is blocked on a mutex likely owned by task b:2.",
        ));
        let mut two = hung("b:2", 30, "journal_then_account");
        two.details.push(detail(
            "blocker",
            "INFO: task b:2 is blocked on a mutex likely owned by task a:1.",
        ));
        let told = diagnose(&[one, two]).finding.unwrap();
        assert!(told.cause_named);
        assert!(told.verdict.ends_with(
            "It is a deadlock: a (pid 1) and b (pid 2) wait for each other in a circle."
        ));
        assert_eq!(told.events, [0, 1]);
    }

    #[test]
    fn a_holder_that_waits_itself_is_told_as_such() {
        let mut one = hung("a:1", 1, "netdev_down");
        one.traces = vec![trace(
            "Call Trace",
            &["schedule", "synchronize_rcu", "netdev_down"],
        )];
        let mut two = hung("b:2", 30, "rtnl_lock");
        two.details.push(detail(
            "blocker",
            "INFO: task b:2 is blocked on a mutex likely owned by task a:1.",
        ));
        let told = diagnose(&[one, two]).finding.unwrap();
        assert!(
            told.verdict
                .ends_with("It holds a mutex, for which another task waits.")
        );
        assert!(
            !told.cause_named,
            "why the grace period does not end is open"
        );
    }

    #[test]
    fn a_named_holder_names_the_cause() {
        let mut one = hung("a:1", 1, "desk_write");
        one.details.push(detail(
            "blocker",
            "INFO: task a:1 is blocked on a mutex likely owned by task b:2.",
        ));
        let told = finding(one);
        assert!(told.cause_named);
        assert!(told.verdict.ends_with("b (pid 2) holds it."));
    }
}
