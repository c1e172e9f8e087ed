//! The verdict on a bad pointer that was followed through files: a few sentences for people.

use base::{Access, EndKind, NextStep, Provenance, Setter};

use super::chain::Found;
use super::start::Start;
use super::words::{bytes, code, end_text, in_line, under};
use super::{today, unnamed};
use crate::Traced;

/// Callers told in the verdict; the evidence tells all.
const MOST_CALLERS: usize = 3;

/// Writes it.
pub(super) fn tell(
    traced: &mut Traced,
    provenance: &Provenance,
    start: &Start<'_, '_>,
    found: &Found,
    is_cut: bool,
) {
    traced
        .verdict
        .push(access(&provenance.access, provenance, start));
    traced.verdict.push(end(provenance));
    traced.verdict.extend(setters(provenance, found, is_cut));
    if provenance.ends.beyond.is_none() {
        traced.verdict.extend(unnamed::verdict(provenance));
    }
    traced.verdict.extend(not_run(provenance));
    traced.verdict.extend(handler(provenance));
    traced.cause_named = names_cause(provenance, found);
    if provenance.ends.kind == EndKind::Freed {
        traced.next.push(NextStep {
            what: "Find who freed the object: a kernel with KASAN, or one booted with slub_debug=FZPU, prints it."
                .to_owned(),
            command: None,
        });
    }
}

/// Whether it is told who should have done what: who sets what was never set, who passed or returned nothing.
/// What wrote over a value is not told by the code that sets it, nor who freed an object.
fn names_cause(provenance: &Provenance, found: &Found) -> bool {
    let is_unset = found.says.as_ref().is_some_and(|says| says.is_unset);
    match provenance.ends.kind {
        EndKind::Member | EndKind::Global => {
            provenance.ends.beyond.is_some() || is_unset && !provenance.setters.is_empty()
        }
        EndKind::Poison | EndKind::Stack => !provenance.setters.is_empty(),
        EndKind::Argument => provenance.passed.is_some(),
        EndKind::Return => is_unset || found.says.as_ref().is_some_and(|says| says.is_error),
        EndKind::Freed | EndKind::Unknown => false,
    }
}

fn access(access: &Access, provenance: &Provenance, start: &Start<'_, '_>) -> String {
    let place = in_line(access.line.as_deref());
    let function = code(&access.function);
    let value = &provenance.ends.value;
    if access.fetch {
        let through = match access.member.as_str() {
            "" => "a stored address".to_owned(),
            member => format!("`{member}` of {}", access.type_name),
        };
        let was = value.as_deref().unwrap_or("no address of code");
        return format!("{function}{place} called through {through}, which was {was}.");
    }
    let verb = match (access.write, start.reads()) {
        (true, true) => "read and wrote",
        (true, false) => "wrote",
        (false, _) => "read",
    };
    let what = match (access.member.as_str(), access.type_name.as_str()) {
        (_, "") => format!("{} at offset {}", bytes(access.size), access.offset),
        ("", of) => format!("{} at offset {} of {of}", bytes(access.size), access.offset),
        (member, of) if access.consistent => {
            format!(
                "what is consistent with `{member}` (offset {}) of {of}",
                access.offset
            )
        }
        (member, of) => format!("`{member}` (offset {}) of {of}", access.offset),
    };
    let element = match (access.index, access.element_size) {
        (Some(index), Some(size)) => {
            format!(", element {index} of an array with elements of {size} bytes,")
        }
        _ => String::new(),
    };
    let through = match value {
        Some(value) => format!("through a pointer that was {value}"),
        None => match start.failed.as_ref().and_then(|failed| failed.computed) {
            Some(address) => format!("at {address:#x}"),
            None => "through a bad pointer".to_owned(),
        },
    };
    format!("{function}{place} {verb} {what}{element} {through}.")
}

