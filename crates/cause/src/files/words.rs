//! The way of a bad pointer, step by step, each with how it is known.

use base::{
    Caller, Confidence, EndKind, Evidence, Gap, Guard, Provenance, Registration, Setter, Trust,
};

use super::access::Agreement;
use super::chain::Found;
use super::identity::Fit;
use super::start::Start;
use super::{Sources, WHAT, today, unnamed, verdict};
use crate::Traced;

/// Callers told of one function, and calls followed outwards.
const MOST_CALLERS: usize = 4;
const DEEPEST: u32 = 4;

/// What a story is told of.
pub(super) struct Story<'s, 'w, 'd> {
    pub(super) provenance: &'s Provenance,
    pub(super) start: &'s Start<'w, 'd>,
    pub(super) found: &'s Found,
    pub(super) others: &'s [Found],
    pub(super) fits: &'s [Fit],
    pub(super) sources: &'s dyn Sources,
    pub(super) left_out: Option<String>,
    /// Memory has another value now than the bad one where that was read.
    pub(super) changed: bool,
}

/// Writes it down.
pub(super) fn tell(traced: &mut Traced, story: &Story<'_, '_, '_>) {
    evidence(traced, story);
    let is_cut = story.left_out.is_some();
    verdict::tell(traced, story.provenance, story.start, story.found, is_cut);
    let provenance = story.provenance;
    let is_known = provenance.ends.kind != EndKind::Unknown;
    let is_checked = |fit: &Fit| matches!(fit, Fit::BuildId { .. } | Fit::Code { .. });
    let agrees = story
        .start
        .failed
        .as_ref()
        .is_none_or(|failed| failed.agreement == Agreement::Same);
    let is_sure = provenance.otherwise.is_empty()
        && !provenance.access.consistent
        && story.fits.iter().any(is_checked)
        && agrees;
    traced.confidence = Some(match (is_known, is_sure) {
        (true, true) => Confidence::High,
        (true, false) => Confidence::Medium,
        (false, _) => Confidence::Low,
    });
    if let Some(because) = &provenance.ends.because
        && !is_known
    {
        traced.gaps.push(Gap::new(WHAT, because.clone()));
    }
    if let Some(left_out) = &story.left_out {
        let what = "every place that stores to it";
        traced.gaps.push(Gap::new(what, left_out.clone()));
    }
}

fn say(traced: &mut Traced, says: String, trust: Trust) {
    traced.evidence.push(Evidence {
        says,
        trust,
        span: None,
    });
}

fn evidence(traced: &mut Traced, story: &Story<'_, '_, '_>) {
    let provenance = story.provenance;
    for fit in story.fits {
        say(traced, sentence(&fit.sentence()), fit.trust());
    }
    if let Some(says) = super::rewritten::text(&story.start.level.body) {
        say(traced, says, Trust::Computed);
    }
    say(traced, failed(story.start), Trust::Computed);
    source(traced, story, provenance.access.line.as_deref());
    for step in &story.found.steps {
        say(traced, step.clone(), Trust::ReadFromFile);
    }
    for (number, step) in story.found.object.iter().enumerate() {
        let says = match number {
            0 => format!(
                "The object that holds it: {}",
                step.replacen("It is", "it is", 1)
            ),
            _ => step.clone(),
        };
        say(traced, says, Trust::ReadFromFile);
    }
    for other in story.others {
        let why = other.end.because.as_ref();
        let says = format!(
            "On another way through the code the pointer is from {}{}",
            end_text(other.end.kind, &other.end.what),
            why.map_or_else(String::new, |why| format!(" ({why})"))
        );
        say(traced, says, Trust::Inferred);
    }
    if story.start.level.body.has_hidden_ways {
        let says = "Control may come on ways that the code does not show: it jumps to computed addresses, or has \
                    bytes that were not decoded";
        say(traced, says.to_owned(), Trust::Inferred);
    }
    for (number, held) in provenance.memory.iter().enumerate() {
        let changed = match story.changed && number == 0 {
            true => ", another value than the one that was read: it was changed since",
            false => "",
        };
        let says = format!("In memory {}{changed}", today::text(held));
        say(traced, says, Trust::ReadFromMemory);
    }
    for setter in &provenance.setters {
        say(traced, setter_text(setter), Trust::ReadFromFile);
        source(traced, story, setter.line.as_deref());
        judged(traced, &setter.guards);
        for caller in setter.reached.iter().take(MOST_CALLERS) {
            reached(traced, &setter.function, caller, 0);
        }
    }
    for unnamed in &provenance.unnamed {
        let says = format!(
            "`{}` without its name: {}",
            provenance.ends.what,
            unnamed::text(unnamed)
        );
        let trust = match unnamed.is_sure {
            true => Trust::ReadFromFile,
            false => Trust::Inferred,
        };
        say(traced, says, trust);
    }
    if let Some(handler) = &provenance.handler {
        say(traced, registration(handler), Trust::ReadFromFile);
        source(traced, story, handler.line.as_deref());
    }
}

/// The text of the line, where its file is at hand.
fn source(traced: &mut Traced, story: &Story<'_, '_, '_>, line: Option<&str>) {
    let Some((file, number)) = line.and_then(|line| line.rsplit_once(':')) else {
        return;
    };
    let text = number
        .parse()
        .ok()
        .and_then(|number| story.sources.line(file, number));
    if let Some(text) = text {
        say(
            traced,
            format!("{file}:{number} reads `{}`", text.trim()),
            Trust::ReadFromFile,
        );
    }
}

