//! Where to look in an event: what several detectors ask of it.

use base::{Detail, Frame, LogEvent, Trace, Trust};

use crate::detectors::{Nature, nature};
use crate::helpers::is_helper;
use crate::words;

/// What the event says under `name`, in the order of printing.
pub fn details<'a>(event: &'a LogEvent, name: &'a str) -> impl Iterator<Item = &'a Detail> {
    event
        .details
        .iter()
        .filter(move |detail| detail.name == name)
}

/// Kinds of reports that are printed from an interrupt about the code that it interrupted.
const FROM_INTERRUPT: &[&str] = &[
    "soft_lockup",
    "hard_lockup",
    "rcu_stall",
    "nmi",
    "workqueue_lockup",
];

/// The place of the program counter in the kernel.
///
/// Registers that stand inside of a trace are those of interrupted code: for a report that is
/// not about that code they say nothing.
pub fn pc(event: &LogEvent) -> Option<&Frame> {
    let about_interrupted = FROM_INTERRUPT.contains(&event.kind.as_str());
    let trace = event.traces.first().map_or(u64::MAX, |trace| trace.line);
    event
        .registers
        .iter()
        .filter(|set| set.whose != "user")
        .filter(|set| about_interrupted || set.line <= trace)
        .find_map(|set| set.pc.as_ref())
        .filter(|frame| frame.function.is_some())
}

/// The name of the function held responsible: as told, else as the title ends in it.
pub fn responsible(event: &LogEvent) -> Option<&str> {
    let named = || event.title.rsplit_once(" in ").map(|(_, name)| name);
    event.frame.as_deref().or_else(named).filter(|name| {
        // A corrupted report ends in "in corrupted".
        *name != "corrupted"
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.$:<>".contains(&b))
    })
}

/// The frame of the function held responsible, where it stands in the event.
pub fn blamed(event: &LogEvent) -> Option<&Frame> {
    let name = responsible(event)?;
    let traced = event.traces.iter().flat_map(|trace| &trace.frames);
    pc(event).into_iter().chain(traced).find(|frame| {
        frame
            .function
            .as_deref()
            .is_some_and(|function| plain(function) == plain(name))
    })
}

/// A function's name without the suffixes of the compiler.
pub fn plain(function: &str) -> &str {
    function.split('.').next().unwrap_or(function)
}

/// Where it happened: the function that ran, or the one that called it when that is a mere
/// helper, as exactly as it is known.
pub fn spot(event: &LogEvent) -> Option<&Frame> {
    certain(event).or_else(|| event.traces.first().and_then(worker))
}

/// The same without the guess at a trace that names nobody.
fn certain(event: &LogEvent) -> Option<&Frame> {
    let working = |frame: &&Frame| {
        frame
            .function
            .as_deref()
            .is_some_and(|name| !is_helper(name))
    };
    if let Some(pc) = pc(event).filter(working) {
        return Some(pc);
    }
    let blamed = blamed(event)?;
    let caller = || event.traces.first().and_then(worker).filter(working);
    Some(blamed)
        .filter(working)
        .or_else(caller)
        .or(Some(blamed))
}

/// The same in words.
pub fn place(event: &LogEvent) -> Option<String> {
    certain(event)
        .map(words::frame)
        .or_else(|| responsible(event).map(str::to_owned))
        .or_else(|| event.traces.first().and_then(worker).map(words::frame))
        .or_else(|| pc(event).map(words::frame))
}

/// The place for the middle of a sentence: ` in f+0x1/0x2`, or nothing.
pub fn in_place(event: &LogEvent) -> String {
    place(event).map_or_else(String::new, |place| format!(" in {place}"))
}

/// The place of an instruction that failed, with its caller when it is a mere helper.
pub fn in_instruction(event: &LogEvent) -> String {
    let Some(pc) = pc(event) else {
        return in_place(event);
    };
    let at = words::frame(pc);
    match place(event).filter(|place| *place != at) {
        Some(caller) => format!(" in {at}, called from {caller}"),
        None => format!(" in {at}"),
    }
}

/// The name of that function, or a stand-in.
pub fn culprit(event: &LogEvent) -> String {
    certain(event)
        .map(words::function)
        .or_else(|| responsible(event).map(str::to_owned))
        .or_else(|| event.traces.first().and_then(worker).map(words::function))
        .or_else(|| pc(event).map(words::function))
        .unwrap_or_else(|| "the kernel".to_owned())
}

