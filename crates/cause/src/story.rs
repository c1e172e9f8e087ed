//! How every other event stands to the one of the verdict.

use std::collections::BTreeMap;

use base::{LineSpan, LogEvent, Trust};

use crate::detectors::{Nature, nature};
use crate::diagnosis::{Relation, StoryRow};
use crate::helpers::is_helper;
use crate::order::{Order, apart, same_task};
use crate::{LogFacts, clues, taint, words};

/// Events of one task this close together belong together.
const CLOSE_US: u64 = 5_000_000;

/// Rows for all events but `main`, those of one title and relation folded into one.
pub fn tell(facts: &LogFacts<'_>, order: &Order, main: Option<u32>) -> Vec<StoryRow> {
    let mut rows: Vec<StoryRow> = Vec::new();
    // A log may hold very many titles.
    let mut places: BTreeMap<(Relation, u32, &str), usize> = BTreeMap::new();
    for (index, event) in (0u32..).zip(facts.events) {
        if Some(index) == main {
            rows.extend(ending(index, event));
            continue;
        }
        let (relation, why, trust) = match main {
            Some(main) => relate(facts, order, main, index),
            None => note(),
        };
        let key = (relation, event.span.input, event.title.as_str());
        let next = rows.len();
        let at = *places.entry(key).or_insert(next);
        match rows.get_mut(at) {
            Some(row) => row.events.push(index),
            None => rows.push(StoryRow {
                relation,
                title: event.title.clone(),
                events: vec![index],
                why,
                trust,
                span: event.span,
            }),
        }
    }
    rows
}

/// The panic with which the verdict's event itself ended.
fn ending(index: u32, event: &LogEvent) -> Option<StoryRow> {
    let message = event.panic.as_deref()?;
    // An event that is the panic is told by its own title.
    (nature(event) != Nature::Panic).then(|| StoryRow {
        relation: Relation::Consequence,
        title: format!("kernel panic: {message}"),
        events: vec![index],
        why: panic_link(nature(event), event)
            .unwrap_or("The same report ends in it.")
            .to_owned(),
        trust: Trust::PrintedByKernel,
        span: LineSpan {
            start: event.span.end,
            ..event.span
        },
    })
}

fn note() -> (Relation, String, Trust) {
    let why = "No defect of the kernel by itself.".to_owned();
    (Relation::Note, why, Trust::Inferred)
}

/// How the event `index` stands to `main`, and why.
pub fn relate(
    facts: &LogFacts<'_>,
    order: &Order,
    main: u32,
    index: u32,
) -> (Relation, String, Trust) {
    let (Some(first), Some(event)) = (facts.event(main), facts.event(index)) else {
        return note();
    };
    let other_input = first.span.input != event.span.input;
    let separate = |why: &str| (Relation::Separate, why.to_owned(), Trust::Inferred);
    if index < main && !other_input {
        return earlier(first, event);
    }
    let dump_of_dying = event.kind == "nmi" && nature(first) == Nature::Death;
    if nature(event) == Nature::Note && !(dump_of_dying && order.same_boot(main, index)) {
        return note();
    }
    if event.title == first.title {
        let why = "The same title again.".to_owned();
        return (Relation::Repeat, why, Trust::Computed);
    }
    if other_input {
        return separate("It stands in another input.");
    }
    if !order.same_boot(main, index) {
        return separate("It happened after a restart of the machine.");
    }
    later(first, event)
}

fn earlier(first: &LogEvent, event: &LogEvent) -> (Relation, String, Trust) {
    let mut why = match apart(event, first) {
        Some(time) => format!("It happened {} before.", words::duration(time)),
        None => "It stands before the first crash.".to_owned(),
    };
    if nature(event) == Nature::Complaint && taint::has(first, 'W') {
        why.push_str(" Taint W in the verdict's event remembers an earlier warning.");
    }
    (Relation::Earlier, why, Trust::PrintedByKernel)
}

