//! Which event to trust, which finding about it to believe, and what else to say.

use base::{Finding, Gap, LogEvent, Place, Trust};

use crate::detectors::{DETECTORS, Nature, nature};
use crate::diagnosis::{Relation, StoryRow};
use crate::draft::Draft;
use crate::order::{Order, apart};
use crate::scene::Scene;
use crate::{Diagnosis, LogFacts, clues, hangs, memory, provenance, story, taint, words};

/// Findings beside the verdict; the story lists the events of all others.
const MOST_OTHERS: usize = 8;

/// A warning that stands this long before a death, in another task, is not taken for its cause.
const UNRELATED_US: u64 = 60_000_000;

/// Explains logs: picks the event to trust, explains it, and places every other event.
///
/// With several inputs the verdict is about the first crash of the first
/// input that has one, in the order given.
pub fn explain_log(facts: LogFacts<'_>) -> Diagnosis {
    let order = Order::new(facts.events);
    let mut diagnosis = Diagnosis::default();
    let main = choose(&facts, &order, &mut diagnosis.notes);
    match main {
        Some(main) => of_events(&facts, &order, main, &mut diagnosis),
        None => diagnosis.story = story::tell(&facts, &order, None),
    }
    let event = main.and_then(|main| facts.event(main));
    add_hangs(&facts, event, &mut diagnosis);
    diagnosis.gaps = input_gaps(&facts);
    for gap in facts.waits.iter().flat_map(|waits| &waits.gaps) {
        // Of a list that is cut both its readers tell.
        if !diagnosis.gaps.contains(gap) {
            diagnosis.gaps.push(gap.clone());
        }
    }
    diagnosis
}

/// What the events alone tell.
fn of_events(facts: &LogFacts<'_>, order: &Order, main: u32, diagnosis: &mut Diagnosis) {
    diagnosis.finding = explain(facts, order, main);
    diagnosis.story = story::tell(facts, order, Some(main));
    let separate = diagnosis
        .story
        .iter()
        .filter(|row| row.relation == Relation::Separate)
        .filter_map(|row| row.events.first());
    diagnosis.others = separate
        .take(MOST_OTHERS)
        .filter_map(|&index| explain(facts, order, index))
        .collect();
    if let Some(event) = facts.event(main) {
        let letters = event.machine.taint.as_deref().unwrap_or_default();
        diagnosis.taint = taint::marks(letters);
        several_inputs(facts, event, &mut diagnosis.notes);
    }
}

/// Adds who waits for whom. A hang is the verdict where nothing died before it: a report that something does not move
/// is a sign of it, and a crash that was asked for is the way to a dump of it.
fn add_hangs(facts: &LogFacts<'_>, main: Option<&LogEvent>, diagnosis: &mut Diagnosis) {
    let is_suspect = facts
        .events
        .iter()
        .any(|event| nature(event) == Nature::Stall);
    let found = facts
        .waits
        .iter()
        .flat_map(|waits| hangs::find(waits, is_suspect));
    let mut found: Vec<Finding> = found.collect();
    if found.is_empty() {
        return;
    }
    let is_first = main.is_none_or(hangs_before);
    if !is_first {
        diagnosis.others.splice(0..0, found);
        return;
    }
    let mut first = found.remove(0);
    let event = diagnosis.finding.take();
    if let Some(event) = event {
        first.events.clone_from(&event.events);
        found.push(event);
    }
    if let (Some(event), Some(index)) = (main, first.events.first()) {
        diagnosis.story.insert(0, beside_hang(event, *index));
    }
    diagnosis.finding = Some(first);
    diagnosis.others.splice(0..0, found);
}

/// How the event that would be the verdict without a hang stands to it.
fn beside_hang(event: &LogEvent, index: u32) -> StoryRow {
    let (relation, why) = match nature(event) {
        Nature::Stall => (
            Relation::Together,
            "The kernel noticed that something did not move.",
        ),
        Nature::Note => (Relation::Note, "No defect of the kernel by itself."),
        _ => (
            Relation::Consequence,
            "The system was ended when it hung already.",
        ),
    };
    StoryRow {
        relation,
        title: event.title.clone(),
        events: vec![index],
        why: why.to_owned(),
        trust: Trust::Inferred,
        span: event.span,
    }
}

