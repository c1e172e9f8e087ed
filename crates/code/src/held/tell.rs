//! From a value of a walk to one that a debugger can have.

use arch::Reg;

use super::state::State;
use super::terms::{Id, Term};
use super::value::Value;
use super::walk::Walk;

/// Loads and sums in one another.
const DEEPEST: u8 = 10;

/// Ways to have one value.
const MOST_WAYS: usize = 4;

/// Tells values.
pub(crate) struct Teller<'t, 'w, 'c> {
    pub(crate) walk: &'t Walk<'w, 'c>,
    /// The registers that can be known.
    pub(crate) registers: &'t [Reg],
    /// Whether the frame stands.
    pub(crate) has_slots: bool,
    /// What is returned, if it is asked at the end of a function.
    pub(crate) returned: Option<Id>,
}

impl Teller<'_, '_, '_> {
    /// The value in a state.
    pub(crate) fn tell(&self, state: &State, id: Id) -> Value {
        pack(self.ways(state, id, DEEPEST))
    }

    /// The value that each of the states has another number for.
    pub(crate) fn tell_all(&self, states: &[(&State, Id)]) -> Value {
        let Some(((state, id), rest)) = states.split_first() else {
            return Value::Unknown("no way leads there");
        };
        let mut ways = self.ways(state, *id, DEEPEST);
        for (state, id) in rest {
            let other = self.ways(state, *id, DEEPEST);
            ways.retain(|way| other.contains(way));
        }
        pack(ways)
    }

    fn ways(&self, state: &State, id: Id, depth: u8) -> Vec<Value> {
        let terms = &self.walk.terms;
        let push = self.walk.holdings.frame_start;
        if let Some(offset) = terms.on_stack(id) {
            return vec![Value::Frame(offset.wrapping_sub(push))];
        }
        let (base, offset) = terms.split(id);
        let term = terms.term(base);
        if let Term::Const(number) = term {
            return vec![Value::Const(number.wrapping_add_signed(offset))];
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Vec::new();
        };
        let mut ways = Vec::new();
        let same = terms.same(base);
        let from = |id: Id| {
            let (other, by) = terms.split(id);
            (terms.same(other) == same).then(|| offset.wrapping_sub(by))
        };
        for register in self.registers {
            let place = self.walk.holdings.place(*register);
            let held = place.and_then(|place| state.registers.get(place));
            if let Some(add) = held.and_then(|id| from(*id)) {
                ways.push(Value::Register(*register).plus(add));
            }
        }
        if self.has_slots {
            for (at, size, id) in &state.slots {
                if *size == 8
                    && let Some(add) = from(*id)
                {
                    ways.push(Value::Slot(at.wrapping_sub(push)).plus(add));
                }
            }
        }
        if let Some(add) = self.returned.and_then(from) {
            ways.push(Value::Returned.plus(add));
        }
        let made = match term {
            Term::Entry(register) => {
                let mut arguments = self.walk.holdings.arguments.iter();
                let number = arguments.position(|argument| *argument == register);
                number
                    .and_then(|number| u8::try_from(number).ok())
                    .map(Value::Argument)
            }
            Term::Load {
                address,
                space: Some(_),
                size: 8,
                ..
            } if self.is_current(address) => Some(Value::Current),
            Term::Load {
                address,
                size,
                signed,
                space,
                ..
            } => self.part(state, address, depth).map(|address| Value::Load {
                address: Box::new(address),
                size,
                signed,
                space,
            }),
            Term::Binary(op, left, right) => {
                let left = self.part(state, left, depth);
                left.zip(self.part(state, right, depth))
                    .map(|(left, right)| Value::Binary(op, Box::new(left), Box::new(right)))
            }
            Term::Extend {
                size,
                signed,
                value,
            } => self.part(state, value, depth).map(|value| Value::Extend {
                size,
                signed,
                value: Box::new(value),
            }),
            _ => None,
        };
        ways.extend(made.map(|made| made.plus(offset)));
        ways.truncate(MOST_WAYS);
        ways
    }

    fn is_current(&self, address: Id) -> bool {
        let names = &self.walk.holdings.names;
        match self.walk.terms.term(address) {
            Term::Const(at) => names.current.contains(&at),
            _ => false,
        }
    }

    fn part(&self, state: &State, id: Id, depth: u8) -> Option<Value> {
        match pack(self.ways(state, id, depth)) {
            Value::Unknown(_) => None,
            value => Some(value),
        }
    }
}

fn pack(mut ways: Vec<Value>) -> Value {
    match ways.len() {
        0 => Value::Unknown("neither a register nor the stack still has it"),
        1 => ways.swap_remove(0),
        _ => Value::Either(ways),
    }
}