/// An event after the first one in the same boot.
fn later(first: &LogEvent, event: &LogEvent) -> (Relation, String, Trust) {
    let (cause, effect) = (nature(first), nature(event));
    let consequence = |why: &str, trust: Trust| (Relation::Consequence, why.to_owned(), trust);
    if effect == Nature::Panic {
        if let Some(why) = panic_link(cause, event) {
            return consequence(why, Trust::PrintedByKernel);
        }
        if matches!(cause, Nature::Death | Nature::Panic) {
            return consequence("The kernel gave up after the first crash.", Trust::Inferred);
        }
    }
    let dying = matches!(cause, Nature::Death | Nature::Panic);
    if dying && (effect == Nature::Stall || event.kind == "nmi") {
        return consequence(
            "A crash leaves locks held and may stop its CPU; what waits for them stalls.",
            Trust::Inferred,
        );
    }
    let broken = dying || cause == Nature::Damage;
    if taint::has(event, 'D') && !taint::has(first, 'D') && broken {
        return consequence(
            "The kernel had already died once when this was printed (taint D, which the first lacks).",
            Trust::PrintedByKernel,
        );
    }
    if taint::has(event, 'B') && !taint::has(first, 'B') && cause == Nature::Damage {
        return consequence(
            "Memory was known to be bad when this was printed (taint B, which the first lacks).",
            Trust::PrintedByKernel,
        );
    }
    if taint::has(event, 'M') && !taint::has(first, 'M') && cause == Nature::Hardware {
        return consequence(
            "A machine check stands before it (taint M, which the first lacks).",
            Trust::PrintedByKernel,
        );
    }
    if cause == Nature::Stall && effect == Nature::Stall {
        let why = "Another sign of something that does not move, in the same boot.".to_owned();
        return (Relation::Together, why, Trust::Inferred);
    }
    let close = apart(first, event).filter(|time| *time <= CLOSE_US);
    if let Some(time) = close.filter(|_| same_task(first, event)) {
        let time = words::duration(time);
        let grave = cause != Nature::Complaint || effect != Nature::Complaint;
        return match grave {
            true => consequence(
                &format!("The same task, {time} later: likely a consequence."),
                Trust::Inferred,
            ),
            false => {
                let why =
                    format!("The same task, {time} later; nothing printed ties it to the first.");
                (Relation::Separate, why, Trust::Inferred)
            }
        };
    }
    if let Some(function) = shared(first, event) {
        let why =
            format!("{function} stands in the trace of the first, too: likely the same trouble.");
        return (Relation::Together, why, Trust::Inferred);
    }
    let why = if taint::has(event, 'W') && !taint::has(first, 'W') && cause == Nature::Complaint {
        "It came later (taint W proves it); nothing printed ties it to the first."
    } else {
        "Nothing printed ties it to the first."
    };
    (Relation::Separate, why.to_owned(), Trust::Inferred)
}

/// Frames of a trace among which a function that two events share means something.
const NEAR: usize = 8;

/// Functions through which unrelated work passes.
const CROSSROADS: &[&str] = &[
    "vfs_",
    "ksys_",
    "__se_sys_",
    "__x64_sys_",
    "__arm64_sys_",
    "do_syscall",
    "entry_",
    "proc_reg_",
    "kthread",
    "worker_thread",
    "process_one_work",
    "process_scheduled_works",
    "ret_from",
    "do_idle",
    "schedule",
    "call_timer",
    "__run_timers",
    "do_softirq",
    "irq_exit",
    "invoke_syscall",
    "el0",
    "sock_sendmsg",
    "__sys_",
    "do_exit",
    "do_group_exit",
    "new_sync_",
    "new_slab",
    "cpu_startup_entry",
];

/// The function of the later event, where the first one ran through it, too.
fn shared<'a>(first: &LogEvent, event: &'a LogEvent) -> Option<&'a str> {
    let name = clues::plain(clues::responsible(event)?);
    if is_helper(name) || CROSSROADS.iter().any(|start| name.starts_with(start)) {
        return None;
    }
    first
        .traces
        .first()?
        .frames
        .iter()
        .filter(|frame| frame.trust == Trust::PrintedByKernel)
        .take(NEAR)
        .any(|frame| frame.function.as_deref().map(clues::plain) == Some(name))
        .then_some(name)
}