/// Whether a hang explains an event, or was there before it.
fn hangs_before(event: &LogEvent) -> bool {
    let is_asked_for = event.title.contains("sysrq") || event.kind == "sysrq";
    match nature(event) {
        Nature::Stall | Nature::Note => true,
        Nature::Panic => {
            let message = event.panic.as_deref().unwrap_or(&event.headline);
            is_asked_for
                || [
                    "sysrq triggered crash",
                    "hung_task",
                    "softlockup",
                    "hard LOCKUP",
                    "RCU Stall",
                ]
                .iter()
                .any(|of| message.contains(of))
        }
        _ => is_asked_for,
    }
}

/// The event that the verdict is about.
fn choose(facts: &LogFacts<'_>, order: &Order, notes: &mut Vec<String>) -> Option<u32> {
    let all = || (0u32..).zip(facts.events);
    let Some((first, event)) = all().find(|(_, event)| event.crash) else {
        // No defect: the first note that a detector has an answer to.
        return all()
            .map(|(index, _)| index)
            .find(|&index| explain(facts, order, index).is_some());
    };
    if nature(event) != Nature::Complaint {
        return Some(first);
    }
    // A warning long before an unrelated death is not what the reader asks about.
    let death = all().find(|(index, later)| {
        *index > first
            && later.span.input == event.span.input
            && matches!(nature(later), Nature::Death | Nature::Panic)
            && later.crash
    });
    let Some((index, later)) = death else {
        return Some(first);
    };
    let far = !order.same_boot(first, index)
        || apart(event, later).is_some_and(|time| time >= UNRELATED_US);
    let separate = matches!(
        story::relate(facts, order, first, index).0,
        Relation::Separate
    );
    if far && separate {
        notes.push(format!(
            "The first report in the log is a warning ({}, line {}), and nothing ties it to what \
             stopped the system later; the verdict is about the latter.",
            event.title, event.span.start
        ));
        return Some(index);
    }
    Some(first)
}

/// The best finding about one event.
fn explain(facts: &LogFacts<'_>, order: &Order, index: u32) -> Option<Finding> {
    let event = facts.event(index)?;
    let traced = facts.tracer.and_then(|tracer| tracer.trace(event));
    let scene = Scene {
        facts: *facts,
        order,
        event,
        index,
        traced: traced.as_ref(),
    };
    let mut best: Option<(&str, Draft)> = None;
    for detector in DETECTORS {
        let Some(draft) = (detector.explain)(&scene) else {
            continue;
        };
        if best
            .as_ref()
            .is_none_or(|(_, known)| draft.rank() > known.rank())
        {
            best = Some((detector.name, draft));
        }
    }
    let (name, mut draft) = best?;
    draft = memory::beside(&scene, draft);
    if event.kind != "hardware_error" {
        draft = hardware_before(&scene, draft);
    }
    if event.corrupted.is_some() {
        // What a damaged report names may belong to another one.
        draft = draft.doubtful();
    }
    let are_files_given = facts.tracer.is_some();
    let mut finding = draft.finish(name, index, event, places(event), are_files_given);
    if let Some(traced) = traced.filter(|traced| traced.provenance.is_none()) {
        // Why the files do not tell is said, whoever else has an answer.
        finding.gaps.extend(traced.gaps);
    }
    finding
        .gaps
        .extend(event_gaps(event, finding.provenance.is_none()));
    Some(finding)
}

/// A hardware error before a crash makes every other explanation doubtful.
fn hardware_before(scene: &Scene<'_>, draft: Draft) -> Draft {
    let Some((index, error)) = scene.before().find(|(_, event)| nature_of_hardware(event)) else {
        return draft;
    };
    draft
        .says_at(
            format!("A hardware error stands before it: \"{}\"", error.headline),
            Trust::PrintedByKernel,
            error.span,
        )
        .rests_on(index)
        .next("Suspect the hardware first: an error of it stands in the log before the crash.")
}

/// Also one that is only a note.
fn nature_of_hardware(event: &LogEvent) -> bool {
    DETECTORS
        .iter()
        .any(|detector| (detector.nature)(event) == Some(Nature::Hardware))
}

