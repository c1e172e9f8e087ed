//! Values as one walk through a function knows them: each is made once and has a number.

use std::collections::HashMap;

use arch::{Op, Reg, extend};

/// The number of a value.
pub(crate) type Id = u32;

/// Steps of loads and sums; deeper values help nobody.
const DEEPEST: u8 = 12;

/// Where a value is kept that ways disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kept {
    /// The register of this place among those that are followed.
    Register(u8),
    /// The slot at this offset from the end of the stack at the entry.
    Slot(i64),
}

/// A value. A site is the address of the instruction that made it, when it was last executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Term {
    Const(u64),
    /// The register when the function was entered.
    Entry(Reg),
    /// The end of the stack then.
    Stack,
    /// What a call returned.
    Result(u64),
    Plus(Id, i64),
    Load {
        address: Id,
        size: u8,
        signed: bool,
        space: Option<&'static str>,
        site: u64,
    },
    Binary(Op, Id, Id),
    Extend {
        size: u8,
        signed: bool,
        value: Id,
    },
    /// `yes` if `of` is of the classes, else `no`.
    Choice {
        of: Id,
        classes: Classes,
        yes: Id,
        no: Id,
    },
    /// What a place held when the block of this number was last entered.
    Joined(u32, Kept),
    /// What is not modelled: the site, and a number among what it makes.
    Opaque(u64, u8),
    /// The address of a lock that was taken in an earlier turn of a loop, by the call there.
    Stale(u64),
}

/// Which of four kinds a number may be of: a set of bits.
pub(crate) type Classes = u8;
pub(crate) const ZERO: Classes = 1;
pub(crate) const POSITIVE: Classes = 2;
/// Negative, and no error.
pub(crate) const NEGATIVE: Classes = 4;
/// An error, alone or as a pointer: -4095 to -1 (`IS_ERR_VALUE`, include/linux/err.h).
pub(crate) const ERROR: Classes = 8;
pub(crate) const ALL: Classes = 15;

/// The class of a number. An error of 32 bits is one: pointers do not lie there.
pub(crate) fn class(number: u64) -> Classes {
    match number {
        0 => ZERO,
        0xffff_ffff_ffff_f001.. | 0xffff_f001..=0xffff_ffff => ERROR,
        _ if number.cast_signed() > 0 => POSITIVE,
        _ => NEGATIVE,
    }
}

/// The values of one walk.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    terms: Vec<Term>,
    /// The same value, whenever it was read.
    same: Vec<Id>,
    depth: Vec<u8>,
    index: HashMap<Term, Id>,
}

impl Terms {
    pub(crate) fn term(&self, id: Id) -> Term {
        let term = self.terms.get(id as usize);
        term.copied().unwrap_or(Term::Opaque(0, 0))
    }

    /// The value without the time at which memory was read: what two reads of one pointer have in common.
    pub(crate) fn same(&self, id: Id) -> Id {
        self.same.get(id as usize).copied().unwrap_or(id)
    }

    fn depth(&self, id: Id) -> u8 {
        self.depth.get(id as usize).copied().unwrap_or(0)
    }

    /// The number of a value; a new one if it was not known.
    pub(crate) fn intern(&mut self, term: Term) -> Id {
        if let Some(id) = self.index.get(&term) {
            return *id;
        }
        let deepest = |ids: &[Id]| ids.iter().map(|id| self.depth(*id)).max().unwrap_or(0) + 1;
        let depth = match term {
            Term::Plus(of, _) | Term::Extend { value: of, .. } => self.depth(of),
            Term::Load { address, .. } => deepest(&[address]),
            Term::Binary(_, left, right) => deepest(&[left, right]),
            Term::Choice { of, yes, no, .. } => deepest(&[of, yes, no]),
            _ => 0,
        };
        if depth > DEEPEST {
            return self.intern(Term::Opaque(0, u8::MAX));
        }
        let same = match term {
            Term::Plus(of, offset) => Some(Term::Plus(self.same(of), offset)),
            Term::Load {
                address,
                size,
                signed,
                space,
                ..
            } => Some(Term::Load {
                address: self.same(address),
                size,
                signed,
                space,
                site: 0,
            }),
            Term::Binary(op, left, right) => {
                Some(Term::Binary(op, self.same(left), self.same(right)))
            }
            Term::Extend {
                size,
                signed,
                value,
            } => Some(Term::Extend {
                size,
                signed,
                value: self.same(value),
            }),
            _ => None,
        };
        let same = same.filter(|same| *same != term);
        let same = same.map(|same| self.intern(same));
        let id = Id::try_from(self.terms.len()).unwrap_or(Id::MAX);
        self.terms.push(term);
        self.same.push(same.unwrap_or(id));
        self.depth.push(depth);
        self.index.insert(term, id);
        id
    }

