//! Values and conditions as numbers, by what is known of them from elsewhere.

use arch::{Cond, Expr, Load, Reg, Test, extend};

use crate::body::Body;
use crate::origin::Origin;
use crate::sum::Leaf;

/// What is known beside the code while it is evaluated.
pub trait Known {
    /// Whether one more value may be asked for: values of loops are made of themselves.
    fn may_ask(&mut self) -> bool;

    /// The value of a part of a sum.
    fn leaf(&mut self, leaf: &Leaf) -> Option<u64>;

    /// The value of a register when the function was entered.
    fn entry(&mut self, reg: Reg) -> Option<u64>;

    /// What memory has at `address`, which instruction `at` reads by `load`; not extended.
    fn memory(&mut self, address: u64, load: &Load, at: usize) -> Option<u64>;
}

impl Body<'_> {
    /// The number that a value before instruction `at` has; none where something of it is not known, or ways that
    /// come together disagree.
    pub fn evaluate(&self, value: &Expr, at: usize, known: &mut dyn Known) -> Option<u64> {
        if !known.may_ask() {
            return None;
        }
        match value {
            Expr::Const(number) => Some(*number),
            Expr::Reg(Reg::FLAGS) => None,
            Expr::Reg(reg) => {
                let since = self.since(*reg, at);
                if let Some(value) = known.leaf(&Leaf::Register {
                    reg: *reg,
                    at: since,
                }) {
                    return Some(value);
                }
                let mut agreed = None;
                for origin in self.origins(*reg, at) {
                    let value = match origin {
                        Origin::Set(set, value) => self.evaluate(&value, set, known)?,
                        Origin::Entry => known.entry(*reg)?,
                        Origin::Result(_) | Origin::Lost(_) | Origin::Elsewhere(_) => return None,
                    };
                    if agreed.is_some_and(|agreed| agreed != value) {
                        return None;
                    }
                    agreed = Some(value);
                }
                agreed
            }
            Expr::Load(load) => self.evaluate_load(load, at, known),
            Expr::Binary(op, left, right) => {
                let left = self.evaluate(left, at, known)?;
                op.apply(left, self.evaluate(right, at, known)?)
            }
            Expr::Extend {
                size,
                signed,
                value,
            } => Some(extend(self.evaluate(value, at, known)?, *size, *signed)),
            Expr::Select(test, one, other) => match self.holds(test, at, known)? {
                true => self.evaluate(one, at, known),
                false => self.evaluate(other, at, known),
            },
            Expr::Compare(..) | Expr::Test(..) | Expr::Unknown(_) => None,
        }
    }

    fn evaluate_load(&self, load: &Load, at: usize, known: &mut dyn Known) -> Option<u64> {
        let whole = Leaf::Load {
            load: load.clone(),
            at,
        };
        if let Some(value) = known.leaf(&whole) {
            return Some(value);
        }
        if load.space.is_some() {
            return None;
        }
        let value = match self.slot(&load.address, at) {
            Some(slot) if self.is_shared_slot(slot) => return None,
            Some(slot) => match self.slot_origins(slot, load.size, at, false).as_slice() {
                [Origin::Set(set, value)] => self.evaluate(value, *set, known)?,
                _ => return None,
            },
            None => {
                let address = self.evaluate(&load.address, at, known)?;
                known.memory(address, load, at)?
            }
        };
        Some(extend(value, load.size, load.signed))
    }

    /// Whether a test before instruction `at` holds; none where that is not known.
    pub fn holds(&self, test: &Test, at: usize, known: &mut dyn Known) -> Option<bool> {
        let compared = |left: &Expr, right: &Expr, at: usize, known: &mut dyn Known| {
            let values = (
                self.evaluate(left, at, known)?,
                self.evaluate(right, at, known)?,
            );
            by(test.cond, values, width(left).min(width(right)))
        };
        if test.left != Expr::Reg(Reg::FLAGS) {
            return compared(&test.left, &test.right, at, known);
        }
        match self.origins(Reg::FLAGS, at).as_slice() {
            [Origin::Set(set, Expr::Compare(left, right))] => compared(left, right, *set, known),
            [Origin::Set(set, Expr::Test(left, right))] => {
                let both = self.evaluate(left, *set, known)? & self.evaluate(right, *set, known)?;
                match test.cond {
                    Cond::Eq => Some(both == 0),
                    Cond::Ne => Some(both != 0),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Bytes that a value is compared in.
fn width(value: &Expr) -> u8 {
    match value {
        Expr::Extend { size, .. } => *size,
        Expr::Load(load) => load.size,
        _ => 8,
    }
}

/// Whether two values compare so, as numbers of `size` bytes where their sign counts.
fn by(cond: Cond, (left, right): (u64, u64), size: u8) -> Option<bool> {
    let signed = |value: u64| extend(value, size, true).cast_signed();
    let (left_signed, right_signed) = (signed(left), signed(right));
    Some(match cond {
        Cond::Eq => left == right,
        Cond::Ne => left != right,
        Cond::LtU => left < right,
        Cond::LeU => left <= right,
        Cond::GtU => left > right,
        Cond::GeU => left >= right,
        Cond::LtS => left_signed < right_signed,
        Cond::LeS => left_signed <= right_signed,
        Cond::GtS => left_signed > right_signed,
        Cond::GeS => left_signed >= right_signed,
        Cond::Neg | Cond::Pos | Cond::Other => return None,
    })
}
