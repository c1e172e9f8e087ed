//! Rotations with a mask (Book I, 3.3.14): shifts by constants, fields and insertions. They are told as
//! the shift or the field that they are, where they are one.

use super::{Found, UNKNOWN, Word};
use crate::semantics::build::{Draft, binary, ones, unsigned, with};
use crate::{Expr, Op};

/// `MASK(mb, me)`, whose bits count from the most significant and which wraps around.
fn mask(begin: u32, end: u32) -> u64 {
    let (from, to) = (u64::MAX >> begin, u64::MAX << (63 - end));
    if begin <= end { from & to } else { from | to }
}

/// The lowest `bits` of a value.
fn low(value: Expr, bits: u32) -> Expr {
    match bits {
        8 | 16 | 32 => unsigned(value, (bits / 8) as u8),
        _ => with(Op::And, value, ones(bits)),
    }
}

/// The number of bits of a mask that is `ones`.
fn width(mask: u64) -> Option<u32> {
    let bits = mask.trailing_ones();
    (mask == ones(bits)).then_some(bits)
}

/// `value` rotated left within its lowest 32 or its 64 bits, and masked. The word of a 32-bit rotation
/// stands in both halves.
fn rotated(value: Expr, by: u32, mask: u64, bits: u32) -> Expr {
    let by_left = u64::from(by);
    if mask & ones(by) == 0 && (bits == 64 || mask >> 32 == 0) {
        let shifted = with(Op::Shl, value.clone(), by_left);
        if mask == u64::MAX << by {
            return shifted;
        }
        if mask == u64::MAX << by & 0xffff_ffff {
            return unsigned(shifted, 4);
        }
        return match width(mask >> by) {
            Some(bits) => with(Op::Shl, low(value, bits), by_left),
            None => with(Op::And, shifted, mask),
        };
    }
    if mask & !ones(by) == 0 {
        let right = bits - by;
        return match width(mask) {
            Some(width) if right + width == 64 => with(Op::Shr, value, right.into()),
            Some(width) if right + width == 32 => with(Op::Shr, unsigned(value, 4), right.into()),
            Some(width) => low(with(Op::Shr, value, right.into()), width),
            None => with(Op::And, with(Op::Shr, value, right.into()), mask),
        };
    }
    let by = Expr::Const(by_left);
    rotated_by(value, by, mask, bits)
}

/// The same by an expression below `bits`.
fn rotated_by(value: Expr, by: Expr, mask: u64, bits: u32) -> Expr {
    let value = if bits == 32 {
        unsigned(value, 4)
    } else {
        value
    };
    // Of a rotation by nothing both halves are the value, or the second falls out.
    let back = binary(Op::Sub, Expr::Const(bits.into()), by.clone());
    let halves = match by {
        Expr::Const(0) => value,
        by => binary(
            Op::Or,
            binary(Op::Shl, value.clone(), by),
            binary(Op::Shr, value, back),
        ),
    };
    if bits == 32 && mask >> 32 != 0 {
        let word = match halves {
            word @ Expr::Extend {
                size: 4,
                signed: false,
                ..
            } => word,
            halves => unsigned(halves, 4),
        };
        let both = binary(Op::Or, word.clone(), with(Op::Shl, word, 32));
        return with(Op::And, both, mask);
    }
    with(Op::And, halves, mask)
}

impl Word {
    fn inserted(self, value: Expr, mask: u64) -> Expr {
        let kept = with(Op::And, self.get(self.ra()), !mask);
        binary(Op::Or, kept, value)
    }

    fn two(self, name: &str) -> String {
        format!(
            "{name}{} {},{}",
            self.dot(),
            self.name(self.ra()),
            self.name(self.rt())
        )
    }

    /// `rlwinm`, `rlwimi` and `rlwnm`.
    pub(super) fn rotate_word(self) -> Draft {
        let (value, by) = (self.get(self.rt()), self.rb());
        let (mb, me) = (self.bits(6, 5), self.bits(1, 5));
        let mask = mask(mb + 32, me + 32);
        match self.w >> 26 {
            20 => {
                let text = format!("{},{by},{mb},{me}", self.two("rlwimi"));
                let value = self.inserted(rotated(value, by, mask, 32), mask);
                self.result(text, self.ra(), value)
            }
            21 => {
                let text = match (by, mb, me) {
                    (0, 0, 0..31) => format!("{},{}", self.two("clrrwi"), 31 - me),
                    (0, 1.., 31) => format!("{},{mb}", self.two("clrlwi")),
                    (_, 0, 31) => format!("{},{by}", self.two("rotlwi")),
                    (_, 0, _) if me == 31 - by => format!("{},{by}", self.two("slwi")),
                    (_, _, 31) if mb == 32 - by => format!("{},{mb}", self.two("srwi")),
                    _ => format!("{},{by},{mb},{me}", self.two("rlwinm")),
                };
                self.result(text, self.ra(), rotated(value, by, mask, 32))
            }
            _ => {
                let text = match (mb, me) {
                    (0, 31) => format!("{},{}", self.two("rotlw"), self.name(self.rb())),
                    _ => format!("{},{},{mb},{me}", self.two("rlwnm"), self.name(self.rb())),
                };
                let by = with(Op::And, self.get(self.rb()), 31);
                self.result(text, self.ra(), rotated_by(value, by, mask, 32))
            }
        }
    }

    /// Opcode 30.
    pub(super) fn rotate_double(self) -> Found {
        let value = self.get(self.rt());
        let by = self.rb() | self.bits(1, 1) << 5;
        // Its highest bit comes last.
        let end = self.bits(6, 5) | self.bits(5, 1) << 5;
        let rotated = |mask| rotated(value.clone(), by, mask, 64);
        let (text, value) = match self.bits(2, 3) {
            0 => {
                let text = match (by, end) {
                    (0, 1..) => format!("{},{end}", self.two("clrldi")),
                    (_, 0) => format!("{},{by}", self.two("rotldi")),
                    _ if end == 64 - by => format!("{},{end}", self.two("srdi")),
                    _ => format!("{},{by},{end}", self.two("rldicl")),
                };
                (text, rotated(mask(end, 63)))
            }
            1 => {
                let text = match by {
                    0 => format!("{},{}", self.two("clrrdi"), 63 - end),
                    _ if end == 63 - by => format!("{},{by}", self.two("sldi")),
                    _ => format!("{},{by},{end}", self.two("rldicr")),
                };
                (text, rotated(mask(0, end)))
            }
            2 => {
                let text = format!("{},{by},{end}", self.two("rldic"));
                (text, rotated(mask(end, 63 - by)))
            }
            3 => {
                let mask = mask(end, 63 - by);
                let text = format!("{},{by},{end}", self.two("rldimi"));
                (text, self.inserted(rotated(mask), mask))
            }
            _ => {
                let by = with(Op::And, self.get(self.rb()), 63);
                let rb = self.name(self.rb());
                match self.bits(1, 4) {
                    8 => {
                        let text = match end {
                            0 => format!("{},{rb}", self.two("rotld")),
                            _ => format!("{},{rb},{end}", self.two("rldcl")),
                        };
                        (text, rotated_by(value, by, mask(end, 63), 64))
                    }
                    9 => {
                        let text = format!("{},{rb},{end}", self.two("rldcr"));
                        (text, rotated_by(value, by, mask(0, end), 64))
                    }
                    _ => return Err(UNKNOWN),
                }
            }
        };
        Ok(self.result(text, self.ra(), value))
    }
}
