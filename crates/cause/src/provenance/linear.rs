//! An address as a sum: what it was made from, each part with its factor.
//!
//! Compilers compute `&table[i].member` in several instructions; put back
//! together it is `base + i * size + offset`, and the parts show again.

use arch::{Expr, Load, Op, Reg};

use super::slice::{Origin, origins};
use super::{Window, shadow};

/// Steps of one expansion; a window has a few dozen instructions.
const MAX_STEPS: u32 = 256;
/// Parts of one sum.
const MAX_TERMS: usize = 16;

/// A part that is not made of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Read from memory by this instruction.
    Loaded {
        /// Index of the instruction.
        insn: usize,
        /// The register that took it.
        reg: Reg,
        /// Where it was read, as the instruction says.
        from: Expr,
        /// Bytes.
        size: u8,
        /// As [`Load::space`].
        space: Option<&'static str>,
    },
    /// An eighth of a value, as this instruction made it.
    Eighth {
        /// The value, before the instruction.
        of: Expr,
        /// Index of the instruction.
        insn: usize,
    },
    /// An address that this instruction counts from its own.
    Address(usize),
    /// A register whose value is older than the bytes show.
    Register {
        /// The register.
        reg: Reg,
        /// Index of the instruction before which it has the value.
        at: usize,
        /// How far its past is known.
        past: Past,
    },
    /// A value that is not modelled.
    Opaque(&'static str),
}

impl Leaf {
    /// The register that held it.
    pub fn register(&self) -> Option<Reg> {
        match self {
            Leaf::Loaded { reg, .. } | Leaf::Register { reg, .. } => Some(*reg),
            Leaf::Eighth { .. } | Leaf::Address(_) | Leaf::Opaque(_) => None,
        }
    }
}

/// Why a register's value cannot be followed further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// This instruction set it, on one of several ways.
    Set(usize),
    /// Control may have come on several ways, and each has another answer.
    Several(Vec<Past>),
    /// It is this argument of the function, counted from 0.
    Argument(u8),
    /// It is what the caller had in it.
    Entry,
    /// The call at this instruction returned it.
    Returned(usize),
    /// The call at this instruction may have changed it.
    Lost(usize),
    /// The bytes end.
    Cut,
    /// The code before was left by the jump at this instruction.
    Jumped(usize),
    /// The failed instruction moves it while it repeats: what it was before is not known.
    Moving,
}

/// A part and its factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The factor, modulo 2^64.
    pub factor: u64,
    /// The part.
    pub leaf: Leaf,
    /// Its value, where the printed registers still tell it.
    pub value: Option<u64>,
    /// Whether the value was solved from the sum instead of read.
    pub solved: bool,
}

/// A sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    /// The parts.
    pub terms: Vec<Term>,
    /// What is added, modulo 2^64.
    pub constant: u64,
    /// Registers that were taken for constants because their value was
    /// printed and their past is unknown: factors.
    pub assumed: Vec<(Reg, u64)>,
    /// Instructions that took part, in the order of memory.
    pub insns: Vec<usize>,
}

/// Expands `expr`, evaluated at instruction `at`.
pub fn of(window: &Window, expr: &Expr, at: usize) -> Linear {
    let mut steps = MAX_STEPS;
    let mut sum = expand(window, expr, at, &mut steps);
    sum.insns.sort_unstable();
    sum.insns.dedup();
    // Where addresses are not known, a constant that is one has no value.
    if window.absolute || !window.is_relative(at) {
        solve(&mut sum, expr.evaluate(&|reg| window.value(reg, at)));
    }
    sum
}

