//! What is known at one place, on all ways that hold the same locks.
//!
//! Ways are kept apart by what they hold and joined otherwise, with what is known of the values that were asked for:
//! so a lock that is taken if a condition holds is given back if it holds (M. Das, S. Lerner, M. Seigle, "ESP:
//! path-sensitive program verification in polynomial time", PLDI 2002).

use base::Mode;

use super::terms::{ALL, Classes, Id, Kept, Term, Terms, class};

/// Slots of a frame that are followed.
const MOST_SLOTS: usize = 256;

/// Values that something is known of.
const MOST_FACTS: usize = 24;

/// Locks at once.
const MOST_LOCKS: usize = 16;

/// A lock that is held, or was given back without having been taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lock {
    /// Its address, whenever it was read.
    pub(crate) same: Id,
    pub(crate) kind: &'static str,
    pub(crate) mode: Mode,
    pub(crate) certain: bool,
    /// Its address.
    pub(crate) id: Id,
    pub(crate) taken_at: u64,
    pub(crate) through: Vec<u64>,
}

impl Lock {
    /// What tells it from others.
    pub(crate) fn key(&self) -> (Id, &'static str, Mode) {
        (self.same, self.kind, self.mode)
    }
}

/// What was compared last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flags {
    Unknown,
    Compare(Id, Id),
    Test(Id, Id),
}

/// The state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) registers: Vec<Id>,
    pub(crate) flags: Flags,
    /// Offset from the end of the stack at the entry, bytes, value; by offset.
    pub(crate) slots: Vec<(i64, u8, Id)>,
    /// Values and what they may be, by number.
    pub(crate) facts: Vec<(Id, Classes)>,
    /// By key.
    pub(crate) held: Vec<Lock>,
    pub(crate) released: Vec<Lock>,
}