fn end(provenance: &Provenance) -> String {
    let end = &provenance.ends;
    let through = match provenance.through.last() {
        Some(last) if end.kind != EndKind::Unknown => format!(", handed on as {}", argument(last)),
        _ => String::new(),
    };
    let others: Vec<String> = provenance
        .otherwise
        .iter()
        .map(|end| end_text(end.kind, &end.what))
        .collect();
    let or = match others.as_slice() {
        [] => String::new(),
        others => format!(
            " or, on another way through the code, from {}",
            others.join(" or ")
        ),
    };
    let what = end_text(end.kind, &end.what);
    match end.kind {
        EndKind::Argument => match &provenance.passed {
            Some(passed) => format!(
                "The pointer came as {what}{through}{or}: {}{} passed {}.",
                code(&passed.by),
                in_line(passed.line.as_deref()),
                passed.value
            ),
            None => format!("The pointer came as {what}{through}{or}."),
        },
        EndKind::Return => format!("The pointer is {what}{through}{or}."),
        EndKind::Stack => format!(
            "The pointer was read from {what}, in the local variable `{}` on the stack{through}{or}.",
            end.variable.as_deref().unwrap_or_default()
        ),
        EndKind::Global => format!("The pointer was read from {what}{through}{or}."),
        EndKind::Freed => {
            format!("The pointer was read from {what} in memory that had been freed{through}{or}.")
        }
        EndKind::Poison => format!(
            "The pointer was read from {what}, where taking the entry off its list had left it{through}{or}."
        ),
        EndKind::Member => match &end.beyond {
            Some(beyond) => {
                let holds = match beyond.holds.as_str() {
                    "" => String::new(),
                    holds => format!(": these are the bytes of `{holds}`"),
                };
                format!(
                    "The pointer was read as element {} of {what}, which has {}{holds}{through}{or}.",
                    beyond.index.cast_signed(),
                    beyond.count
                )
            }
            None => format!("The pointer was read from {what}{through}{or}."),
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

/// `argument 1 of f` as `argument 1 of f()`.
pub(super) fn argument(what: &str) -> String {
    format!("{what}()")
}

fn setters(provenance: &Provenance, found: &Found, is_cut: bool) -> Option<String> {
    let scope = match is_cut {
        true => "In the functions that were looked at",
        false => "In the given files",
    };
    if provenance.ends.beyond.is_some() {
        // Whoever sets the elements that are there has nothing to do with one that is not.
        return None;
    }
    // Each origin has its own setters; those of the others stand in the evidence.
    let own = |setter: &&Setter| setter.to == provenance.ends.what;
    let setters: Vec<&Setter> = provenance.setters.iter().filter(own).collect();
    let mut functions: Vec<String> = Vec::new();
    for setter in &setters {
        let name = code(&setter.function);
        if !functions.contains(&name) {
            functions.push(name);
        }
    }
    let does = match provenance.ends.kind {
        EndKind::Poison => "leaves the poison there",
        // Copies of whole structures, and what is stored through untyped pointers, are not seen.
        _ => "sets it by name",
    };
    if functions.is_empty() && found.key.is_some() {
        return Some(format!("{scope} no store to it was found."));
    }
    let [function] = functions.as_slice() else {
        return (!functions.is_empty())
            .then(|| format!("{scope} it is set by name by {}.", functions.join(", ")));
    };
    let mut text = format!("{scope} only {function} {does}");
    if let [one] = setters.as_slice() {
        text.push_str(&under(&one.guards));
    }
    // As long as there is one way only, it is the way.
    let mut at = setters
        .first()
        .map_or(&[][..], |setter| setter.reached.as_slice());
    let mut link = ", called only by";
    for _ in 0..MOST_CALLERS {
        let [caller] = at else {
            break;
        };
        if caller.through.is_some() {
            break;
        }
        text.push_str(&format!(
            "{link} {}{}",
            code(&caller.function),
            under(&caller.guards)
        ));
        link = ", that only by";
        at = caller.reached.as_slice();
    }
    text.push('.');
    Some(text)
}

/// Why the only function that sets it did not, by what memory has: as it is now, as it may have been otherwise before.
fn not_run(provenance: &Provenance) -> Option<String> {
    let own = |setter: &&Setter| setter.to == provenance.ends.what;
    let mut setters = provenance.setters.iter().filter(own);
    let (Some(setter), None) = (setters.next(), setters.next()) else {
        return None;
    };
    let (guard, today) = today::failing(setter)?;
    let read: Vec<String> = today.by.iter().map(today::text).collect();
    Some(format!(
        "In the dump's memory {}, so `{}` does not hold for this object: as it is there, {} does not run for it.",
        read.join(" and "),
        guard.condition,
        code(&setter.function)
    ))
}

fn handler(provenance: &Provenance) -> Option<String> {
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
        .map(|(member, _)| format!("`{member}` = NULL"))
        .collect();
    let by = code(&handler.by);
    let name = code(&handler.handler);
    if open.is_empty() {
        return Some(format!(
            "{name} came to run because {by} stored its address in a {}.",
            handler.type_name
        ));
    }
    let but = match provenance.setters.as_slice() {
        [setter] => format!(
            ": nothing seen there limits it to objects for which {} ran",
            code(&setter.function)
        ),
        _ => String::new(),
    };
    Some(format!(
        "{name} came to run because {by} stored its address in a {} with {}{but}.",
        handler.type_name,
        open.join(", ")
    ))
}
