//! The walk: what each instruction does to what is known, until nothing changes any more.
// tidy: long because one walk handles every kind of effect and fast path in line

use std::collections::BTreeMap;

use arch::{Callee, Cond, Effect, Expr, Flow as Leads, Insn, Load, Op, Reg, Test};
use base::{Budget, Mode};

use super::flow::{Block, End, Flow, To};
use super::holdings::Holdings;
use super::names::Special;
use super::primitives::{Does, FOLIO, PERCPU, RWLOCK, SPIN, When};
use super::state::{Flags, Lock, State};
use super::summary::Change;
use super::terms::{ALL, Classes, ERROR, Id, Kept, NEGATIVE, POSITIVE, Term, Terms, ZERO};
use super::value::Value;

/// Instructions of one walk, each as often as it is walked over.
const MOST_STEPS: u64 = 1 << 17;

/// States at the start of one block that hold different locks; more are merged.
const MOST_STATES: usize = 8;

/// Bytes of an object on the stack whose address is handed to another function, which may write to it.
const HANDED: i64 = 256;

/// What a reader adds to the count of a `rwlock_t` (`_QR_BIAS`, include/asm-generic/qrwlock.h).
const READER: i64 = 1 << 9;

/// A walk through one function.
pub(crate) struct Walk<'w, 'c> {
    pub(crate) holdings: &'w Holdings<'c>,
    pub(crate) flow: &'w Flow,
    /// How deep called functions are looked into.
    pub(crate) depth: u8,
    pub(crate) terms: Terms,
    /// The states at the start of each block.
    pub(crate) starts: Vec<Vec<State>>,
    /// The states where it returns.
    pub(crate) exits: Vec<State>,
    /// Whether it jumps to places in itself that are not known.
    pub(crate) has_hidden_ways: bool,
    pub(crate) budget: Budget,
    /// Whether it looks for where a per-CPU semaphore has its count, and what it found.
    pub(crate) is_learning: bool,
    pub(crate) learned: Option<i64>,
    has_percpu: (bool, bool),
    has_folio: bool,
    opaque: u8,
}

impl<'w, 'c> Walk<'w, 'c> {
    pub(crate) fn new(holdings: &'w Holdings<'c>, flow: &'w Flow, depth: u8) -> Self {
        let names = &holdings.names;
        let calls = |list: &[u64]| list.iter().any(|address| flow.calls.contains(address));
        Walk {
            holdings,
            flow,
            depth,
            terms: Terms::default(),
            starts: flow.blocks.iter().map(|_| Vec::new()).collect(),
            exits: Vec::new(),
            has_hidden_ways: flow.has_hidden_ways,
            budget: Budget::new("steps through one function", MOST_STEPS),
            is_learning: false,
            learned: None,
            has_percpu: (calls(&names.percpu_slow), calls(&names.percpu_wake)),
            has_folio: calls(&names.folio_slow),
            opaque: 0,
        }
    }

