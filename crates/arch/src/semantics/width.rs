//! Values cut to a number of bytes, for architectures whose registers have narrower parts.

use crate::{Expr, Op, extend};

/// The lowest `size` bytes of the value, extended to 64 bits.
pub(super) fn widened(value: Expr, size: u8, signed: bool) -> Expr {
    match value {
        value if size >= 8 => value,
        Expr::Unknown(_) => value,
        Expr::Const(number) => Expr::Const(extend(number, size, signed)),
        Expr::Load(mut load) if load.size == size => {
            load.signed = signed;
            Expr::Load(load)
        }
        value if !signed => zero_extended(value, size),
        value => Expr::Extend {
            size,
            signed,
            value: Box::new(value),
        },
    }
}

/// As [`widened`] without sign, and without a step where the value has no more bytes anyway.
pub(super) fn zero_extended(value: Expr, size: u8) -> Expr {
    if size >= 8 {
        return value;
    }
    match value {
        Expr::Const(number) => Expr::Const(extend(number, size, false)),
        Expr::Unknown(_) => value,
        value if fits(&value, size) => value,
        value => Expr::Extend {
            size,
            signed: false,
            value: Box::new(value),
        },
    }
}

fn fits(value: &Expr, size: u8) -> bool {
    match value {
        Expr::Const(number) => extend(*number, size, false) == *number,
        Expr::Load(load) => load.size <= size && (!load.signed || load.size >= 8),
        Expr::Extend {
            size: kept,
            signed: false,
            ..
        } => *kept <= size,
        Expr::Binary(Op::Shr, value, _) => fits(value, size),
        Expr::Binary(Op::And, a, b) => fits(a, size) || fits(b, size),
        Expr::Select(_, a, b) => fits(a, size) && fits(b, size),
        _ => false,
    }
}