impl State {
    /// Whether both hold the same.
    pub(crate) fn holds_as(&self, other: &State) -> bool {
        let equal = |left: &[Lock], right: &[Lock]| {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(a, b)| a.key() == b.key() && a.certain == b.certain)
        };
        equal(&self.held, &other.held) && equal(&self.released, &other.released)
    }

    pub(crate) fn slot(&self, offset: i64, size: u8) -> Option<Id> {
        let place = self
            .slots
            .binary_search_by_key(&offset, |slot| slot.0)
            .ok()?;
        let (_, bytes, id) = self.slots.get(place)?;
        (*bytes == size).then_some(*id)
    }

    pub(crate) fn store(&mut self, offset: i64, size: u8, id: Option<Id>) {
        let end = offset.wrapping_add(size.into());
        self.forget_slots(offset, end);
        if let Some(id) = id
            && self.slots.len() < MOST_SLOTS
        {
            let place = self.slots.partition_point(|slot| slot.0 < offset);
            self.slots.insert(place, (offset, size, id));
        }
    }

    /// Nothing is known any more of what lies from `start` to `end`.
    pub(crate) fn forget_slots(&mut self, start: i64, end: i64) {
        self.slots
            .retain(|(at, size, _)| *at >= end || at.wrapping_add((*size).into()) <= start);
    }

    /// What a value may be.
    pub(crate) fn classes(&self, terms: &Terms, id: Id) -> Classes {
        let id = terms.asked(id);
        match terms.term(id) {
            Term::Const(number) => class(number),
            Term::Choice {
                of,
                classes,
                yes,
                no,
            } => {
                let may = self.classes(terms, of);
                let mut all = 0;
                if may & classes != 0 {
                    all |= self.classes(terms, yes);
                }
                if may & !classes & ALL != 0 {
                    all |= self.classes(terms, no);
                }
                all
            }
            _ => {
                let fact = self.facts.binary_search_by_key(&id, |fact| fact.0);
                let fact = fact.ok().and_then(|place| self.facts.get(place));
                fact.map_or(ALL, |fact| fact.1)
            }
        }
    }

    /// Takes note that a value is of these classes; says whether it can be.
    pub(crate) fn restrict(&mut self, terms: &Terms, id: Id, to: Classes) -> bool {
        let may = self.classes(terms, id) & to;
        if may == 0 {
            return false;
        }
        let id = terms.asked(id);
        match terms.term(id) {
            Term::Const(_) => true,
            Term::Choice {
                of,
                classes,
                yes,
                no,
            } => {
                let of_may = self.classes(terms, of);
                let yes = of_may & classes != 0 && self.classes(terms, yes) & to != 0;
                let no = of_may & !classes & ALL != 0 && self.classes(terms, no) & to != 0;
                match (yes, no) {
                    (true, true) => true,
                    (true, false) => self.restrict(terms, of, classes),
                    (false, true) => self.restrict(terms, of, !classes & ALL),
                    (false, false) => false,
                }
            }
            _ => {
                match self.facts.binary_search_by_key(&id, |fact| fact.0) {
                    Ok(place) => {
                        if let Some(fact) = self.facts.get_mut(place) {
                            fact.1 = may;
                        }
                    }
                    Err(place) if may != ALL && self.facts.len() < MOST_FACTS => {
                        self.facts.insert(place, (id, may));
                    }
                    Err(_) => {}
                }
                true
            }
        }
    }

    /// What `is` tells of is made anew: nothing is known of it, and a lock that was named by it has no name any more.
    pub(crate) fn made_anew(&mut self, terms: &mut Terms, is: &dyn Fn(Term) -> bool) {
        if !self.facts.is_empty() {
            self.facts.retain(|(id, _)| !terms.mentions(*id, is));
        }
        let mut renamed = false;
        for lock in self.held.iter_mut().chain(&mut self.released) {
            if terms.mentions(lock.same, is) {
                lock.id = terms.intern(Term::Stale(lock.taken_at));
                lock.same = lock.id;
                renamed = true;
            }
        }
        if renamed {
            order(&mut self.held);
            order(&mut self.released);
        }
    }

    /// A lock is taken.
    pub(crate) fn take(&mut self, lock: Lock) {
        // What was given back for a caller is had again.
        let before = self.released.len();
        self.released.retain(|other| other.key() != lock.key());
        if self.released.len() < before || self.held.len() >= MOST_LOCKS {
            return;
        }
        if !self.held.iter().any(|other| other.key() == lock.key()) {
            self.held.push(lock);
            order(&mut self.held);
        }
    }

    /// A lock is given back.
    pub(crate) fn release(&mut self, terms: &Terms, lock: Lock) {
        if let Some(place) = self.held.iter().position(|held| held.key() == lock.key()) {
            if lock.certain {
                self.held.remove(place);
            } else if let Some(held) = self.held.get_mut(place) {
                held.certain = false;
            }
            return;
        }
        let may_be = |held: &Lock| {
            held.kind == lock.kind
                && held.mode == lock.mode
                && may_be_same(terms, held.same, lock.same)
        };
        let candidates = self.held.iter().filter(|held| may_be(held)).count();
        if candidates == 1 && lock.certain {
            self.held.retain(|held| !may_be(held));
        } else if candidates > 0 {
            for held in &mut self.held {
                held.certain &= !may_be(held);
            }
        } else if self.released.len() < MOST_LOCKS
            && !self.released.iter().any(|other| other.key() == lock.key())
        {
            self.released.push(lock);
            order(&mut self.released);
        }
    }

    /// Joins what another way knows that holds the same; says whether that changed anything.
    pub(crate) fn join(&mut self, terms: &mut Terms, other: &State, block: u32) -> bool {
        let mut changed = false;
        let mut facts: Vec<(Id, Classes)> = Vec::new();
        let mut registers = Vec::with_capacity(self.registers.len());
        for (number, (mine, theirs)) in (0..).zip(self.registers.iter().zip(&other.registers)) {
            let (id, is_new) = one_of(terms, *mine, *theirs, block, Kept::Register(number));
            if is_new {
                facts.push((
                    id,
                    self.classes(terms, *mine) | other.classes(terms, *theirs),
                ));
            }
            changed |= id != *mine;
            registers.push(id);
        }
        let mut slots = Vec::with_capacity(self.slots.len());
        for (at, size, mine) in &self.slots {
            let Some(theirs) = other.slot(*at, *size) else {
                changed = true;
                continue;
            };
            let (id, is_new) = one_of(terms, *mine, theirs, block, Kept::Slot(*at));
            if is_new {
                facts.push((
                    id,
                    self.classes(terms, *mine) | other.classes(terms, theirs),
                ));
            }
            changed |= id != *mine;
            slots.push((*at, *size, id));
        }
        self.registers = registers;
        self.slots = slots;
        facts.retain(|(_, classes)| *classes != ALL);
        if self.flags != other.flags && self.flags != Flags::Unknown {
            self.flags = Flags::Unknown;
            changed = true;
        }
        for (id, classes) in &self.facts {
            let both = classes | other.classes(terms, *id);
            if both != ALL && !facts.iter().any(|fact| fact.0 == *id) {
                facts.push((*id, both));
            }
        }
        facts.sort_unstable();
        facts.truncate(MOST_FACTS);
        changed |= facts != self.facts;
        self.facts = facts;
        changed
    }

    /// The same for a way that holds other locks: what only one holds is not certain.
    pub(crate) fn merge(&mut self, terms: &mut Terms, other: &State, block: u32) -> bool {
        let mut changed = self.join(terms, other, block);
        for (mine, theirs) in [
            (&mut self.held, &other.held),
            (&mut self.released, &other.released),
        ] {
            for lock in mine.iter_mut() {
                let found = theirs.iter().find(|other| other.key() == lock.key());
                if lock.certain && !found.is_some_and(|found| found.certain) {
                    lock.certain = false;
                    changed = true;
                }
            }
            for lock in theirs {
                let is_new = !mine.iter().any(|other| other.key() == lock.key());
                if is_new && mine.len() < MOST_LOCKS {
                    mine.push(Lock {
                        certain: false,
                        ..lock.clone()
                    });
                    changed = true;
                }
            }
            order(mine);
        }
        changed
    }
}

/// The value where two ways meet, and whether it is one that only this place has. A pointer that was read by each of
/// them is one pointer.
fn one_of(terms: &mut Terms, mine: Id, theirs: Id, block: u32, kept: Kept) -> (Id, bool) {
    let same = terms.same(mine);
    if mine == theirs {
        (mine, false)
    } else if same == terms.same(theirs) {
        (same, false)
    } else {
        (terms.intern(Term::Joined(block, kept)), true)
    }
}

fn order(locks: &mut [Lock]) {
    locks.sort_by(|a, b| a.key().cmp(&b.key()));
}

/// Whether two addresses of locks may be one: those of different globals, and of members at different offsets of
/// structures, are not.
fn may_be_same(terms: &Terms, left: Id, right: Id) -> bool {
    let is_open = |id: Id| {
        let term = terms.term(id);
        matches!(term, Term::Joined(..) | Term::Opaque(..) | Term::Stale(_))
    };
    if is_open(left) || is_open(right) {
        return true;
    }
    let is_global = |id: Id| matches!(terms.term(id), Term::Const(_));
    match (is_global(left), is_global(right)) {
        (true, true) => left == right,
        // A member of what a pointer leads to, and a global lock: a pointer may lead to it.
        _ => {
            let ((left_base, left), (right_base, right)) = (terms.split(left), terms.split(right));
            left == right || (left_base != right_base && (left == 0 || right == 0))
        }
    }
}
