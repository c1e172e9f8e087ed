//! Who should have set the value: every store to where it came from, and how that code is reached.

use base::{Caller, EndKind, Guard, Setter};
use code::{Condition, Reached, Store, Stores, View, Way};
use debuginfo::{DebugInfo, ObjectId};
use rayon::prelude::*;

use super::chain::Found;
use super::today::{Chain, Memory};
use super::value::{LIST_POISONS, is_poison_number};

/// Setters told with the ways that lead to them.
const MOST_SETTERS: usize = 6;

/// The setters of every end, and what was left out.
pub(super) fn find(
    debug: &DebugInfo<'_>,
    found: &[&Found],
    near: Option<(ObjectId, u64)>,
    memory: Option<&dyn Memory>,
) -> (Vec<Setter>, Option<String>) {
    let mut setters = Vec::new();
    let mut left_out = None;
    for one in found {
        let Some(key) = &one.key else {
            continue;
        };
        match Stores::find_near(debug, key, near, &|stores| is_enough(one, stores)) {
            Ok(stores) => setters.extend(of(debug, one, &stores, memory, &mut left_out)),
            Err(error) => left_out = Some(error.to_string()),
        }
    }
    (setters, left_out)
}

/// Whether there are more setters than are told: a search that goes on would change nothing in the answer.
fn is_enough(found: &Found, stores: &[Store<'_>]) -> bool {
    let is_told = |store: &&Store<'_>| {
        store.is_exact
            && match found.end.kind {
                EndKind::Poison => store.number.is_some_and(is_poison_number),
                _ => store.number != Some(0),
            }
    };
    let told = stores.iter().filter(is_told);
    let mut functions: Vec<&str> = told.map(|store| store.body.base_name()).collect();
    functions.sort_unstable();
    functions.dedup();
    functions.len() > MOST_SETTERS
}

fn of<'d>(
    debug: &DebugInfo<'d>,
    found: &Found,
    stores: &Stores<'d>,
    memory: Option<&dyn Memory>,
    left_out: &mut Option<String>,
) -> Vec<Setter> {
    if stores.left_out > 0 {
        *left_out = Some(format!(
            "{} functions that may store there were not looked at, {} were, those next to the one that failed",
            stores.left_out, stores.looked
        ));
    } else if stores.sieved > 0 {
        *left_out = Some(format!(
            "{} functions were looked at; {} in which no instruction has the offset of the member were not",
            stores.looked, stores.sieved
        ));
    }
    let mut chosen: Vec<&Store<'_>> = stores.found.iter().collect();
    if found.end.kind == EndKind::Poison {
        // The poison was left by who stores just that.
        prefer(&mut chosen, |store| {
            store.number.is_some_and(is_poison_number)
        });
    }
    // Through another structure around it, it may be another object's.
    prefer(&mut chosen, |store| store.is_exact);
    // What gives it a value is more of an answer than what takes it away.
    chosen.sort_by_key(|store| store.number == Some(0));
    let object = memory.zip(found.address);
    let mut setters: Vec<Setter> = Vec::new();
    let mut rest = chosen.as_slice();
    while !rest.is_empty() {
        // Each adds one at most, so that none is told for nothing.
        let wanted = MOST_SETTERS.saturating_sub(setters.len()).min(rest.len());
        let (part, behind) = rest.split_at_checked(wanted).unwrap_or_default();
        if part.is_empty() {
            left_out.get_or_insert_with(|| "more places store to it than are told".to_owned());
            break;
        }
        rest = behind;
        let told = part
            .par_iter()
            .with_max_len(1)
            .map(|store| setter(debug, &found.end.what, store, object));
        for setter in told.collect::<Vec<_>>() {
            add(&mut setters, setter);
        }
    }
    setters
}

/// Adds a setter to those that are told.
fn add(setters: &mut Vec<Setter>, setter: Setter) {
    let is_told = |known: &&mut Setter| {
        (&known.function, &known.stores) == (&setter.function, &setter.stores)
    };
    match setters.iter_mut().find(is_told) {
        // A store that a compiler made twice runs under what both have in common.
        Some(known) => {
            let is_common = |guard: &Guard| {
                let mut others = setter.guards.iter();
                others.any(|other| other.condition == guard.condition)
            };
            known.guards.retain(is_common);
        }
        None => setters.push(setter),
    }
}

/// Keeps what `is` better, where there is any.
fn prefer(stores: &mut Vec<&Store<'_>>, is: impl Fn(&Store<'_>) -> bool) {
    if stores.iter().any(|store| is(store)) {
        stores.retain(|store| is(store));
    }
}

fn setter<'d>(
    debug: &DebugInfo<'d>,
    to: &str,
    store: &Store<'d>,
    object: Option<(&dyn Memory, u64)>,
) -> Setter {
    let body = &store.body;
    let view = View::new(debug, body);
    let address = body.insn(store.at).map_or(0, |insn| insn.address);
    let entry = body
        .entry
        .and_then(|entry| body.insn(entry))
        .map(|insn| insn.address);
    let conditions = view.conditions(store.at);
    let mut reached = Vec::new();
    let mut ways = Vec::new();
    if let (Some(object), Some(entry)) = (body.object, entry)
        && let Ok(found) = Reached::find(debug, object, entry)
    {
        reached = callers(debug, &found.ways);
        ways = found.ways;
    }
    let mut setter = Setter {
        to: to.to_owned(),
        function: body.base_name().to_owned(),
        line: line(debug, body.object, address),
        stores: match store.number {
            Some(number) if is_poison_number(number) => LIST_POISONS
                .iter()
                .find(|(poison, _)| *poison == number)
                .map_or_else(String::new, |(_, name)| (*name).to_owned()),
            _ => store.value.clone().unwrap_or_default(),
        },
        guards: guards(debug, body.object, body.base_name(), &conditions),
        reached,
    };
    if let Some((memory, member)) = object {
        let chain = Chain::of(debug, store, conditions, &ways, member);
        chain.judge(debug, memory, &mut setter);
    }
    setter
}

/// Several calls in one function are one way.
fn callers(debug: &DebugInfo<'_>, ways: &[Way]) -> Vec<Caller> {
    let mut callers: Vec<Caller> = Vec::new();
    for way in ways {
        let caller = caller(debug, way);
        let is_told = |known: &Caller| {
            (&known.function, &known.through) == (&caller.function, &caller.through)
        };
        if !callers.iter().any(is_told) {
            callers.push(caller);
        }
    }
    callers
}

fn caller(debug: &DebugInfo<'_>, way: &Way) -> Caller {
    let name = debuginfo::base_name(&way.function);
    Caller {
        function: name.to_owned(),
        line: line(debug, Some(way.object), way.address),
        through: way.through.clone(),
        guards: guards(debug, Some(way.object), name, &way.conditions),
        exported: way.is_exported,
        reached: callers(debug, &way.ways),
    }
}

pub(super) fn guards(
    debug: &DebugInfo<'_>,
    object: Option<ObjectId>,
    function: &str,
    conditions: &[Condition],
) -> Vec<Guard> {
    conditions
        .iter()
        .map(|condition| Guard {
            condition: condition.text.clone(),
            function: function.to_owned(),
            line: line(debug, object, condition.address),
            today: None,
        })
        .collect()
}

pub(super) fn line(
    debug: &DebugInfo<'_>,
    object: Option<ObjectId>,
    address: u64,
) -> Option<String> {
    let line = debug.line_at(object?, address).ok()??;
    Some(line.text())
}