/// The trace whose label holds one of `words`, in any case.
pub fn trace<'a>(event: &'a LogEvent, words: &[&str]) -> Option<&'a Trace> {
    event.traces.iter().find(|trace| {
        let label = trace.label.to_ascii_lowercase();
        words.iter().any(|word| label.contains(word))
    })
}

/// The first frame of a trace that works for itself, not for its caller.
pub fn worker(trace: &Trace) -> Option<&Frame> {
    // "(stack is not available)" is no frame.
    let reliable = |frame: &&Frame| {
        frame.trust != Trust::PrintedAsUnreliable
            && frame
                .function
                .as_deref()
                .is_some_and(|name| name != "stack")
    };
    let helper = |frame: &&Frame| frame.function.as_deref().is_some_and(is_helper);
    trace
        .frames
        .iter()
        .filter(reliable)
        .find(|frame| !helper(frame))
        .or_else(|| trace.frames.iter().find(reliable))
}

/// The reliable functions from the one held responsible outwards, and the line of the trace.
pub fn call_path(event: &LogEvent, limit: usize) -> Option<(String, u64)> {
    let trace = event.traces.first()?;
    let reliable: Vec<&Frame> = trace
        .frames
        .iter()
        .filter(|frame| frame.trust != Trust::PrintedAsUnreliable && frame.function.is_some())
        .collect();
    let name = |frame: &&Frame| frame.function.as_deref().map(plain).map(str::to_owned);
    let spot = spot(event);
    let wanted = spot.as_ref().and_then(name);
    // A trace may begin on the stack of the interrupt that printed it.
    let inner = reliable.first().and_then(|frame| frame.stack.as_ref());
    let outer = reliable
        .iter()
        .position(|frame| frame.stack.as_ref() != inner)
        .unwrap_or_default();
    // Of a death the trace begins below the instruction, on whatever stack that was.
    let died = nature(event) == Nature::Death;
    let start = reliable
        .iter()
        .position(|frame| name(frame) == wanted)
        .unwrap_or(if died { 0 } else { outer });
    let mut names: Vec<String> = Vec::new();
    if let Some(spot) = spot
        && reliable
            .get(start)
            .is_some_and(|frame| name(frame) != wanted)
    {
        names.push(words::function(spot));
    }
    names.extend(
        reliable
            .iter()
            .skip(start)
            .map(|frame| words::function(frame))
            .take(limit.saturating_sub(names.len())),
    );
    (names.len() > 1).then(|| (names.join(" ← "), trace.line))
}

/// The kernel object to get debug info for: `bonding.ko`, or the kernel itself.
pub fn object(event: &LogEvent) -> String {
    match spot(event).and_then(|place| place.module.as_deref()) {
        Some(module) => format!("{module}.ko"),
        None => "vmlinux".to_owned(),
    }
}

/// The text between `before` and `after`.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inside, _)| inside)
}

/// Whether `text` holds `words`, in any case.
pub fn says(text: &str, words: &str) -> bool {
    text.to_ascii_lowercase()
        .contains(&words.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, event, trace as frames};

    #[test]
    fn the_function_held_responsible_is_found_where_it_stands() {
        let mut warning = event("refcount", 1);
        warning.frame = Some("ticket_put".into());
        warning.registers = vec![at("refcount_warn_saturate")];
        warning.traces = vec![frames(
            "Call Trace",
            &["ticket_put.isra.0", "desk_close", "vfs_write"],
        )];
        assert_eq!(place(&warning).unwrap(), "ticket_put.isra.0+0x10/0x20");
        assert_eq!(
            call_path(&warning, 4).unwrap().0,
            "ticket_put.isra.0 ← desk_close ← vfs_write"
        );
        warning.registers = vec![at("desk_audit")];
        assert_eq!(place(&warning).unwrap(), "desk_audit+0x10/0x20");
        assert_eq!(
            call_path(&warning, 2).unwrap().0,
            "desk_audit ← ticket_put.isra.0"
        );
    }

    #[test]
    fn allocators_work_for_their_callers() {
        let free = frames(
            "Freed by task 7",
            &[
                "kasan_save_stack",
                "__kasan_slab_free",
                "kfree",
                "desk_close",
            ],
        );
        assert_eq!(words::function(worker(&free).unwrap()), "desk_close");
    }
}
