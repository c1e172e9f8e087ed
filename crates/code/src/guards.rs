//! The conditions under which an instruction runs.

use arch::{Cond, Effect, Expr, Reg, Test};
use debuginfo::{Encoding, Kind};

use crate::body::{Exit, Node};
use crate::origin::Origin;
use crate::view::View;

/// Conditions looked at for one place, the nearest ones.
const MOST_CONDITIONS: usize = 24;
/// Branches on all ways that are looked at for one place, the nearest ones.
const MOST_ASKED: u32 = 256;

/// A condition that must hold for an instruction to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As the source may write it (`rlb_enabled`, `bond->mode == 6`).
    pub text: String,
    /// The address of the instruction that asks.
    pub address: u64,
    /// The number of that instruction: all values of the test are those before it.
    pub at: usize,
    /// What it asks for.
    pub test: Test,
    /// Whether that must hold, or must not.
    pub holds: bool,
}

impl View<'_, '_> {
    /// The conditions that every way from the entry to instruction `at` has passed, the first asked first. What
    /// cannot be put in words of the source is left out.
    pub fn conditions(&self, at: usize) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let mut asked = 0;
        for asking in self.body.dominators(at) {
            if conditions.len() >= MOST_CONDITIONS || asked >= MOST_ASKED {
                break;
            }
            let Some(Exit::Branches {
                test,
                at: asks,
                taken,
                falls,
            }) = self.body.nodes.get(asking).map(|node| &node.exit)
            else {
                continue;
            };
            asked += 1;
            // Whether one side alone leads on to the place, without asking again.
            let reaching = self.body.reaching(at, Some(asking));
            let leads = |to: &Option<usize>| {
                to.is_some_and(|to| reaching.get(to).copied().unwrap_or(false))
            };
            let holds = match (leads(taken), leads(falls)) {
                (true, false) => true,
                (false, true) => false,
                _ => continue,
            };
            let Some(text) = self.test_text(test, *asks, holds) else {
                continue;
            };
            if conditions
                .iter()
                .any(|known: &Condition| known.text == text)
            {
                continue;
            }
            let address = self.body.insn(*asks).map_or(0, |insn| insn.address);
            conditions.push(Condition {
                text,
                address,
                at: *asks,
                test: test.clone(),
                holds,
            });
        }
        conditions.reverse();
        conditions
    }

    /// A test in words of the source; `holds` tells whether it is true.
    pub fn test_text(&self, test: &Test, at: usize, holds: bool) -> Option<String> {
        self.fresh();
        self.test_within(test, at, holds, 4)
    }

    pub(crate) fn test_within(
        &self,
        test: &Test,
        at: usize,
        holds: bool,
        depth: u32,
    ) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let cond = if holds {
            test.cond
        } else {
            inverse(test.cond)?
        };
        let (left, right, from, bits) = self.sides(test, at)?;
        if let (Cond::Eq | Cond::Ne, Expr::Const(0), false) = (cond, &right, bits)
            && let Some((inner, inner_at)) = self.flag(&left, from)
        {
            // The outcome of a comparison was kept in a register.
            return self.test_within(&inner, inner_at, cond == Cond::Ne, depth);
        }
        // A constant stands on the right, as people write it.
        let is_number = |value: &Expr| self.body.sum(value, from).number().is_some();
        let (cond, left, right) = match is_number(&left) && !is_number(&right) {
            true => (swapped(cond), right, left),
            false => (cond, left, right),
        };
        let number = match &right {
            Expr::Const(number) => Some(*number),
            right => self.body.sum(right, from).number(),
        };
        if let Some(number) = number
            && sign(cond).is_some()
            && let Some(text) = self.fields_text(cond, &left, number, from)
        {
            return Some(text);
        }
        if bits {
            let zero = matches!(right, Expr::Const(0));
            return match (cond, zero) {
                (Cond::Ne, true) => self.text_within(&left, from),
                (Cond::Eq, true) => Some(negated(&self.text_within(&left, from)?)),
                _ => None,
            };
        }
        let text = self.text_within(&left, from)?;
        if number == Some(0) && matches!(cond, Cond::Eq | Cond::Ne) {
            // Truth values and pointers are asked for by themselves.
            return Some(match (self.is_truth(&left, from), cond) {
                (true, Cond::Ne) => text,
                (true, _) => negated(&text),
                (false, Cond::Ne) => format!("{} != 0", in_sum(text)),
                (false, _) => format!("{} == 0", in_sum(text)),
            });
        }
        let sign = sign(cond)?;
        let right = match number {
            Some(number) => {
                let type_id = self.type_within(&left, from);
                self.number_text(type_id.map_or(number, |of| self.number_of(number, of)))
            }
            None => in_sum(self.text_within(&right, from)?),
        };
        let text = in_sum(text);
        // `x > 4` and `x >= 5` are one: nothing is claimed of which the source has.
        Some(format!("{text} {sign} {right}"))
    }

    /// The two sides of a test, the instruction that they are told before, and whether the bits of the left one
    /// are asked for.
    fn sides(&self, test: &Test, at: usize) -> Option<(Expr, Expr, usize, bool)> {
        if test.left != Expr::Reg(Reg::FLAGS) {
            return Some((test.left.clone(), test.right.clone(), at, false));
        }
        let origins = self.body.origins(Reg::FLAGS, at);
        let [Origin::Set(set, value)] = origins.as_slice() else {
            return None;
        };
        match value {
            Expr::Compare(left, right) => Some(((**left).clone(), (**right).clone(), *set, false)),
            Expr::Test(left, right) if left == right => {
                Some(((**left).clone(), Expr::Const(0), *set, false))
            }
            Expr::Test(left, right) => {
                let both = Expr::Binary(arch::Op::And, left.clone(), right.clone());
                Some((both, Expr::Const(0), *set, true))
            }
            _ => None,
        }
    }

    /// The test of which a value is the outcome, 1 or 0, and where it was made.
    fn flag(&self, value: &Expr, at: usize) -> Option<(Test, usize)> {
        match value {
            Expr::Select(test, one, zero) => {
                let is_flag = **one == Expr::Const(1) && **zero == Expr::Const(0);
                is_flag.then(|| ((**test).clone(), at))
            }
            Expr::Extend { value, .. } => self.flag(value, at),
            Expr::Reg(reg) if *reg != Reg::FLAGS => match self.body.origins(*reg, at).as_slice() {
                [Origin::Set(set, value)] => match value {
                    Expr::Select(..) | Expr::Extend { .. } => self.flag(value, *set),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// A number as one of a type: instructions may hold more of its sign than the type has.
    fn number_of(&self, number: u64, of: debuginfo::TypeId) -> u64 {
        let Some((_, shape)) = self.debug.strip(Some(of)).ok().flatten() else {
            return number;
        };
        let size = match self.size_of(of) {
            Some(size @ (1 | 2 | 4)) => u8::try_from(size).unwrap_or(8),
            _ => return number,
        };
        match shape.kind {
            Kind::Base(Encoding::Signed | Encoding::SignedChar) => arch::extend(number, size, true),
            Kind::Base(Encoding::Unsigned | Encoding::UnsignedChar | Encoding::Bool) => {
                arch::extend(number, size, false)
            }
            _ => number,
        }
    }

    fn is_truth(&self, value: &Expr, at: usize) -> bool {
        let Some(type_id) = self.type_within(value, at) else {
            return false;
        };
        let shape = self.debug.strip(Some(type_id)).ok().flatten();
        shape.is_some_and(|(_, shape)| {
            matches!(shape.kind, Kind::Base(Encoding::Bool) | Kind::Pointer(_))
        })
    }
}

/// A text as a side of a comparison or a sum: C reads `a & b == c` as `a & (b == c)`.
pub(crate) fn in_sum(text: String) -> String {
    const WEAK: [&str; 7] = [" & ", " | ", " ^ ", " << ", " >> ", " == ", " ? "];
    let is_weak = WEAK.iter().any(|sign| text.contains(sign));
    match is_weak && !(text.starts_with('(') && text.ends_with(')')) {
        true => format!("({text})"),
        false => text,
    }
}

fn negated(text: &str) -> String {
    if text.contains(' ') {
        format!("!({text})")
    } else {
        format!("!{text}")
    }
}

/// The same with the sides changed.
fn swapped(cond: Cond) -> Cond {
    match cond {
        Cond::LtU => Cond::GtU,
        Cond::GtU => Cond::LtU,
        Cond::LeU => Cond::GeU,
        Cond::GeU => Cond::LeU,
        Cond::LtS => Cond::GtS,
        Cond::GtS => Cond::LtS,
        Cond::LeS => Cond::GeS,
        Cond::GeS => Cond::LeS,
        same => same,
    }
}

pub(crate) fn inverse(cond: Cond) -> Option<Cond> {
    Some(match cond {
        Cond::Eq => Cond::Ne,
        Cond::Ne => Cond::Eq,
        Cond::LtU => Cond::GeU,
        Cond::GeU => Cond::LtU,
        Cond::LeU => Cond::GtU,
        Cond::GtU => Cond::LeU,
        Cond::LtS => Cond::GeS,
        Cond::GeS => Cond::LtS,
        Cond::LeS => Cond::GtS,
        Cond::GtS => Cond::LeS,
        Cond::Neg => Cond::Pos,
        Cond::Pos => Cond::Neg,
        Cond::Other => return None,
    })
}

pub(crate) fn sign(cond: Cond) -> Option<&'static str> {
    Some(match cond {
        Cond::Eq => "==",
        Cond::Ne => "!=",
        Cond::LtU | Cond::LtS => "<",
        Cond::LeU | Cond::LeS => "<=",
        Cond::GtU | Cond::GtS => ">",
        Cond::GeU | Cond::GeS => ">=",
        Cond::Neg | Cond::Pos | Cond::Other => return None,
    })
}

impl Node {
    /// What it stores to memory: address, bytes, value, address space.
    pub fn stores(&self) -> impl Iterator<Item = (&Expr, u8, &Expr, Option<&'static str>)> {
        self.insn.effects.iter().filter_map(|effect| match effect {
            Effect::Store {
                address,
                size,
                value,
                space,
            } => Some((address, *size, value, *space)),
            _ => None,
        })
    }
}
