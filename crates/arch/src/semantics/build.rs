//! What several decoders share: values built with the obvious simplifications, and the draft of
//! an instruction.

use crate::{Cond, Effect, Expr, Flow, Insn, Load, Op, Reg, Test, Undecoded, extend};

/// Two values combined, simplified where one is a constant that makes it trivial: `or rd, rs, zero`
/// is a move on half of the architectures, and a slice should show it as one.
pub(super) fn binary(op: Op, left: Expr, right: Expr) -> Expr {
    if let (Expr::Const(a), Expr::Const(b)) = (&left, &right)
        && let Some(value) = op.apply(*a, *b)
    {
        return Expr::Const(value);
    }
    match (op, &left, &right) {
        (Op::Add | Op::Or | Op::Xor, Expr::Const(0), _) => right,
        (Op::Add | Op::Sub | Op::Or | Op::Xor | Op::Shl | Op::Shr | Op::Sar, _, Expr::Const(0)) => {
            left
        }
        (Op::And, _, Expr::Const(u64::MAX)) => left,
        (Op::And, Expr::Const(u64::MAX), _) => right,
        (Op::And | Op::Mul, Expr::Const(0), _) | (Op::And | Op::Mul, _, Expr::Const(0)) => {
            Expr::Const(0)
        }
        _ => Expr::Binary(op, Box::new(left), Box::new(right)),
    }
}

/// `value op constant`.
pub(super) fn with(op: Op, value: Expr, constant: u64) -> Expr {
    binary(op, value, Expr::Const(constant))
}

/// The lowest `size` bytes, the sign kept.
pub(super) fn signed(value: Expr, size: u8) -> Expr {
    extended(value, size, true)
}

/// The lowest `size` bytes, zeros above.
pub(super) fn unsigned(value: Expr, size: u8) -> Expr {
    extended(value, size, false)
}

fn extended(value: Expr, size: u8, signed: bool) -> Expr {
    match value {
        _ if size >= 8 => value,
        Expr::Const(n) => Expr::Const(extend(n, size, signed)),
        value => Expr::Extend {
            size,
            signed,
            value: Box::new(value),
        },
    }
}

/// All bits inverted.
pub(super) fn not(value: Expr) -> Expr {
    with(Op::Xor, value, u64::MAX)
}

/// The value with its bits rotated right by a constant; `bits` is 32 or 64. Above 32 bits
/// the outcome of a rotation of 32 is not meant.
pub(super) fn rotated_right(value: Expr, by: u32, bits: u32) -> Expr {
    let by = by % bits;
    let low = if bits == 32 {
        unsigned(value.clone(), 4)
    } else {
        value.clone()
    };
    if by == 0 {
        return low;
    }
    binary(
        Op::Or,
        with(Op::Shr, low, u64::from(by)),
        with(Op::Shl, value, u64::from(bits - by)),
    )
}

/// A comparison.
pub(super) fn test(cond: Cond, left: Expr, right: Expr) -> Test {
    Test { cond, left, right }
}

/// One value or another.
pub(super) fn select(test: Test, then: Expr, otherwise: Expr) -> Expr {
    if then == otherwise {
        return then;
    }
    Expr::Select(Box::new(test), Box::new(then), Box::new(otherwise))
}

/// 1 if the test holds, else 0.
pub(super) fn flag(holds: Test) -> Expr {
    select(holds, Expr::Const(1), Expr::Const(0))
}

/// `a - a / b * b`, which is the remainder wherever the quotient is defined.
pub(super) fn remainder(divide: Op, a: Expr, b: Expr) -> Expr {
    let quotient = binary(divide, a.clone(), b.clone());
    binary(Op::Sub, a, binary(Op::Mul, quotient, b))
}

/// A mask of the lowest bits.
pub(super) fn ones(bits: u32) -> u64 {
    match bits {
        0 => 0,
        1..=63 => (1 << bits) - 1,
        _ => u64::MAX,
    }
}

