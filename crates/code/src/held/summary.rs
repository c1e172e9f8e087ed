//! What a function does with locks for its caller, as expressions of its arguments.

use std::collections::BTreeSet;

use base::Mode;

use super::state::{Lock, State};
use super::tell::Teller;
use super::terms::{ALL, Classes, Id};
use super::value::Value;
use super::walk::Walk;

/// Locks that one function takes or gives back for its caller.
const MOST_CHANGES: usize = 8;

/// What a function does with one lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) takes: bool,
    pub(crate) kind: &'static str,
    pub(crate) mode: Mode,
    /// In terms of arguments, of what is returned and of memory.
    pub(crate) lock: Value,
    /// What it returns where it does so.
    pub(crate) when: Classes,
    /// Whether it always does then.
    pub(crate) certain: bool,
    pub(crate) through: Vec<u64>,
}

/// What it does in all: gives back first, then takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// What it may return.
    pub(crate) returns: Classes,
    pub(crate) changes: Vec<Change>,
}

impl Summary {
    /// The summary of a walk that has come to its end. What it holds on some ways only, where what it returns does not
    /// tell on which, is left out.
    pub(crate) fn of(walk: &Walk<'_, '_>) -> Self {
        let mut changes = changes(walk, false, |state| &state.released);
        changes.extend(changes_of_held(walk));
        changes.truncate(MOST_CHANGES);
        let returns = walk.exits.iter().map(|state| {
            let result = result(walk, state);
            result.map_or(ALL, |id| state.classes(&walk.terms, id))
        });
        let returns = returns.fold(0, |all, classes| all | classes);
        Summary {
            returns: if walk.has_hidden_ways { ALL } else { returns },
            changes,
        }
    }
}

fn changes_of_held(walk: &Walk<'_, '_>) -> Vec<Change> {
    if walk.has_hidden_ways {
        return Vec::new();
    }
    changes(walk, true, |state| &state.held)
}

fn changes(walk: &Walk<'_, '_>, takes: bool, list: fn(&State) -> &Vec<Lock>) -> Vec<Change> {
    let keys: BTreeSet<_> = walk
        .exits
        .iter()
        .flat_map(|state| list(state).iter().map(Lock::key))
        .collect();
    let mut changes = Vec::new();
    for key in keys {
        let (mut with, mut without) = (0, 0);
        let mut first: Option<(&State, &Lock)> = None;
        let mut certain = !walk.has_hidden_ways;
        for state in &walk.exits {
            let result = result(walk, state);
            let classes = result.map_or(ALL, |id| state.classes(&walk.terms, id));
            match list(state).iter().find(|lock| lock.key() == key) {
                Some(lock) => {
                    with |= classes;
                    certain &= lock.certain;
                    first = first.or(Some((state, lock)));
                }
                None => without |= classes,
            }
        }
        let Some((state, lock)) = first else {
            continue;
        };
        let when = match (without, with & without) {
            (0, _) => ALL,
            (_, 0) => with,
            _ => {
                certain = false;
                ALL
            }
        };
        let teller = Teller {
            walk,
            registers: &[],
            has_slots: false,
            returned: result(walk, state),
        };
        let mut told = teller.tell(state, lock.id);
        if matches!(told, Value::Unknown(_) | Value::Frame(_)) {
            certain = false;
            told = Value::Unknown("the called function does not tell it");
        }
        if takes && !certain {
            continue;
        }
        changes.push(Change {
            takes,
            kind: lock.kind,
            mode: lock.mode,
            lock: told,
            when,
            certain,
            through: lock.through.clone(),
        });
    }
    changes
}

fn result(walk: &Walk<'_, '_>, state: &State) -> Option<Id> {
    let place = walk.holdings.place(walk.holdings.result?)?;
    state.registers.get(place).copied()
}