fn expand(window: &Window, expr: &Expr, at: usize, steps: &mut u32) -> Linear {
    if *steps == 0 {
        return opaque("too long to follow");
    }
    *steps -= 1;
    match expr {
        Expr::Const(value) if window.is_relative(at) => {
            part(Leaf::Address(at), window.absolute.then_some(*value))
        }
        Expr::Const(value) => Linear {
            constant: *value,
            ..Linear::default()
        },
        Expr::Reg(reg) => register(window, *reg, at, steps),
        Expr::Binary(op, left, right) if shadow::eighth(*op, right) => {
            let leaf = Leaf::Eighth {
                of: left.as_ref().clone(),
                insn: at,
            };
            part(leaf, None)
        }
        Expr::Binary(op, left, right) => {
            let left = expand(window, left, at, steps);
            let right = expand(window, right, at, steps);
            combine(*op, left, right)
        }
        // Addresses are whole: a pointer that was cut to 32 bits and widened
        // again is one only where the machine has 32.
        Expr::Extend { size: 4, value, .. } if window.arch.pointer_bits == 32 => {
            expand(window, value, at, steps)
        }
        Expr::Extend { value, .. } => {
            // The index of an array is often widened; its value is what counts.
            let inner = expand(window, value, at, steps);
            if inner.terms.len() <= 1 {
                inner
            } else {
                opaque("a sum cut to fewer bits")
            }
        }
        Expr::Load(load) => loaded(window, load, None, at),
        Expr::Compare(..) | Expr::Test(..) => opaque("the outcome of a comparison"),
        Expr::Select(..) => opaque("one of two values"),
        Expr::Unknown(why) => opaque(why),
    }
}

/// A value that is not modelled.
pub(super) fn opaque(why: &'static str) -> Linear {
    part(Leaf::Opaque(why), None)
}

fn part(leaf: Leaf, value: Option<u64>) -> Linear {
    Linear {
        terms: vec![Term {
            factor: 1,
            leaf,
            value,
            solved: false,
        }],
        ..Linear::default()
    }
}

fn loaded(window: &Window, load: &Load, into: Option<Reg>, insn: usize) -> Linear {
    let value = into.and_then(|reg| window.value(reg, insn + 1));
    let leaf = match into {
        Some(reg) => Leaf::Loaded {
            insn,
            reg,
            from: load.address.clone(),
            size: load.size,
            space: load.space,
        },
        None => Leaf::Opaque("a value in memory"),
    };
    Linear {
        terms: vec![Term {
            factor: 1,
            leaf,
            value,
            solved: false,
        }],
        insns: vec![insn],
        ..Linear::default()
    }
}

fn register(window: &Window, reg: Reg, at: usize, steps: &mut u32) -> Linear {
    if window.is_moving(reg, at) {
        let past = Past::Moving;
        return part(Leaf::Register { reg, at, past }, window.printed(reg));
    }
    let origins = origins(window, reg, at);
    let past = match origins.as_slice() {
        [Origin::Set(insn, Expr::Load(load))] => return loaded(window, load, Some(reg), *insn),
        [Origin::Set(insn, Expr::Unknown(why))] => {
            let mut sum = opaque(why);
            if let Some(term) = sum.terms.first_mut() {
                term.value = window.value(reg, insn + 1);
            }
            return sum;
        }
        [Origin::Set(insn, value)] => {
            let mut sum = expand(window, value, *insn, steps);
            sum.insns.push(*insn);
            // The printed value, where it still stands, settles one unknown part.
            solve(&mut sum, window.value(reg, insn + 1));
            return sum;
        }
        [only] => past(only),
        several => Past::Several(several.iter().map(past).collect()),
    };
    let value = window.value(reg, at);
    Linear {
        terms: vec![Term {
            factor: 1,
            leaf: Leaf::Register { reg, at, past },
            value,
            solved: false,
        }],
        ..Linear::default()
    }
}

fn past(origin: &Origin<'_>) -> Past {
    match origin {
        Origin::Set(insn, _) => Past::Set(*insn),
        Origin::Argument(number) => Past::Argument(*number),
        Origin::Entry => Past::Entry,
        Origin::Returned(call) => Past::Returned(*call),
        Origin::Lost(call) => Past::Lost(*call),
        Origin::Cut => Past::Cut,
        Origin::Jumped(jump) => Past::Jumped(*jump),
    }
}