/// Why a panic follows from an event of nature `cause`, by the panic's own words.
fn panic_link(cause: Nature, event: &LogEvent) -> Option<&'static str> {
    /// Words of a panic, the natures it can follow from, and what it means.
    const LINKS: &[(&str, &[Nature], &str)] = &[
        (
            "Fatal exception",
            &[Nature::Death],
            "The panic says that it follows from a fatal exception.",
        ),
        (
            "Fatal hardware error",
            &[Nature::Hardware],
            "The panic says that it follows from a hardware error.",
        ),
        (
            "Fatal machine check",
            &[Nature::Hardware],
            "The panic says that it follows from a machine check.",
        ),
        (
            "panic_on_warn",
            &[Nature::Complaint, Nature::Damage],
            "The kernel is set to panic on any warning (panic_on_warn).",
        ),
        (
            "panic_on_oops",
            &[Nature::Death],
            "The kernel is set to panic on any oops (panic_on_oops).",
        ),
        (
            "hung_task",
            &[Nature::Stall],
            "The kernel is set to panic on a hung task (hung_task_panic).",
        ),
        (
            "softlockup",
            &[Nature::Stall],
            "The kernel is set to panic on a soft lockup (softlockup_panic).",
        ),
        (
            "Hard LOCKUP",
            &[Nature::Stall],
            "The kernel is set to panic on a hard lockup.",
        ),
        (
            "RCU Stall",
            &[Nature::Stall],
            "The kernel is set to panic on an RCU stall (panic_on_rcu_stall).",
        ),
        (
            "kasan",
            &[Nature::Damage],
            "The kernel is set to panic on a memory error found by KASAN.",
        ),
        (
            "kill init",
            &[Nature::Death],
            "The first process died, and no system lives without it.",
        ),
        (
            "idle task",
            &[Nature::Death],
            "The task that died was the idle task, and no CPU lives without it.",
        ),
        (
            "killing interrupt handler",
            &[Nature::Death],
            "The first crash happened in an interrupt, which cannot be killed alone.",
        ),
    ];
    let message = event.panic.as_deref().unwrap_or_default();
    LINKS
        .iter()
        .find(|(words, natures, _)| {
            natures.contains(&cause)
                && (contains(message, words)
                    || contains(&event.headline, words)
                    || contains(&event.title, words))
        })
        .map(|(_, _, why)| *why)
}

fn contains(text: &str, words: &str) -> bool {
    text.to_ascii_lowercase()
        .contains(&words.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{diagnose, event, trace};

    fn rows(events: &[LogEvent]) -> Vec<(Relation, String)> {
        diagnose(events)
            .story
            .into_iter()
            .map(|row| (row.relation, row.title))
            .collect()
    }

    #[test]
    fn repeats_are_folded() {
        let events = [event("oops", 1), event("oops", 20), event("oops", 40)];
        let story = diagnose(&events).story;
        assert_eq!(story.len(), 1);
        assert_eq!(story[0].relation, Relation::Repeat);
        assert_eq!(story[0].events, [1, 2]);
    }

    #[test]
    fn a_panic_says_what_it_follows_from() {
        let mut panic = event("panic", 20);
        panic.panic = Some("Fatal exception in interrupt".into());
        let told = rows(&[event("oops", 1), panic.clone()]);
        assert_eq!(told, [(Relation::Consequence, "panic in f".to_owned())]);

        panic.panic = Some("VFS: Unable to mount root fs".into());
        let told = rows(&[event("warning", 1), panic]);
        assert_eq!(told, [(Relation::Separate, "panic in f".to_owned())]);
    }

    #[test]
    fn taint_letters_prove_the_order() {
        let mut second = event("general_protection", 30);
        second.machine.taint = Some("GD".into());
        let diagnosis = diagnose(&[event("oops", 1), second]);
        assert_eq!(diagnosis.story[0].relation, Relation::Consequence);
        assert_eq!(diagnosis.story[0].trust, Trust::PrintedByKernel);
        assert!(diagnosis.others.is_empty());
    }

    #[test]
    fn a_shared_function_ties_events_together() {
        let mut first = event("warning", 1);
        first.traces = vec![trace(
            "Call Trace",
            &["__schedule", "archive_fetch", "vfs_write"],
        )];
        let mut stall = event("rcu_stall", 30);
        stall.frame = Some("archive_fetch".into());
        let story = diagnose(&[first.clone(), stall.clone()]).story;
        assert_eq!(story[0].relation, Relation::Together);
        stall.frame = Some("vfs_write".into());
        let story = diagnose(&[first, stall]).story;
        assert_eq!(story[0].relation, Relation::Separate);
    }

    #[test]
    fn another_boot_is_another_story() {
        let mut first = event("oops", 1);
        first.stamp.uptime_us = Some(900_000_000);
        let mut second = event("general_protection", 30);
        second.stamp.uptime_us = Some(2_000_000);
        second.machine.taint = Some("D".into());
        let diagnosis = diagnose(&[first, second]);
        assert_eq!(diagnosis.story[0].relation, Relation::Separate);
        assert_eq!(diagnosis.others.len(), 1);
    }
}