    /// Walks until nothing changes; fails when the budget is spent.
    pub(crate) fn run(&mut self) -> Result<(), base::Exhausted> {
        let entry = self.entry_state();
        if let Some(states) = self.starts.get_mut(self.flow.entry) {
            states.push(entry);
        }
        // The lowest address first: mostly the order of execution.
        let mut open: BTreeMap<usize, Vec<usize>> = BTreeMap::from([(self.flow.entry, vec![0])]);
        while let Some((number, states)) = open.pop_first() {
            let Some(block) = self.flow.blocks.get(number) else {
                continue;
            };
            for place in states {
                let state = self.starts.get(number).and_then(|states| states.get(place));
                let Some(state) = state.cloned() else {
                    continue;
                };
                for state in self.block(block, state, usize::MAX)? {
                    for (to, state) in self.leave(block, state) {
                        if let Some(changed) = self.arrive(to, state) {
                            let waiting = open.entry(to).or_default();
                            if !waiting.contains(&changed) {
                                waiting.push(changed);
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn entry_state(&mut self) -> State {
        let registers = self.holdings.registers.clone();
        let sp = self.holdings.stack_pointer;
        let registers = registers.into_iter().map(|register| match register {
            register if register == sp => self.terms.intern(Term::Stack),
            register => self.terms.intern(Term::Entry(register)),
        });
        State {
            registers: registers.collect(),
            flags: Flags::Unknown,
            slots: Vec::new(),
            facts: Vec::new(),
            held: Vec::new(),
            released: Vec::new(),
        }
    }

    /// The states before the instruction of this place in a block.
    pub(crate) fn before(
        &mut self,
        number: usize,
        place: usize,
    ) -> Result<Vec<State>, base::Exhausted> {
        let mut found = Vec::new();
        let Some(block) = self.flow.blocks.get(number) else {
            return Ok(found);
        };
        self.budget.reset();
        for state in self.starts.get(number).cloned().unwrap_or_default() {
            found.extend(self.block(block, state, place)?);
        }
        Ok(found)
    }

    /// Executes the first `count` instructions of a block.
    fn block(
        &mut self,
        block: &Block,
        state: State,
        count: usize,
    ) -> Result<Vec<State>, base::Exhausted> {
        let mut states = vec![state];
        for insn in block.insns.iter().take(count) {
            self.budget.spend(states.len() as u64)?;
            let mut next = Vec::with_capacity(states.len());
            for state in states {
                self.step(insn, state, &mut next);
            }
            states = next;
        }
        Ok(states)
    }

    /// Brings a state to the start of a block; gives the place of the one that changed there.
    fn arrive(&mut self, to: usize, mut state: State) -> Option<usize> {
        let block = u32::try_from(to).unwrap_or(u32::MAX);
        // What is named by what a place held at the last entry, and is not there any more, is older.
        let registers = state.registers.clone();
        let slots = state.slots.clone();
        let terms = &self.terms;
        let is_here = |kept: Kept| match kept {
            Kept::Register(number) => registers.get(usize::from(number)).copied(),
            Kept::Slot(at) => slots.iter().find(|slot| slot.0 == at).map(|slot| slot.2),
        };
        let older: Vec<Term> = state
            .held
            .iter()
            .map(|lock| lock.same)
            .chain(state.facts.iter().map(|fact| fact.0))
            .flat_map(|id| terms.joined(id, block))
            .filter(|term| match term {
                Term::Joined(_, kept) => is_here(*kept).map(|id| terms.term(id)) != Some(*term),
                _ => false,
            })
            .collect();
        if !older.is_empty() {
            state.made_anew(&mut self.terms, &|term| older.contains(&term));
        }
        let states = self.starts.get_mut(to)?;
        if let Some(place) = states.iter().position(|other| other.holds_as(&state)) {
            let mine = states.get_mut(place)?;
            return mine.join(&mut self.terms, &state, block).then_some(place);
        }
        if states.len() < MOST_STATES {
            states.push(state);
            return Some(states.len() - 1);
        }
        let last = states.last_mut()?;
        let changed = last.merge(&mut self.terms, &state, block);
        changed.then_some(MOST_STATES - 1)
    }

    /// Where a state goes at the end of its block.
    fn leave(&mut self, block: &Block, mut state: State) -> Vec<(usize, State)> {
        match &block.end {
            End::Goes(to) => vec![(*to, state)],
            End::Branches { test, taken, falls } => {
                let asked = self.constraint(&state, test);
                let mut other = state.clone();
                let (mut takes, mut passes) = (true, true);
                if let Some((id, classes)) = asked {
                    takes = state.restrict(&self.terms, id, classes);
                    passes = other.restrict(&self.terms, id, !classes & ALL);
                }
                let mut next = Vec::with_capacity(2);
                if takes {
                    match *taken {
                        To::Block(to) => next.push((to, state)),
                        To::Function(to) => self.leave_for(Some(to), state),
                        To::Elsewhere => self.leave_for(None, state),
                        To::Return => self.exits.push(state),
                        To::Unknown => self.has_hidden_ways = true,
                    }
                }
                if let Some(falls) = falls
                    && passes
                {
                    next.push((*falls, other));
                }
                next
            }
            End::Leaves(to) => {
                self.leave_for(*to, state);
                Vec::new()
            }
            End::Returns => {
                self.exits.push(state);
                Vec::new()
            }
            End::Stops => Vec::new(),
            End::Unknown => {
                self.has_hidden_ways = true;
                Vec::new()
            }
        }
    }

    /// It ends with a function that returns to the caller of this one.
    fn leave_for(&mut self, to: Option<u64>, state: State) {
        let sp = self.get(&state, self.holdings.stack_pointer);
        match to {
            Some(to) if self.holdings.names.special(to).is_none() => {
                let mut after = Vec::new();
                self.call(to, to, state, &mut after);
                self.exits.append(&mut after);
            }
            Some(_) => {}
            // A case of a table is jumped to while the frame stands.
            None if self.terms.on_stack(sp) != Some(0) => self.has_hidden_ways = true,
            None => {
                let mut state = state;
                self.returned(0, &mut state);
                self.exits.push(state);
            }
        }
    }

    pub(crate) fn get(&mut self, state: &State, register: Reg) -> Id {
        match self.holdings.place(register) {
            Some(place) => state.registers.get(place).copied().unwrap_or_default(),
            None => self.unknown(0),
        }
    }

    fn set(&self, state: &mut State, register: Reg, id: Id) {
        let place = self.holdings.place(register);
        if let Some(slot) = place.and_then(|place| state.registers.get_mut(place)) {
            *slot = id;
        }
    }

    fn unknown(&mut self, site: u64) -> Id {
        self.opaque = self.opaque.wrapping_add(1) & 0x7f;
        self.terms.intern(Term::Opaque(site, self.opaque))
    }

    fn step(&mut self, insn: &Insn, mut state: State, next: &mut Vec<State>) {
        let site = insn.address;
        if let Leads::Call(callee) = &insn.flow {
            match callee {
                Callee::At(to) => match self.holdings.names.special(*to) {
                    Some(Special::Nothing) => next.push(state),
                    Some(Special::NoReturn) => {}
                    Some(_) => {
                        self.returned(site, &mut state);
                        next.push(state);
                    }
                    None => self.call(site, *to, state, next),
                },
                Callee::Value(_) => {
                    self.returned(site, &mut state);
                    next.push(state);
                }
            }
            return;
        }
        self.opaque = 0;
        if insn.effects.iter().any(makes) {
            state.made_anew(&mut self.terms, &|term| match term {
                Term::Load { site: at, .. } | Term::Opaque(at, _) => at == site,
                _ => false,
            });
        }
        let before = match insn.effects.as_slice() {
            [_] | [] => None,
            _ => Some(state.clone()),
        };
        let mut splits = None;
        for effect in &insn.effects {
            let old = before.as_ref();
            match effect {
                Effect::Set(register, value) if *register == Reg::FLAGS => {
                    state.flags = self.flags(old.unwrap_or(&state), value, site);
                }
                Effect::Set(register, value) => {
                    let id = self.value(old.unwrap_or(&state), value, site);
                    self.set(&mut state, *register, id);
                }
                Effect::Store {
                    address,
                    size,
                    value,
                    space,
                } => {
                    let old = old.unwrap_or(&state);
                    let at = self.value(old, address, site);
                    if space.is_none()
                        && let Some(offset) = self.terms.on_stack(at)
                    {
                        let id = self.value(old, value, site);
                        state.store(offset, *size, (*size == 8 || *size == 4).then_some(id));
                    } else {
                        splits = splits.or(self.store(
                            &mut state,
                            at,
                            (*size, *space),
                            address,
                            value,
                            site,
                        ));
                    }
                }
                Effect::Touch(_) => {}
                Effect::Clobber(registers) => {
                    for register in registers {
                        if *register == Reg::FLAGS {
                            state.flags = Flags::Unknown;
                        }
                        let id = self.unknown(site);
                        self.set(&mut state, *register, id);
                    }
                }
            }
        }
        match splits {
            Some((lock, id)) => self.split(state, lock, id, ZERO, next),
            None => next.push(state),
        }
    }

    /// A store that is no part of the frame: fast paths that are in line.
    fn store(
        &mut self,
        state: &mut State,
        at: Id,
        (size, space): (u8, Option<&'static str>),
        address: &Expr,
        value: &Expr,
        site: u64,
    ) -> Option<(Lock, Id)> {
        let reads_it = |expr: &Expr| matches!(expr, Expr::Load(load) if load.address == *address && load.space == space);
        match (space, value) {
            // `queued_spin_unlock`, `queued_write_unlock` (include/asm-generic/{qspinlock,qrwlock}.h).
            (None, Expr::Const(0)) if size == 1 => {
                let same = self.terms.same(at);
                state.held.retain(|held| {
                    let by_byte = held.kind == SPIN || held.kind == RWLOCK;
                    !by_byte || held.mode != Mode::Exclusive || held.same != same
                });
                None
            }
            // `queued_read_unlock`: one reader less.
            (None, Expr::Binary(Op::Add, of, _))
                if size == 4
                    && reads_it(of)
                    && state.held.iter().any(|held| held.kind == RWLOCK) =>
            {
                let value = self.value(state, value, site);
                let (_, by) = self.terms.split(value);
                if by == -READER || by == (-READER & 0xffff_ffff) {
                    let same = self.terms.same(at);
                    state.held.retain(|held| {
                        held.kind != RWLOCK || held.mode != Mode::Shared || held.same != same
                    });
                }
                None
            }
            // `percpu_down_read`, `percpu_up_read` (include/linux/percpu-rwsem.h): the count is in the memory of
            // the CPU, where a member of the semaphore tells.
            (Some(_), Expr::Binary(Op::Add, of, by)) if reads_it(of) => {
                let Expr::Const(by) = **by else { return None };
                let by = by.cast_signed();
                let Term::Load { address, .. } = self.terms.term(at) else {
                    return None;
                };
                if self.is_learning {
                    let (base, offset) = self.terms.split(address);
                    if by == 1
                        && self.terms.term(base) == Term::Entry(*self.holdings.arguments.first()?)
                    {
                        self.learned = self.learned.or(Some(offset));
                    }
                    return None;
                }
                if self.has_percpu == (false, false)
                    && !state.held.iter().any(|held| held.kind == PERCPU)
                {
                    return None;
                }
                let member = self.holdings.percpu_member()?;
                let id = self.terms.plus(address, member.wrapping_neg());
                let lock = self.lock(id, PERCPU, Mode::Shared, site, Vec::new());
                match by {
                    1 if self.has_percpu.0 => state.take(lock),
                    -1 if self.has_percpu.1
                        || state.held.iter().any(|held| held.key() == lock.key()) =>
                    {
                        state.release(&self.terms, lock);
                    }
                    _ => {}
                }
                None
            }
            // `folio_trylock`: the bit PG_locked of the flags, which come first (include/linux/page-flags.h).
            (None, Expr::Binary(Op::Or, of, mask)) if self.has_folio && size == 8 => {
                (reads_it(of) && **mask == Expr::Const(1)).then_some(())?;
                let load = self.value(state, of, site);
                let one = self.terms.number(1);
                let bit = self.terms.binary(Op::And, load, one);
                let lock = self.lock(at, FOLIO, Mode::Exclusive, site, Vec::new());
                Some((lock, bit))
            }
            _ => None,
        }
    }

    fn lock(
        &mut self,
        id: Id,
        kind: &'static str,
        mode: Mode,
        taken_at: u64,
        through: Vec<u64>,
    ) -> Lock {
        Lock {
            same: self.terms.same(id),
            kind,
            mode,
            certain: true,
            id,
            taken_at,
            through,
        }
    }

    /// Two ways: one where `id` is of `classes` and the lock is taken, one where neither is.
    fn split(&mut self, state: State, lock: Lock, id: Id, classes: Classes, next: &mut Vec<State>) {
        let mut without = state.clone();
        let mut with = state;
        if with.restrict(&self.terms, id, classes) {
            with.take(lock);
            next.push(with);
        }
        if without.restrict(&self.terms, id, !classes & ALL) {
            next.push(without);
        }
    }

    /// What a call leaves of the registers; gives the number of what it returned.
    fn returned(&mut self, site: u64, state: &mut State) -> Id {
        self.opaque = 0;
        state.made_anew(&mut self.terms, &|term| match term {
            Term::Result(at) | Term::Opaque(at, _) => at == site,
            _ => false,
        });
        // An object on the stack whose address is handed on may be written to; what the function has kept for its
        // caller is not.
        let handed: Vec<i64> = self
            .holdings
            .arguments
            .iter()
            .filter_map(|register| {
                let place = self.holdings.place(*register)?;
                self.terms.on_stack(*state.registers.get(place)?)
            })
            .collect();
        for start in handed {
            let terms = &self.terms;
            state.slots.retain(|(at, _, id)| {
                let is_inside = (start..start.saturating_add(HANDED)).contains(at);
                !is_inside || matches!(terms.term(*id), Term::Entry(_))
            });
        }
        let result = self.terms.intern(Term::Result(site));
        for register in self.holdings.scratch.clone() {
            let id = match Some(register) == self.holdings.result {
                true => result,
                false => self.unknown(site),
            };
            self.set(state, register, id);
        }
        state.flags = Flags::Unknown;
        result
    }

    /// A call of a known function.
    fn call(&mut self, site: u64, to: u64, mut state: State, next: &mut Vec<State>) {
        let arguments: Vec<Id> = self
            .holdings
            .arguments
            .clone()
            .into_iter()
            .map(|register| self.get(&state, register))
            .collect();
        let before = state.clone();
        if let Some(primitive) = self.holdings.names.primitive(to) {
            let result = self.returned(site, &mut state);
            let id = arguments.get(usize::from(primitive.argument)).copied();
            let Some(id) = id else {
                next.push(state);
                return;
            };
            let mode = match primitive.does {
                Does::Takes(mode, _) | Does::Releases(mode) => mode,
                Does::Downgrades | Does::HandsOver => Mode::Exclusive,
            };
            let lock = self.lock(id, primitive.kind, mode, site, Vec::new());
            match primitive.does {
                Does::Takes(_, when) => {
                    let second = arguments.get(1).copied().unwrap_or_default();
                    let (classes, possible) = match when {
                        When::Always => (ALL, ALL),
                        When::Zero => (ZERO, ZERO | ERROR),
                        When::ZeroNotOne => (ZERO, ZERO | POSITIVE),
                        When::NonZeroIfTrying if before.classes(&self.terms, second) == ZERO => {
                            (ALL, ALL)
                        }
                        When::NonZero | When::NonZeroIfTrying => (POSITIVE, ZERO | POSITIVE),
                    };
                    if classes == ALL {
                        state.take(lock);
                        next.push(state);
                    } else {
                        state.restrict(&self.terms, result, possible);
                        self.split(state, lock, result, classes, next);
                    }
                }
                Does::Releases(_) => {
                    state.release(&self.terms, lock);
                    next.push(state);
                }
                Does::Downgrades => {
                    state.release(&self.terms, lock.clone());
                    state.take(Lock {
                        mode: Mode::Shared,
                        ..lock
                    });
                    next.push(state);
                }
                Does::HandsOver => {
                    state.held.retain(|held| held.kind != SPIN);
                    next.push(state);
                }
            }
            return;
        }
        let holdings = self.holdings;
        let summary = match self.depth.checked_sub(1) {
            Some(depth) => holdings.summary(to, depth),
            None => None,
        };
        let result = self.returned(site, &mut state);
        let Some(summary) = summary else {
            next.push(state);
            return;
        };
        state.restrict(&self.terms, result, summary.returns);
        let mut states = vec![state];
        for change in &summary.changes {
            let mut after = Vec::with_capacity(states.len());
            for state in states {
                self.change(
                    change,
                    &before,
                    &arguments,
                    (site, to, result),
                    state,
                    &mut after,
                );
            }
            states = after;
        }
        next.append(&mut states);
    }

    /// What a called function does with a lock.
    fn change(
        &mut self,
        change: &Change,
        before: &State,
        arguments: &[Id],
        (site, to, result): (u64, u64, Id),
        mut state: State,
        next: &mut Vec<State>,
    ) {
        let id = self.handed(&change.lock, before, arguments, result, site);
        let mut through = vec![to];
        through.extend(&change.through);
        let mut lock = self.lock(id, change.kind, change.mode, site, through);
        lock.certain = change.certain;
        if change.takes {
            match change.when {
                ALL => {
                    state.take(lock);
                    next.push(state);
                }
                classes => self.split(state, lock, result, classes, next),
            }
            return;
        }
        match change.when {
            ALL => {
                state.release(&self.terms, lock);
                next.push(state);
            }
            classes => {
                let mut without = state.clone();
                if state.restrict(&self.terms, result, classes) {
                    state.release(&self.terms, lock);
                    next.push(state);
                }
                if without.restrict(&self.terms, result, !classes & ALL) {
                    next.push(without);
                }
            }
        }
    }

    /// A value of a called function, in terms of this one.
    fn handed(
        &mut self,
        value: &Value,
        before: &State,
        arguments: &[Id],
        result: Id,
        site: u64,
    ) -> Id {
        match value {
            Value::Const(number) => self.terms.number(*number),
            Value::Argument(number) => {
                let id = arguments.get(usize::from(*number)).copied();
                id.unwrap_or_else(|| self.unknown(site))
            }
            Value::Returned => result,
            Value::Load {
                address,
                size,
                signed,
                space,
            } => {
                let address = self.handed(address, before, arguments, result, site);
                self.load(before, address, (*size, *signed, *space), site)
            }
            Value::Binary(op, left, right) => {
                let left = self.handed(left, before, arguments, result, site);
                let right = self.handed(right, before, arguments, result, site);
                self.terms.binary(*op, left, right)
            }
            Value::Extend {
                size,
                signed,
                value,
            } => {
                let value = self.handed(value, before, arguments, result, site);
                self.terms.extended(*size, *signed, value)
            }
            Value::Current => match self.holdings.names.current.first() {
                Some(at) => {
                    let at = self.terms.number(*at);
                    self.load(before, at, (8, false, Some("gs")), site)
                }
                None => self.unknown(site),
            },
            Value::Either(all) => match all.first() {
                Some(value) => self.handed(value, before, arguments, result, site),
                None => self.unknown(site),
            },
            Value::Register(_) | Value::Slot(_) | Value::Frame(_) | Value::Unknown(_) => {
                self.unknown(site)
            }
        }
    }

    fn load(
        &mut self,
        state: &State,
        address: Id,
        (size, signed, space): (u8, bool, Option<&'static str>),
        site: u64,
    ) -> Id {
        if space.is_none()
            && let Some(offset) = self.terms.on_stack(address)
        {
            let slot = state.slot(offset, size);
            return match slot {
                Some(id) if size == 8 => id,
                Some(id) => self.terms.extended(size, signed, id),
                None => self.unknown(site),
            };
        }
        let signed = signed && size < 8;
        self.terms.intern(Term::Load {
            address,
            size,
            signed,
            space,
            site,
        })
    }

    /// The value of an expression before an instruction.
    pub(crate) fn value(&mut self, state: &State, value: &Expr, site: u64) -> Id {
        match value {
            Expr::Reg(register) => self.get(state, *register),
            Expr::Const(number) => self.terms.number(*number),
            Expr::Load(load) => {
                let Load {
                    address,
                    size,
                    signed,
                    space,
                } = load.as_ref();
                let address = self.value(state, address, site);
                self.load(state, address, (*size, *signed, *space), site)
            }
            Expr::Binary(op, left, right) => {
                let left = self.value(state, left, site);
                let right = self.value(state, right, site);
                self.terms.binary(*op, left, right)
            }
            Expr::Extend {
                size,
                signed,
                value,
            } => {
                let value = self.value(state, value, site);
                self.terms.extended(*size, *signed, value)
            }
            Expr::Select(test, yes, no) => {
                let yes = self.value(state, yes, site);
                let no = self.value(state, no, site);
                let Some((of, classes)) = self.constraint(state, test) else {
                    return self.unknown(site);
                };
                let may = state.classes(&self.terms, of);
                if may & classes == 0 {
                    no
                } else if may & !classes & ALL == 0 {
                    yes
                } else {
                    self.terms.intern(Term::Choice {
                        of,
                        classes,
                        yes,
                        no,
                    })
                }
            }
            Expr::Compare(..) | Expr::Test(..) | Expr::Unknown(_) => self.unknown(site),
        }
    }

    fn flags(&mut self, state: &State, value: &Expr, site: u64) -> Flags {
        match value {
            Expr::Compare(left, right) => {
                let left = self.value(state, left, site);
                Flags::Compare(left, self.value(state, right, site))
            }
            Expr::Test(left, right) => {
                let left = self.value(state, left, site);
                Flags::Test(left, self.value(state, right, site))
            }
            _ => Flags::Unknown,
        }
    }

    /// What holds if a condition does: a value is of these classes, and of the others if it does not.
    fn constraint(&mut self, state: &State, test: &Test) -> Option<(Id, Classes)> {
        if test.left != Expr::Reg(Reg::FLAGS) {
            return None;
        }
        let (left, right) = match state.flags {
            Flags::Unknown => return None,
            Flags::Compare(left, right) => (left, right),
            Flags::Test(left, right) if left == right => (left, self.terms.number(0)),
            Flags::Test(left, right) => {
                let both = self.terms.binary(Op::And, left, right);
                let zero = match test.cond {
                    Cond::Eq => ZERO,
                    Cond::Ne => !ZERO & ALL,
                    _ => return None,
                };
                return Some((both, zero));
            }
        };
        let negative = NEGATIVE | ERROR;
        let number = |terms: &Terms, id: Id| match terms.term(id) {
            Term::Const(number) => Some(number),
            _ => None,
        };
        // The carry of `0 - bit`.
        if number(&self.terms, left) == Some(0) {
            return match test.cond {
                Cond::LtU => Some((right, !ZERO & ALL)),
                Cond::GeU | Cond::Eq => Some((right, ZERO)),
                Cond::Ne => Some((right, !ZERO & ALL)),
                _ => None,
            };
        }
        let against = number(&self.terms, right);
        let classes =
            match (test.cond, against) {
                (Cond::Eq | Cond::LeU, Some(0)) | (Cond::LtU, Some(1)) => ZERO,
                (Cond::Ne | Cond::GtU, Some(0)) | (Cond::GeU, Some(1)) => !ZERO & ALL,
                (Cond::LtS | Cond::Neg, Some(0)) | (Cond::LeS, Some(u64::MAX)) => negative,
                (Cond::GeS | Cond::Pos, Some(0)) | (Cond::GtS, Some(u64::MAX)) => ZERO | POSITIVE,
                (Cond::LeS, Some(0)) | (Cond::LtS, Some(1)) => ZERO | negative,
                (Cond::GtS, Some(0)) | (Cond::GeS, Some(1)) => POSITIVE,
                (Cond::GtU, Some(0xffff_ffff_ffff_f000))
                | (Cond::GeU, Some(0xffff_ffff_ffff_f001)) => ERROR,
                (Cond::LeU, Some(0xffff_ffff_ffff_f000))
                | (Cond::LtU, Some(0xffff_ffff_ffff_f001)) => !ERROR & ALL,
                (Cond::Eq | Cond::Ne, _) => {
                    let difference = match against {
                        Some(number) => self.terms.plus(left, number.cast_signed().wrapping_neg()),
                        None => self.terms.binary(Op::Sub, left, right),
                    };
                    let equal = if left == right || test.cond == Cond::Eq {
                        ZERO
                    } else {
                        !ZERO & ALL
                    };
                    return Some((difference, equal));
                }
                _ => return None,
            };
        Some((left, classes))
    }
}

/// Whether an effect makes values that are named after the instruction.
fn makes(effect: &Effect) -> bool {
    fn reads(value: &Expr) -> bool {
        match value {
            Expr::Load(_) | Expr::Unknown(_) => true,
            Expr::Binary(_, a, b) | Expr::Compare(a, b) | Expr::Test(a, b) => reads(a) || reads(b),
            Expr::Extend { value, .. } => reads(value),
            Expr::Select(..) => true,
            Expr::Reg(_) | Expr::Const(_) => false,
        }
    }
    match effect {
        Effect::Set(_, value) => reads(value),
        Effect::Store { address, value, .. } => reads(address) || reads(value),
        Effect::Touch(_) => false,
        Effect::Clobber(_) => true,
    }
}
