//! Who stores to a member without its name.

use base::{EndKind, Provenance, Unnamed};
use code::{How, Indirect, Indirects, View};
use debuginfo::{DebugInfo, ObjectId};

use super::chain::Found;
use super::setters::{guards, line};
use super::words::{code, in_line, under};

/// Places told, and of them in the verdict.
const MOST_TOLD: usize = 8;
const MOST_IN_VERDICT: usize = 3;

/// Those of an end, and how many functions were not looked at.
pub(super) fn find(
    debug: &DebugInfo<'_>,
    found: &Found,
    near: Option<(ObjectId, u64)>,
) -> (Vec<Unnamed>, usize) {
    let is_asked = matches!(found.end.kind, EndKind::Member | EndKind::Freed);
    let Some(key) = found.key.as_ref().filter(|_| is_asked) else {
        return (Vec::new(), 0);
    };
    // Whoever stores by name was found or not, whatever is wrong with this.
    let Ok(indirects) = Indirects::find(debug, key, near) else {
        return (Vec::new(), 0);
    };
    let mut told: Vec<Unnamed> = Vec::new();
    for indirect in &indirects.found {
        let one = one(debug, indirect);
        let is_known =
            |known: &&mut Unnamed| (&known.function, &known.does) == (&one.function, &one.does);
        match told.iter_mut().find(is_known) {
            // Twice in one function it runs under what both have in common.
            Some(known) => {
                let is_common = |guard: &base::Guard| {
                    let mut others = one.guards.iter();
                    others.any(|other| other.condition == guard.condition)
                };
                known.guards.retain(is_common);
            }
            None => told.push(one),
        }
    }
    // What surely reaches it is more of an answer.
    told.sort_by_key(|one| !one.is_sure);
    told.truncate(MOST_TOLD);
    (told, indirects.left_out)
}

fn one<'d>(debug: &DebugInfo<'d>, indirect: &Indirect<'d>) -> Unnamed {
    let body = &indirect.body;
    let address = body.insn(indirect.at).map_or(0, |insn| insn.address);
    let view = View::new(debug, body);
    Unnamed {
        function: body.base_name().to_owned(),
        line: line(debug, body.object, address),
        does: does(&indirect.how, indirect.is_sure),
        is_sure: indirect.is_sure,
        guards: guards(
            debug,
            body.object,
            body.base_name(),
            &view.conditions(indirect.at),
        ),
    }
}

/// For the middle of a sentence about a member.
fn does(how: &How, is_sure: bool) -> String {
    match (how, is_sure) {
        (How::Copied, true) => "copies bytes over it".to_owned(),
        (How::Copied, false) => "may copy bytes over it".to_owned(),
        (How::Filled(Some(0)), true) => "clears it with what is around it".to_owned(),
        (How::Filled(Some(0)), false) => "may clear it with what is around it".to_owned(),
        (How::Filled(_), true) => "fills it with what is around it".to_owned(),
        (How::Filled(_), false) => "may fill it with what is around it".to_owned(),
        (
            How::Given {
                to,
                argument,
                is_stored,
            },
            _,
        ) => {
            let to = match to {
                Some(to) => code(debuginfo::base_name(to)),
                None => "a function through a pointer".to_owned(),
            };
            let stores = match is_stored {
                true => "which stores there",
                false => "which may store there",
            };
            format!(
                "gives its address to {to} as argument {}, {stores}",
                u32::from(*argument) + 1
            )
        }
    }
}

/// `` copy_all() (a.c:7) copies bytes over it under `b` ``
pub(super) fn text(unnamed: &Unnamed) -> String {
    format!(
        "{}{} {}{}",
        code(&unnamed.function),
        in_line(unnamed.line.as_deref()),
        unnamed.does,
        under(&unnamed.guards)
    )
}

/// A sentence of the verdict.
pub(super) fn verdict(provenance: &Provenance) -> Option<String> {
    let told: Vec<String> = provenance
        .unnamed
        .iter()
        .take(MOST_IN_VERDICT)
        .map(|unnamed| format!("{} {}", code(&unnamed.function), unnamed.does))
        .collect();
    let more = provenance.unnamed.len().saturating_sub(MOST_IN_VERDICT);
    let more = match more {
        0 => String::new(),
        more => format!("; {more} more are told below"),
    };
    (!told.is_empty()).then(|| format!("Without its name: {}{more}.", told.join("; ")))
}
