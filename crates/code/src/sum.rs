//! An address as a sum: what it was made from over the whole function, each part with its factor.

use arch::{Expr, Load, Op, Reg};

use crate::body::Body;
use crate::origin::Origin;

/// Steps of one expansion.
const MOST_STEPS: u32 = 256;
/// Parts of one sum.
const MOST_TERMS: usize = 16;

/// A part that is not made of others.
#[derive(Clone, Debug, PartialEq)]
pub enum Leaf {
    /// What memory held: read by this instruction.
    Load {
        /// The read.
        load: Load,
        /// Number of the instruction.
        at: usize,
    },
    /// The value of a register before an instruction that is no sum of others: an argument, a result, or
    /// another one on each of several ways.
    Register {
        /// The register.
        reg: Reg,
        /// Number of the instruction.
        at: usize,
    },
    /// A value that is not modelled; the reason is for people.
    Opaque(&'static str),
}

/// A part and its factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The factor, modulo 2^64.
    pub factor: u64,
    /// The part.
    pub leaf: Leaf,
}

/// A sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// The parts.
    pub terms: Vec<Term>,
    /// What is added, modulo 2^64.
    pub constant: u64,
}

impl Sum {
    fn constant(value: u64) -> Self {
        Sum {
            terms: Vec::new(),
            constant: value,
        }
    }

    fn leaf(leaf: Leaf) -> Self {
        Sum {
            terms: vec![Term { factor: 1, leaf }],
            constant: 0,
        }
    }

    /// The number, where it has no other parts.
    pub fn number(&self) -> Option<u64> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// The only part with a factor of one, which may be a pointer, and what is added to it in whole bytes; the
    /// other parts are multiples.
    pub fn pointer(&self) -> Option<&Leaf> {
        let mut ones = self.terms.iter().filter(|term| term.factor == 1);
        match (ones.next(), ones.next()) {
            (Some(term), None) => Some(&term.leaf),
            _ => None,
        }
    }

    /// The parts that are multiplied.
    pub fn scaled(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(|term| term.factor != 1)
    }

    /// The only factor of a part that is multiplied: bytes of an element, where that part is an index.
    pub fn stride(&self) -> Option<u64> {
        let mut scaled = self.scaled();
        match (scaled.next(), scaled.next()) {
            (Some(term), None) => Some(term.factor),
            _ => None,
        }
    }

    fn add(mut self, other: Sum, sign: u64) -> Self {
        self.constant = self
            .constant
            .wrapping_add(other.constant.wrapping_mul(sign));
        for mut term in other.terms {
            term.factor = term.factor.wrapping_mul(sign);
            match self.terms.iter_mut().find(|known| known.leaf == term.leaf) {
                Some(known) => known.factor = known.factor.wrapping_add(term.factor),
                None => self.terms.push(term),
            }
        }
        self.terms.retain(|term| term.factor != 0);
        if self.terms.len() > MOST_TERMS {
            return Sum::leaf(Leaf::Opaque("a sum of too many parts"));
        }
        self
    }

    fn times(mut self, by: u64) -> Self {
        for term in &mut self.terms {
            term.factor = term.factor.wrapping_mul(by);
        }
        self.terms.retain(|term| term.factor != 0);
        self.constant = self.constant.wrapping_mul(by);
        self
    }
}