    pub(crate) fn number(&mut self, number: u64) -> Id {
        self.intern(Term::Const(number))
    }

    /// The value and what is added to it.
    pub(crate) fn split(&self, id: Id) -> (Id, i64) {
        match self.term(id) {
            Term::Plus(base, offset) => (base, offset),
            _ => (id, 0),
        }
    }

    pub(crate) fn plus(&mut self, id: Id, add: i64) -> Id {
        if let Term::Const(number) = self.term(id) {
            return self.number(number.wrapping_add_signed(add));
        }
        let (base, offset) = self.split(id);
        match offset.wrapping_add(add) {
            0 => base,
            offset => self.intern(Term::Plus(base, offset)),
        }
    }

    pub(crate) fn binary(&mut self, op: Op, left: Id, right: Id) -> Id {
        match (op, self.term(left), self.term(right)) {
            (_, Term::Const(a), Term::Const(b)) if op.apply(a, b).is_some() => {
                self.number(op.apply(a, b).unwrap_or_default())
            }
            (Op::Add, _, Term::Const(b)) => self.plus(left, b.cast_signed()),
            (Op::Add, Term::Const(a), _) => self.plus(right, a.cast_signed()),
            (Op::Sub, _, Term::Const(b)) => self.plus(left, b.cast_signed().wrapping_neg()),
            _ => self.intern(Term::Binary(op, left, right)),
        }
    }

    pub(crate) fn extended(&mut self, size: u8, signed: bool, value: Id) -> Id {
        match self.term(value) {
            Term::Const(number) => self.number(extend(number, size, signed)),
            // Less of it is kept: the wider extension does not matter.
            Term::Extend {
                size: inner,
                value: of,
                ..
            } if inner >= size => self.extended(size, signed, of),
            _ => self.intern(Term::Extend {
                size,
                signed,
                value,
            }),
        }
    }

    /// What is asked whether it is zero: the same for a number and for its lower half.
    pub(crate) fn asked(&self, mut id: Id) -> Id {
        while let Term::Extend { value, .. } = self.term(id) {
            id = value;
        }
        id
    }

    /// The offset from the end of the stack at the entry, of an address on the stack.
    pub(crate) fn on_stack(&self, id: Id) -> Option<i64> {
        let (base, offset) = self.split(id);
        matches!(self.term(base), Term::Stack).then_some(offset)
    }

    /// Whether a part of the value is one of those that `is` tells.
    pub(crate) fn mentions(&self, id: Id, is: &dyn Fn(Term) -> bool) -> bool {
        let term = self.term(id);
        is(term)
            || match term {
                Term::Plus(of, _) | Term::Extend { value: of, .. } => self.mentions(of, is),
                Term::Load { address, .. } => self.mentions(address, is),
                Term::Binary(_, left, right) => self.mentions(left, is) || self.mentions(right, is),
                Term::Choice { of, yes, no, .. } => {
                    [of, yes, no].into_iter().any(|id| self.mentions(id, is))
                }
                _ => false,
            }
    }

    /// The parts of the value that are what places held when a block was entered.
    pub(crate) fn joined(&self, id: Id, block: u32) -> Vec<Term> {
        let mut found = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let term = self.term(id);
            match term {
                Term::Joined(of, _) if of == block => found.push(term),
                Term::Plus(of, _) | Term::Extend { value: of, .. } => open.push(of),
                Term::Load { address, .. } => open.push(address),
                Term::Binary(_, left, right) => open.extend([left, right]),
                Term::Choice { of, yes, no, .. } => open.extend([of, yes, no]),
                _ => {}
            }
        }
        found
    }
}