/// Where it happened, as far as every event tells it.
fn places(event: &LogEvent) -> Vec<Place> {
    let mut places = Vec::new();
    let mut add = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            places.push(Place {
                label: label.to_owned(),
                value,
            });
        }
    };
    let place = clues::place(event);
    let instruction = clues::pc(event)
        .map(words::frame)
        .filter(|pc| place.as_ref() != Some(pc));
    let is_code = clues::spot(event).is_some() || event.crash;
    add(if is_code { "function" } else { "object" }, place);
    add("instruction", instruction);
    add("process", words::task(&event.task));
    add("context", event.task.context.clone());
    add("CPU", event.task.cpu.map(|cpu| cpu.to_string()));
    add("when", when(event));
    add("host", event.stamp.host.clone());
    let machine = &event.machine;
    let kernel = [&machine.release, &machine.version]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    add("kernel", Some(kernel));
    add("architecture", machine.arch.clone());
    add("hardware", machine.hardware.clone());
    // MIPS prints the processor, and no board.
    add("processor", event.detail("PrId").map(str::to_owned));
    places
}

fn when(event: &LogEvent) -> Option<String> {
    let uptime = event
        .stamp
        .uptime_us
        .map(|us| format!("{}.{:06} s after boot", us / 1_000_000, us % 1_000_000));
    match (&event.stamp.date, uptime) {
        (Some(date), Some(uptime)) => Some(format!("{date}, {uptime}")),
        (Some(date), None) => Some(date.clone()),
        (None, uptime) => uptime,
    }
}

/// What the event itself lacks; what its code bytes do not tell is no gap where the files told it.
fn event_gaps(event: &LogEvent, by_code_bytes: bool) -> Vec<Gap> {
    let mut gaps = event.gaps.clone();
    if let Some(why) = &event.corrupted {
        gaps.insert(
            0,
            Gap::new("whether the report is whole", why.clone())
                .supply("the log from another source: pstore, netconsole, a serial console"),
        );
    }
    if by_code_bytes && matches!(event.kind.as_str(), "oops" | "general_protection") {
        gaps.extend(provenance::gap(event));
    }
    gaps
}

/// What the inputs lack.
fn input_gaps(facts: &LogFacts<'_>) -> Vec<Gap> {
    let many = facts.inputs.len() > 1;
    let mut gaps = Vec::new();
    for input in facts.inputs {
        for gap in &input.gaps {
            let mut gap = gap.clone();
            if many {
                gap.what = format!("{}: {}", input.name, gap.what);
            }
            gaps.push(gap);
        }
    }
    gaps
}

fn several_inputs(facts: &LogFacts<'_>, event: &LogEvent, notes: &mut Vec<String>) {
    let number = usize::try_from(event.span.input).unwrap_or_default();
    if let (true, Some(input)) = (facts.inputs.len() > 1, facts.inputs.get(number)) {
        notes.push(format!(
            "The verdict is about the first crash of {}, the first of {} inputs that holds one.",
            input.name,
            facts.inputs.len()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;
    use crate::testing::{diagnose, event};

    #[test]
    fn an_empty_log_has_no_verdict() {
        let diagnosis = diagnose(&[]);
        assert_eq!(diagnosis.outcome(), Outcome::NothingWrong);
        assert!(diagnosis.story.is_empty());
    }

    #[test]
    fn a_requested_dump_alone_is_nothing_wrong() {
        let mut dump = event("sysrq", 1);
        dump.crash = false;
        let diagnosis = diagnose(&[dump]);
        assert_eq!(diagnosis.outcome(), Outcome::NothingWrong);
        assert_eq!(diagnosis.story.len(), 1);
    }

    #[test]
    fn a_hardware_error_before_a_crash_is_told() {
        let mut error = event("hardware_error", 1);
        error.crash = false;
        let finding = diagnose(&[error, event("oops", 30)]).finding.unwrap();
        assert_eq!(finding.events, [1, 0]);
        assert!(
            finding
                .next
                .iter()
                .any(|step| step.what.starts_with("Suspect the hardware first"))
        );
    }

    #[test]
    fn a_warning_long_before_an_unrelated_death_is_not_the_verdict() {
        let mut warning = event("warning", 1);
        warning.stamp.uptime_us = Some(1_000_000);
        warning.task.pid = Some(7);
        let mut oops = event("oops", 50);
        oops.stamp.uptime_us = Some(500_000_000);
        oops.task.pid = Some(9);
        let diagnosis = diagnose(&[warning.clone(), oops.clone()]);
        let finding = diagnosis.finding.unwrap();
        assert_eq!(finding.title, "oops in f");
        assert_eq!(diagnosis.notes.len(), 1);
        assert_eq!(diagnosis.story[0].relation, Relation::Earlier);

        oops.stamp.uptime_us = Some(1_200_000);
        let close = diagnose(&[warning, oops]).finding.unwrap();
        assert_eq!(
            close.title, "warning in f",
            "the first event is the one to trust"
        );
    }
}
