//! The frame on the stack: where its end is at each instruction, and which slot an address is.

use arch::{Effect, Expr, Op, Reg, Role};

use crate::body::Body;

/// The end of the stack and the frame pointer, counted from the end of the stack at the entry.
pub(crate) type Ends = (Option<i64>, Option<i64>);

/// The end of the stack and the frame pointer before each instruction, counted from the end of the stack at the
/// entry; none where ways disagree or the value is computed otherwise.
pub(crate) fn walk(body: &Body<'_>) -> Vec<Ends> {
    let mut known: Vec<Option<Ends>> = vec![None; body.nodes.len()];
    let (Some(entry), Some(sp)) = (body.entry, body.stack_pointer()) else {
        return vec![(None, None); body.nodes.len()];
    };
    let fp = body
        .arch
        .with_role(Role::FramePointer)
        .map(|register| Reg(register.name));
    let mut open = vec![(entry, (Some(0), None))];
    while let Some((at, state)) = open.pop() {
        let Some(slot) = known.get_mut(at) else {
            continue;
        };
        let merged = match *slot {
            None => state,
            Some((s, f)) => {
                let (new_s, new_f) = state;
                (s.filter(|_| s == new_s), f.filter(|_| f == new_f))
            }
        };
        if *slot == Some(merged) {
            continue;
        }
        *slot = Some(merged);
        let Some(node) = body.nodes.get(at) else {
            continue;
        };
        let mut after = merged;
        for effect in &node.insn.effects {
            match effect {
                Effect::Set(reg, value) if *reg == sp => after.0 = relative(value, sp, fp, merged),
                Effect::Set(reg, value) if Some(*reg) == fp => {
                    after.1 = relative(value, sp, fp, merged);
                }
                Effect::Clobber(regs) => {
                    if regs.contains(&sp) {
                        after.0 = None;
                    }
                    if fp.is_some_and(|fp| regs.contains(&fp)) {
                        after.1 = None;
                    }
                }
                _ => {}
            }
        }
        open.extend(node.next.iter().map(|next| (*next, after)));
    }
    known
        .into_iter()
        .map(|state| state.unwrap_or((None, None)))
        .collect()
}

/// A value counted from the end of the stack at the entry.
fn relative(value: &Expr, sp: Reg, fp: Option<Reg>, (s, f): Ends) -> Option<i64> {
    let (reg, offset) = reg_plus(value)?;
    if reg == sp {
        s?.checked_add(offset)
    } else if Some(reg) == fp {
        f?.checked_add(offset)
    } else {
        None
    }
}

/// `register + constant`, where a value is so simple.
pub(crate) fn reg_plus(value: &Expr) -> Option<(Reg, i64)> {
    match value {
        Expr::Reg(reg) => Some((*reg, 0)),
        Expr::Binary(op @ (Op::Add | Op::Sub), left, right) => {
            let (reg, offset) = match (left.as_ref(), right.as_ref()) {
                (left, Expr::Const(offset)) => (reg_plus(left)?, offset.cast_signed()),
                (Expr::Const(offset), right) if *op == Op::Add => {
                    (reg_plus(right)?, offset.cast_signed())
                }
                _ => return None,
            };
            let offset = if *op == Op::Sub {
                offset.checked_neg()?
            } else {
                offset
            };
            Some((reg.0, reg.1.checked_add(offset)?))
        }
        _ => None,
    }
}

/// Steps from one register to another until a slot is found.
const MOST_STEPS: u32 = 8;

impl Body<'_> {
    /// The slot of the frame that an address before instruction `at` is: bytes from the end of the stack at the
    /// entry.
    pub fn slot(&self, address: &Expr, at: usize) -> Option<i64> {
        self.slot_within(address, at, MOST_STEPS)
    }

    fn slot_within(&self, address: &Expr, at: usize, steps: u32) -> Option<i64> {
        let (reg, offset) = reg_plus(address)?;
        let (sp, fp) = self.frames.get(at).copied()?;
        let base = if Some(reg) == self.stack_pointer() {
            sp?
        } else if self.arch.register(reg.0)?.has(Role::FramePointer)
            && let Some(fp) = fp
        {
            fp
        } else {
            let steps = steps.checked_sub(1)?;
            match self.origins(reg, at).as_slice() {
                [crate::Origin::Set(set, value)] => self.slot_within(value, *set, steps)?,
                _ => return None,
            }
        };
        base.checked_add(offset)
    }

    /// Bytes from the canonical frame address to the end of the stack at the entry, negated: what to subtract
    /// from a slot to count it from there.
    pub fn frame_start(&self) -> i64 {
        // x86 calls push the return address, and the frame begins before it.
        match self.arch.name {
            "x86_64" => 8,
            "i386" => 4,
            _ => 0,
        }
    }
}
