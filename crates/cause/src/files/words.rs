//! The way of a bad pointer in sentences.

use base::{
    Access, Caller, Confidence, EndKind, Evidence, Gap, Guard, NextStep, Provenance, Setter, Trust,
};

use super::access::Agreement;
use super::chain::Found;
use super::identity::Fit;
use super::start::Start;
use super::{Sources, WHAT};
use crate::Traced;

/// Callers told of one setter.
const MOST_CALLERS: usize = 4;

/// What a story is told of.
pub(super) struct Story<'s, 'w, 'd> {
    pub(super) provenance: &'s Provenance,
    pub(super) start: &'s Start<'w, 'd>,
    pub(super) found: &'s Found,
    pub(super) others: &'s [Found],
    pub(super) fits: &'s [Fit],
    pub(super) sources: &'s dyn Sources,
    pub(super) left_out: Option<String>,
}

/// Writes it down.
pub(super) fn tell(traced: &mut Traced, story: &Story<'_, '_, '_>) {
    evidence(traced, story);
    verdict(traced, story);
    let provenance = story.provenance;
    let is_known = provenance.ends.kind != EndKind::Unknown;
    let is_only = provenance.otherwise.is_empty();
    let is_checked = story
        .fits
        .iter()
        .any(|fit| matches!(fit, Fit::BuildId { .. } | Fit::Code { .. }));
    let agrees = story
        .start
        .failed
        .as_ref()
        .is_none_or(|failed| failed.agreement == Agreement::Same);
    traced.confidence = Some(match (is_known, is_only && is_checked && agrees) {
        (true, true) => Confidence::High,
        (true, false) => Confidence::Medium,
        (false, _) => Confidence::Low,
    });
    traced.cause_named = is_known && names_cause(provenance);
    if let Some(because) = &provenance.ends.because
        && !is_known
    {
        traced.gaps.push(Gap::new(WHAT, because.clone()));
    }
    if let Some(left_out) = &story.left_out {
        traced
            .gaps
            .push(Gap::new("every place that stores to it", left_out.clone()));
    }
}

/// Whether it is told who should have done what: who sets it, who passed a constant, who returned it.
fn names_cause(provenance: &Provenance) -> bool {
    !provenance.setters.is_empty()
        || provenance.passed.is_some()
        || provenance.ends.kind == EndKind::Return
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
    say(traced, failed(story), Trust::Computed);
    source(traced, story, provenance.access.line.as_deref());
    for step in &story.found.steps {
        say(traced, step.clone(), Trust::Computed);
    }
    for other in story.others {
        let says = format!(
            "By the way that control took it may instead be {}{}",
            end_text(&other.end.kind, &other.end.what),
            other
                .end
                .because
                .as_ref()
                .map_or_else(String::new, |why| format!(" ({why})"))
        );
        say(traced, says, Trust::Inferred);
    }
    if story.start.level.body.has_hidden_ways {
        let says = "Control may come on ways that the code does not show (a jump to a computed address, or bytes \
                    that were not decoded)";
        say(traced, says.to_owned(), Trust::Inferred);
    }
    for setter in &provenance.setters {
        say(traced, setter_text(setter), Trust::Computed);
        source(traced, story, setter.line.as_deref());
        for caller in setter.reached.iter().take(MOST_CALLERS) {
            reached(traced, &setter.function, caller, 0);
        }
    }
    if let Some(handler) = &provenance.handler
        && !handler.by_code
    {
        let says = format!(
            "{}() was called through a stored address: `{}` holds it, as a {}",
            handler.handler, handler.by, handler.type_name
        );
        say(traced, says, Trust::Computed);
    } else if let Some(handler) = &provenance.handler {
        let members: Vec<String> = handler
            .members
            .iter()
            .map(|(member, value)| format!("{member} = {value}"))
            .collect();
        let line = in_line(handler.line.as_deref());
        let says = format!(
            "{}() was called through a stored address: {}(){line} stores it in a {} with {}",
            handler.handler,
            handler.by,
            handler.type_name,
            members.join(", ")
        );
        say(traced, says, Trust::Computed);
    }
}

/// The text of the line, where its file is at hand.
fn source(traced: &mut Traced, story: &Story<'_, '_, '_>, line: Option<&str>) {
    let Some((file, number)) = line.and_then(|line| line.rsplit_once(':')) else {
        return;
    };
    let Ok(number) = number.parse() else {
        return;
    };
    if let Some(text) = story.sources.line(file, number) {
        say(
            traced,
            format!("{file}:{number}: `{}`", text.trim()),
            Trust::Computed,
        );
    }
}

/// Ways outwards, one sentence for each call.
fn reached(traced: &mut Traced, function: &str, caller: &Caller, depth: u32) {
    let line = in_line(caller.line.as_deref());
    let under = under(&caller.guards);
    let says = match &caller.through {
        Some(through) if caller.function == *through => {
            format!("{function}() is kept in `{through}`")
        }
        Some(through) => format!(
            "{function}() is kept in {through} by {}{line}{under}",
            caller.function
        ),
        None => {
            let exported = if caller.exported {
                ", which is exported to all modules"
            } else {
                ""
            };
            format!(
                "{function}() is called by {}(){line}{under}{exported}",
                caller.function
            )
        }
    };
    say(traced, says, Trust::Computed);
    if depth < 4 {
        for next in caller.reached.iter().take(MOST_CALLERS) {
            reached(traced, &caller.function, next, depth + 1);
        }
    }
}