/// With the whole known, the only unknown part is known too, if it divides.
fn solve(sum: &mut Linear, whole: Option<u64>) {
    let Some(whole) = whole else { return };
    let known: u64 = sum
        .terms
        .iter()
        .filter_map(|term| Some(term.factor.wrapping_mul(term.value?)))
        .fold(sum.constant, u64::wrapping_add);
    let mut unknown = sum.terms.iter_mut().filter(|term| term.value.is_none());
    let (Some(term), None) = (unknown.next(), unknown.next()) else {
        return;
    };
    let rest = whole.wrapping_sub(known);
    let divides = term.factor != 0 && rest.checked_rem(term.factor) == Some(0);
    if divides && term.factor < 1 << 32 {
        term.value = rest.checked_div(term.factor);
        term.solved = true;
    }
}

fn combine(op: Op, left: Linear, right: Linear) -> Linear {
    match op {
        Op::Add => add(left, right, 1),
        Op::Sub => add(left, right, u64::MAX),
        Op::Mul => match (factor(&left), factor(&right)) {
            (_, Some(by)) => scale(left, by, right),
            (Some(by), None) => scale(right, by, left),
            (None, None) => opaque("a product of two unknown values"),
        },
        Op::Shl => match right.terms.is_empty().then_some(right.constant) {
            Some(bits) if bits < 64 => scale(left, 1 << bits, right),
            _ => opaque("a shift by an unknown number"),
        },
        Op::Or if disjoint(&left, &right) => add(left, right, 1),
        _ => match (constant(&left), constant(&right)) {
            (Some(a), Some(b)) => match op.apply(a, b) {
                Some(value) => Linear {
                    constant: value,
                    ..Linear::default()
                },
                None => opaque("a division by zero"),
            },
            _ => opaque("bits of other values"),
        },
    }
}

/// An or adds where one side is a small constant below the alignment of the other; only a
/// constant against nothing is sure.
fn disjoint(left: &Linear, right: &Linear) -> bool {
    constant(left) == Some(0) || constant(right) == Some(0)
}

fn constant(sum: &Linear) -> Option<u64> {
    sum.terms.is_empty().then_some(sum.constant)
}

/// A number to multiply by: a constant, or a register that is older than the
/// bytes and whose value was printed (compilers keep element sizes in them).
fn factor(sum: &Linear) -> Option<u64> {
    match sum.terms.as_slice() {
        [] => Some(sum.constant),
        [
            Term {
                factor: 1,
                leaf: Leaf::Register { .. },
                value: Some(value),
                ..
            },
        ] if sum.constant == 0 => Some(*value),
        _ => None,
    }
}

fn scale(mut sum: Linear, by: u64, other: Linear) -> Linear {
    for term in &mut sum.terms {
        term.factor = term.factor.wrapping_mul(by);
    }
    sum.constant = sum.constant.wrapping_mul(by);
    sum.insns.extend(other.insns);
    sum.assumed.extend(other.assumed);
    if let [
        Term {
            leaf: Leaf::Register { reg, .. },
            ..
        },
    ] = other.terms.as_slice()
    {
        sum.assumed.push((*reg, by));
    }
    sum
}

fn add(mut left: Linear, right: Linear, sign: u64) -> Linear {
    left.constant = left
        .constant
        .wrapping_add(right.constant.wrapping_mul(sign));
    for mut term in right.terms {
        term.factor = term.factor.wrapping_mul(sign);
        let same = left.terms.iter_mut().find(|known| known.leaf == term.leaf);
        match same {
            Some(known) => {
                known.factor = known.factor.wrapping_add(term.factor);
                known.value = known.value.or(term.value);
            }
            None => left.terms.push(term),
        }
    }
    left.terms.retain(|term| term.factor != 0);
    left.insns.extend(right.insns);
    left.assumed.extend(right.assumed);
    if left.terms.len() > MAX_TERMS {
        return opaque("a sum of too many parts");
    }
    left
}