/// An instruction in the making: everything but where it lies.
#[derive(Debug)]
pub(super) struct Draft {
    text: String,
    effects: Vec<Effect>,
    flow: Flow,
    delay_slot: bool,
}

impl Draft {
    /// Nothing but text yet.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Draft {
            text: text.into(),
            effects: Vec::new(),
            flow: Flow::Next,
            delay_slot: false,
        }
    }

    /// `into` takes the value. Where that is none (a register that is always zero), the
    /// reads of memory remain.
    pub(super) fn set(mut self, into: Option<Reg>, value: Expr) -> Self {
        match into {
            Some(reg) => self.effects.push(Effect::Set(reg, value)),
            None => self.touch_all(value),
        }
        self
    }

    fn touch_all(&mut self, value: Expr) {
        match value {
            Expr::Load(load) => self.effects.push(Effect::Touch(*load)),
            Expr::Extend { value, .. } => self.touch_all(*value),
            Expr::Binary(_, a, b) => {
                self.touch_all(*a);
                self.touch_all(*b);
            }
            _ => {}
        }
    }

    /// Memory takes the value.
    pub(super) fn store(mut self, address: Expr, size: u8, value: Expr) -> Self {
        self.effects.push(Effect::Store {
            address,
            size,
            value,
            space: None,
        });
        self
    }

    /// Memory is accessed, to no effect that is modelled.
    pub(super) fn touch(mut self, address: Expr, size: u8) -> Self {
        self.effects.push(Effect::Touch(Load {
            address,
            size,
            signed: false,
            space: None,
        }));
        self
    }

    /// The registers change in a way that is not modelled.
    pub(super) fn clobber(mut self, regs: &[Reg]) -> Self {
        self.effects.push(Effect::Clobber(regs.to_vec()));
        self
    }

    /// The same where it is executed under a condition only (Arm). A register keeps its value where
    /// that does not hold. A return is left behind there, and nothing changed then; a call says
    /// itself what it may change, because it may not be made.
    pub(super) fn conditional(mut self, holds: &Test, scratch: &[Reg]) -> Self {
        let is_return = self.flow == Flow::Return;
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Set(_, value) if is_return => self.touch_all(value),
                Effect::Set(reg, value) => {
                    let value = select(holds.clone(), value, Expr::Reg(reg));
                    self.effects.push(Effect::Set(reg, value));
                }
                Effect::Store {
                    address,
                    size,
                    value,
                    space,
                } => {
                    let kept = Expr::Unknown("kept where a condition does not hold");
                    self.effects.push(Effect::Store {
                        address,
                        size,
                        value: select(holds.clone(), value, kept),
                        space,
                    });
                }
                effect => self.effects.push(effect),
            }
        }
        match self.flow {
            Flow::Return => self.flow = Flow::Next,
            Flow::Jump(Some(target)) => self.flow = Flow::Branch(target, holds.clone()),
            // Where it goes if the condition holds is no address, and otherwise it goes on.
            Flow::JumpTo(_) => self.flow = Flow::Jump(None),
            Flow::Call(_) => self = self.clobber(scratch),
            _ => {}
        }
        self
    }

    /// Where it goes.
    pub(super) fn flow(mut self, flow: Flow) -> Self {
        self.flow = flow;
        self
    }

    /// The next instruction is executed before it goes there.
    pub(super) fn delayed(mut self) -> Self {
        self.delay_slot = true;
        self
    }

    /// The instruction at its place.
    pub(super) fn at(self, address: u64, size: u8) -> Insn {
        Insn {
            address,
            size,
            text: self.text.into(),
            effects: self.effects,
            flow: self.flow,
            delay_slot: self.delay_slot,
        }
    }
}

/// The bytes end inside the instruction.
pub(super) fn cut(address: u64) -> Undecoded {
    Undecoded {
        address,
        size: 0,
        why: "the bytes end inside the instruction",
    }
}

/// An immediate as objdump prints it in most places: signed decimal.
pub(super) fn sign_extend(value: u32, bits: u32) -> i64 {
    let shift = 64 - bits;
    ((u64::from(value) << shift) as i64) >> shift
}