/// `` `cmpb $0x0,0x18(%rax)` (null_array.c:85) read 1 byte of `client->assigned` at 0x318, … ``
fn failed(story: &Story<'_, '_, '_>) -> String {
    let start = story.start;
    let line = in_line(start.line.as_deref());
    let inlined = match start.inlined.as_slice() {
        [] => String::new(),
        names => format!(", in {}() inlined there", names.join("() in ")),
    };
    let Some(failed) = &start.failed else {
        let what = start.place.as_ref().and_then(|place| place.text());
        let what = what.map_or_else(|| "a stored address".to_owned(), |text| format!("`{text}`"));
        return format!(
            "`{}`{line}{inlined} called the function that {what} held",
            start.text()
        );
    };
    let verb = if failed.write { "wrote" } else { "read" };
    let what = start.place.as_ref().and_then(|place| place.text());
    let what = what.map_or_else(String::new, |text| format!(", `{text}`"));
    let address = start.address().map_or_else(String::new, |address| {
        format!(" at {}", crate::provenance::show(address))
    });
    let computed = failed
        .computed
        .map_or_else(String::new, |computed| format!(" = {computed:#x}"));
    let agrees = match failed.agreement {
        Agreement::Same => ", as the CPU reports",
        _ => "",
    };
    format!(
        "`{}`{line}{inlined} {verb} {}{what}{address}{computed}{agrees}",
        start.text(),
        bytes(failed.size)
    )
}

fn bytes(size: u8) -> String {
    match size {
        1 => "1 byte".to_owned(),
        size => format!("{size} bytes"),
    }
}

fn in_line(line: Option<&str>) -> String {
    line.map_or_else(String::new, |line| format!(" ({line})"))
}

/// What it is, for the middle of a sentence.
fn end_text(kind: &EndKind, what: &str) -> String {
    match kind {
        EndKind::Member | EndKind::Freed | EndKind::Poison | EndKind::Stack => format!("`{what}`"),
        EndKind::Global => format!("the variable `{what}`"),
        EndKind::Argument => what.to_owned(),
        EndKind::Return => format!("the {what}"),
        EndKind::Unknown => what.to_owned(),
    }
}

fn setter_text(setter: &Setter) -> String {
    let stores = match setter.stores.as_str() {
        "" => String::new(),
        stores => format!(" `{stores}`"),
    };
    let line = in_line(setter.line.as_deref());
    format!(
        "{}(){line} stores{stores} there{}",
        setter.function,
        under(&setter.guards)
    )
}

/// ` under a and b`, or nothing.
fn under(guards: &[Guard]) -> String {
    match guards {
        [] => String::new(),
        guards => {
            let texts: Vec<String> = guards
                .iter()
                .map(|guard| format!("`{}`", guard.condition))
                .collect();
            format!(" under {}", texts.join(" and "))
        }
    }
}

fn verdict(traced: &mut Traced, story: &Story<'_, '_, '_>) {
    let provenance = story.provenance;
    traced
        .verdict
        .push(access_sentence(&provenance.access, story));
    traced.verdict.push(end_sentence(story));
    if let Some(sentence) = setters_sentence(provenance) {
        traced.verdict.push(sentence);
    }
    if let Some(sentence) = handler_sentence(provenance) {
        traced.verdict.push(sentence);
    }
    if provenance.ends.kind == EndKind::Freed {
        traced.next.push(NextStep {
            what: "Find who freed the object: boot with slub_debug=FZPU, or a kernel with KASAN, prints it."
                .to_owned(),
            command: None,
        });
    }
}

fn access_sentence(access: &Access, story: &Story<'_, '_, '_>) -> String {
    let place = in_line(access.line.as_deref());
    let value = &story.provenance.ends.value;
    let value = value
        .as_ref()
        .map_or_else(|| "bad".to_owned(), Clone::clone);
    if access.fetch {
        let member = match access.member.as_str() {
            "" => "a stored address".to_owned(),
            member => format!("`{member}` of {}", access.type_name),
        };
        return format!(
            "{}(){place} called through {member}, which was {value}.",
            access.function
        );
    }
    let verb = if access.write { "wrote" } else { "read" };
    let member = match (access.member.as_str(), access.type_name.as_str()) {
        (_, "") => format!("{} at offset {}", bytes(access.size), access.offset),
        ("", of) => bytes_of(access, of),
        (member, of) => format!("`{member}` (offset {}) of {of}", access.offset),
    };
    let element = match (access.index, access.element_size) {
        (Some(index), Some(size)) => {
            format!(" in element {index} of an array, elements of {size} bytes,")
        }
        _ => String::new(),
    };
    format!(
        "{}(){place} {verb} {member}{element} through a pointer that was {value}.",
        access.function
    )
}