impl Body<'_> {
    /// What a value before instruction `at` is made from.
    pub fn sum(&self, value: &Expr, at: usize) -> Sum {
        let mut steps = MOST_STEPS;
        self.sum_within(value, at, &mut steps)
    }

    fn sum_within(&self, value: &Expr, at: usize, steps: &mut u32) -> Sum {
        if *steps == 0 {
            return Sum::leaf(Leaf::Opaque("too long to follow"));
        }
        *steps -= 1;
        match value {
            Expr::Const(value) => Sum::constant(*value),
            Expr::Reg(reg) => match self.origins(*reg, at).as_slice() {
                [Origin::Set(set, Expr::Unknown(why))] => {
                    let _ = set;
                    Sum::leaf(Leaf::Opaque(why))
                }
                // Who walks back may take either way, and what was cleared is a part of a pointer's bits.
                [Origin::Set(_, Expr::Select(..) | Expr::Binary(Op::And, ..))] => {
                    let whole = self.whole(*reg, at, steps);
                    whole.unwrap_or_else(|| {
                        let at = self.since(*reg, at);
                        Sum::leaf(Leaf::Register { reg: *reg, at })
                    })
                }
                // A slot of the stack that only this function writes is as good as a register.
                [Origin::Set(set, Expr::Load(load))] => self.load(load, *set, steps),
                [Origin::Set(set, value)] => self.sum_within(value, *set, steps),
                _ => {
                    let at = self.since(*reg, at);
                    Sum::leaf(Leaf::Register { reg: *reg, at })
                }
            },
            Expr::Load(load) => self.load(load, at, steps),
            Expr::Binary(op, left, right) => {
                let left = self.sum_within(left, at, steps);
                let right = self.sum_within(right, at, steps);
                combine(*op, left, right)
            }
            // The low half of a pointer is one only where pointers have no other.
            Expr::Extend { size: 4, value, .. } if self.arch.pointer_bits == 32 => {
                self.sum_within(value, at, steps)
            }
            Expr::Extend { value, .. } => {
                let inner = self.sum_within(value, at, steps);
                match inner.terms.len() {
                    0 | 1 => inner,
                    _ => Sum::leaf(Leaf::Opaque("a sum cut to fewer bits")),
                }
            }
            Expr::Compare(..) | Expr::Test(..) => {
                Sum::leaf(Leaf::Opaque("the outcome of a comparison"))
            }
            Expr::Select(..) => Sum::leaf(Leaf::Opaque("one of two values")),
            Expr::Unknown(why) => Sum::leaf(Leaf::Opaque(why)),
        }
    }

    /// What a register was set to, where that is a sum of known parts.
    fn whole(&self, reg: Reg, at: usize, steps: &mut u32) -> Option<Sum> {
        let origins = self.origins(reg, at);
        let [Origin::Set(set, value)] = origins.as_slice() else {
            return None;
        };
        let sum = self.sum_within(value, *set, steps);
        let is_opaque = |term: &Term| matches!(term.leaf, Leaf::Opaque(_));
        (!sum.terms.iter().any(is_opaque)).then_some(sum)
    }

    fn load(&self, load: &Load, at: usize, steps: &mut u32) -> Sum {
        let leaf = || {
            Sum::leaf(Leaf::Load {
                load: load.clone(),
                at,
            })
        };
        if u64::from(load.size) != self.arch.pointer_bytes() || load.space.is_some() {
            return leaf();
        }
        let Some(slot) = self.slot(&load.address, at) else {
            return leaf();
        };
        if self.is_shared_slot(slot) {
            return leaf();
        }
        match self.slot_origins(slot, load.size, at, false).as_slice() {
            [Origin::Set(set, value)] => self.sum_within(value, *set, steps),
            _ => leaf(),
        }
    }
}

fn combine(op: Op, left: Sum, right: Sum) -> Sum {
    match op {
        Op::Add => left.add(right, 1),
        Op::Sub => left.add(right, u64::MAX),
        Op::Mul => match (left.number(), right.number()) {
            (_, Some(by)) => left.times(by),
            (Some(by), None) => right.times(by),
            (None, None) => Sum::leaf(Leaf::Opaque("a product of two unknown values")),
        },
        Op::Shl => match right.number() {
            Some(bits) if bits < 64 => left.times(1 << bits),
            _ => Sum::leaf(Leaf::Opaque("a shift by an unknown number")),
        },
        Op::Or if left.number() == Some(0) || right.number() == Some(0) => left.add(right, 1),
        // The parts of an address that instructions put together one by one do not overlap.
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => match op.apply(a, b) {
                Some(value) => Sum::constant(value),
                None => Sum::leaf(Leaf::Opaque("a division by zero")),
            },
            _ => Sum::leaf(Leaf::Opaque("bits of other values")),
        },
    }
}