/// What memory says of conditions.
fn judged(traced: &mut Traced, guards: &[Guard]) {
    for guard in guards {
        if let Some(says) = today::judged(guard) {
            say(traced, says, Trust::ReadFromMemory);
        }
    }
}

/// Ways outwards, one sentence for each call.
fn reached(traced: &mut Traced, function: &str, caller: &Caller, depth: u32) {
    let line = in_line(caller.line.as_deref());
    let under = under(&caller.guards);
    let function = code(function);
    let by = &caller.function;
    let says = match &caller.through {
        Some(through) if through == by => format!("The address of {function} is kept in `{by}`"),
        // Data has no line.
        Some(through) if line.is_empty() => {
            format!("The address of {function} is kept in `{through}` of `{by}`")
        }
        Some(through) => {
            format!(
                "The address of {function} is stored in `{through}` by {}{line}{under}",
                code(by)
            )
        }
        None => {
            let exported = match caller.exported {
                true => ", which any module may call",
                false => "",
            };
            format!(
                "{function} is called by {}{line}{under}{exported}",
                code(by)
            )
        }
    };
    say(traced, says, Trust::ReadFromFile);
    judged(traced, &caller.guards);
    if depth < DEEPEST {
        for next in caller.reached.iter().take(MOST_CALLERS) {
            reached(traced, by, next, depth + 1);
        }
    }
}

/// `` `cmpb $0x0,0x18(%rax)` (null_array.c:85) read 1 byte, `client->assigned`, at rax + 24 = 0x318 ``
fn failed(start: &Start<'_, '_>) -> String {
    let line = in_line(start.line.as_deref());
    let inlined = match start.inlined.as_slice() {
        [] => String::new(),
        names => format!(
            ", in {} inlined there,",
            names
                .iter()
                .map(|name| code(name))
                .collect::<Vec<_>>()
                .join(" in ")
        ),
    };
    let what = start.place.as_ref().and_then(|place| place.text());
    let Some(failed) = &start.failed else {
        let what = what.map_or_else(|| "what it read".to_owned(), |text| format!("`{text}`"));
        let function = code(&start.level.body.name);
        return format!("{function}{line}{inlined} called the function whose address {what} held");
    };
    let verb = match (failed.write, start.reads()) {
        (true, true) => "read and wrote",
        (true, false) => "wrote",
        (false, _) => "read",
    };
    let what = what.map_or_else(String::new, |text| format!(", `{text}`,"));
    let address = crate::provenance::show(&failed.address);
    let computed = failed
        .computed
        .map_or_else(String::new, |computed| format!(" = {computed:#x}"));
    let agrees = match failed.agreement {
        Agreement::Same => ", as the CPU reports",
        _ => "",
    };
    format!(
        "`{}`{line}{inlined} {verb} {}{what} at {address}{computed}{agrees}",
        start.text(),
        bytes(failed.size)
    )
}

fn setter_text(setter: &Setter) -> String {
    let stores = match setter.stores.as_str() {
        "" => "something".to_owned(),
        stores => format!("`{stores}`"),
    };
    let line = in_line(setter.line.as_deref());
    let under = under(&setter.guards);
    format!(
        "{}{line} stores {stores} to `{}`{under}",
        code(&setter.function),
        setter.to
    )
}

fn registration(handler: &Registration) -> String {
    let name = code(&handler.handler);
    let line = in_line(handler.line.as_deref());
    if !handler.by_code {
        return format!(
            "{name} was called through a stored address: `{}` holds it, as a {}",
            handler.by, handler.type_name
        );
    }
    let members: Vec<String> = handler
        .members
        .iter()
        .map(|(member, value)| format!("{member} = {value}"))
        .collect();
    format!(
        "{name} was called through a stored address: {}{line} stores it in a {} with {}",
        code(&handler.by),
        handler.type_name,
        members.join(", ")
    )
}

/// A function in a sentence.
pub(super) fn code(function: &str) -> String {
    format!("{function}()")
}

pub(super) fn bytes(size: u8) -> String {
    match size {
        1 => "1 byte".to_owned(),
        size => format!("{size} bytes"),
    }
}

/// ` (file:line)`, or nothing.
pub(super) fn in_line(line: Option<&str>) -> String {
    line.map_or_else(String::new, |line| format!(" ({line})"))
}

/// What an end is, for the middle of a sentence.
pub(super) fn end_text(kind: EndKind, what: &str) -> String {
    match kind {
        EndKind::Member | EndKind::Freed | EndKind::Poison | EndKind::Stack => format!("`{what}`"),
        EndKind::Global => format!("the variable `{what}`"),
        EndKind::Argument => verdict::argument(what),
        EndKind::Return => format!("the {what}"),
        EndKind::Unknown => what.to_owned(),
    }
}

/// ` under a and b`, or nothing.
pub(super) fn under(guards: &[Guard]) -> String {
    let texts: Vec<String> = guards
        .iter()
        .map(|guard| format!("`{}`", guard.condition))
        .collect();
    match texts.as_slice() {
        [] => String::new(),
        texts => format!(" under {}", texts.join(" and ")),
    }
}

/// A comparison as a sentence: it begins with a capital letter where it does not begin with a name.
fn sentence(text: &str) -> String {
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => text.to_owned(),
    }
}