fn bytes_of(access: &Access, of: &str) -> String {
    match access.offset {
        0 => format!("a {of}"),
        offset => format!("{} at offset {offset} of {of}", bytes(access.size)),
    }
}

fn end_sentence(story: &Story<'_, '_, '_>) -> String {
    let provenance = story.provenance;
    let end = &provenance.ends;
    let through = match provenance.through.last() {
        Some(last) if end.kind != EndKind::Unknown => format!(", handed on as {last}()"),
        _ => String::new(),
    };
    let otherwise: Vec<String> = provenance
        .otherwise
        .iter()
        .map(|end| end_text(&end.kind, &end.what))
        .collect();
    let or = match otherwise.as_slice() {
        [] => String::new(),
        others => format!(
            ", or, by the way that control took, {}",
            others.join(", or ")
        ),
    };
    match end.kind {
        EndKind::Argument => {
            let passed = match &provenance.passed {
                Some(passed) => format!(
                    ": {}(){} passed {}",
                    passed.by,
                    in_line(passed.line.as_deref()),
                    passed.value
                ),
                None => String::new(),
            };
            format!("It is {}(){through}{or}{passed}.", end.what)
        }
        EndKind::Return => format!("It is the {}{through}{or}.", end.what),
        EndKind::Stack => format!(
            "It was read from `{}`, in the local variable `{}` on the stack{through}{or}.",
            end.what,
            end.variable.as_deref().unwrap_or_default()
        ),
        EndKind::Global => format!("It was read from the variable `{}`{through}{or}.", end.what),
        EndKind::Freed => format!(
            "It was read from `{}` in memory that had been freed{through}{or}.",
            end.what
        ),
        EndKind::Poison => format!(
            "It was read from `{}`, where deleting the entry from its list had left poison{through}{or}.",
            end.what
        ),
        EndKind::Member => match &end.beyond {
            Some(beyond) => {
                let holds = match beyond.holds.as_str() {
                    "" => String::new(),
                    holds => format!(": these are the bytes of `{holds}`"),
                };
                format!(
                    "It was read from element {} of `{}`, which has {}{holds}{through}{or}.",
                    beyond.index, end.what, beyond.count
                )
            }
            None => format!("It was read from `{}`{through}{or}.", end.what),
        },
        EndKind::Unknown => format!(
            "The way back ends at {}{}.",
            end.what,
            end.because
                .as_ref()
                .map_or_else(String::new, |why| format!(": {why}"))
        ),
    }
}

fn setters_sentence(provenance: &Provenance) -> Option<String> {
    // With several origins each has its own setters: the evidence tells them.
    let own = |setter: &&Setter| setter.to == provenance.ends.what;
    let setters: Vec<&Setter> = provenance.setters.iter().filter(own).collect();
    let mut functions: Vec<String> = Vec::new();
    for setter in &setters {
        let name = format!("{}()", setter.function);
        if !functions.contains(&name) {
            functions.push(name);
        }
    }
    let [function] = functions.as_slice() else {
        return (!functions.is_empty()).then(|| {
            format!(
                "In the given files these store to it: {}.",
                functions.join(", ")
            )
        });
    };
    let mut text = format!("In the given files only {function} stores to it");
    // The conditions of several stores of one function are not those of one way.
    let one = setters.first().filter(|_| setters.len() == 1);
    if let Some(setter) = one {
        text.push_str(&under(&setter.guards));
    }
    let mut at = setters
        .first()
        .map_or(&[][..], |setter| setter.reached.as_slice());
    let mut link = "; it is";
    while let [caller] = at {
        let line = in_line(caller.line.as_deref());
        match &caller.through {
            Some(through) => {
                text.push_str(&format!("{link} reached through `{through}`"));
                break;
            }
            None => text.push_str(&format!(
                "{link} called only by {}(){line}{}",
                caller.function,
                under(&caller.guards)
            )),
        }
        link = ", and that";
        at = caller.reached.as_slice();
    }
    text.push('.');
    Some(text)
}

fn handler_sentence(provenance: &Provenance) -> Option<String> {
    // A table that is there from the start is how things are; what code stored is what somebody did.
    let handler = provenance
        .handler
        .as_ref()
        .filter(|handler| handler.by_code)?;
    // A pointer that is stored as NULL beside the handler is a limit that was not set.
    let open: Vec<String> = handler
        .members
        .iter()
        .filter(|(_, value)| value.as_str() == "NULL")
        .map(|(member, _)| format!("`{member}` NULL"))
        .collect();
    let with = match open.as_slice() {
        [] => String::new(),
        open => format!(" with {}", open.join(", ")),
    };
    let setter = provenance.setters.first();
    let but = match (setter, open.is_empty()) {
        (Some(setter), false) => format!(
            ": nothing there limits it to objects for which {}() ran",
            setter.function
        ),
        _ => String::new(),
    };
    Some(format!(
        "{}() came to run because {}() stored its address in a {}{with}{but}.",
        handler.handler, handler.by, handler.type_name
    ))
}

/// A comparison as a sentence: it begins with a capital letter where it does not begin with a name.
fn sentence(text: &str) -> String {
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => text.to_owned(),
    }
}
