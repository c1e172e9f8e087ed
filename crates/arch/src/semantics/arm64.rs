//! arm64, after the "Arm Architecture Reference Manual for A-profile architecture" (Arm ARM, DDI 0487),
//! chapter C4 for the encodings and C6 for the meanings. The code is little-endian even where data is
//! not (B2.6.2).
//!
//! The registers are those of the register table: `x0` to `x29`, `lr` for `x30`, `sp`. What is said in
//! effects is exact, with these limits:
//!
//! * The flags are one value. After `subs`, `cmp` it is the comparison of both sides (the carry of Arm
//!   is "not below"), after `adds` and `cmn` of a constant that with the negated constant. After
//!   `ands` and `tst` it is the test of bits, which leaves the carry clear: no compiler reads the
//!   carry there. Of all others it is unknown.
//! * Both sides of a comparison of 32 bits are extended with their sign, which keeps the signed and the
//!   unsigned order both; only where the difference overflows 32 bits, its own sign (`b.mi`) is not that
//!   of the comparison.
//! * Pointer authentication is taken for what it means: nothing.

mod immediate;
mod memory;
mod register;
mod system;
#[cfg(test)]
mod tests;
mod vector;

use super::build::{Draft, cut, test};
use super::width::{widened, zero_extended};
use crate::{Cond, Expr, Insn, Reg, Test, Undecoded};

/// Decodes an instruction.
pub fn decode(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    let Some(word) = bytes.first_chunk() else {
        return Err(cut(address));
    };
    let code = Code {
        word: u32::from_le_bytes(*word),
        address,
    };
    let why = "not an instruction that this decoder knows";
    match code.draft() {
        Some(draft) => Ok(draft.at(address, 4)),
        None => Err(Undecoded {
            address,
            size: 4,
            why,
        }),
    }
}

/// An instruction word and where it lies.
#[derive(Clone, Copy)]
struct Code {
    word: u32,
    address: u64,
}

const X: [&str; 31] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "x30",
];
const W: [&str; 31] = [
    "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12", "w13", "w14",
    "w15", "w16", "w17", "w18", "w19", "w20", "w21", "w22", "w23", "w24", "w25", "w26", "w27",
    "w28", "w29", "w30",
];
const CONDITIONS: [&str; 16] = [
    "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv",
];

const SP: Reg = Reg("sp");
const LR: Reg = Reg("lr");
const ZERO: Expr = Expr::Const(0);

impl Code {
    /// `width` bits from bit `low` up.
    fn bits(self, low: u32, width: u32) -> u32 {
        self.word >> low & ((1 << width) - 1)
    }

    fn bit(self, at: u32) -> bool {
        self.bits(at, 1) == 1
    }

    /// The same with the sign kept.
    fn signed(self, low: u32, width: u32) -> i64 {
        super::build::sign_extend(self.bits(low, width), width)
    }

    /// Whether the instruction is one of 64 bits, where bit 31 tells it.
    fn wide(self) -> bool {
        self.bit(31)
    }

    fn rd(self) -> u32 {
        self.bits(0, 5)
    }

    fn rn(self) -> u32 {
        self.bits(5, 5)
    }

    fn rm(self) -> u32 {
        self.bits(16, 5)
    }

    /// The address that is `words` instructions away.
    fn target(self, words: i64) -> u64 {
        self.address.wrapping_add((words * 4) as u64)
    }

    /// By bits 28 to 25 (C4.1, table C4-1).
    fn draft(self) -> Option<Draft> {
        match self.bits(25, 4) {
            0b0000 => self.reserved(),
            0b1000 | 0b1001 => self.immediate(),
            0b1010 | 0b1011 => self.system(),
            0b0100 | 0b0110 | 0b1100 | 0b1110 => self.memory(),
            0b0101 | 0b1101 => self.register(),
            0b0111 | 0b1111 => self.vector(),
            _ => None,
        }
    }
}

/// The register of this number, where 31 is the one that is always zero: none.
fn x(number: u32) -> Option<Reg> {
    match number {
        30 => Some(LR),
        31 => None,
        number => X.get(number as usize).map(|name| Reg(name)),
    }
}

/// The register of this number, where 31 is the stack pointer.
fn x_or_sp(number: u32) -> Reg {
    x(number).unwrap_or(SP)
}

/// The value of a register, of which all bits count.
fn value(number: u32) -> Expr {
    x(number).map_or(ZERO, Expr::Reg)
}

fn value_or_sp(number: u32) -> Expr {
    Expr::Reg(x_or_sp(number))
}

/// Bytes of a register.
fn size(wide: bool) -> u8 {
    if wide { 8 } else { 4 }
}

/// What a register holds after it was given the value: those of 32 bits clear what is above them (B1.2.1).
fn held(value: Expr, wide: bool) -> Expr {
    zero_extended(value, size(wide))
}

/// One side of a comparison.
fn side(value: Expr, wide: bool) -> Expr {
    widened(value, size(wide), true)
}

/// The name in text, where 31 is the register that is always zero.
fn name(number: u32, wide: bool) -> &'static str {
    let (names, zero) = if wide { (X, "xzr") } else { (W, "wzr") };
    names.get(number as usize).copied().unwrap_or(zero)
}

/// The name in text, where 31 is the stack pointer.
fn name_or_sp(number: u32, wide: bool) -> &'static str {
    match number {
        31 if wide => "sp",
        31 => "wsp",
        number => name(number, wide),
    }
}

fn condition_name(number: u32) -> &'static str {
    CONDITIONS.get(number as usize).copied().unwrap_or("nv")
}

/// The condition of this number (C1.2.4, table C1-1).
fn condition(number: u32) -> Test {
    let cond = match number {
        0b0000 => Cond::Eq,
        0b0001 => Cond::Ne,
        0b0010 => Cond::GeU,
        0b0011 => Cond::LtU,
        0b0100 => Cond::Neg,
        0b0101 => Cond::Pos,
        0b1000 => Cond::GtU,
        0b1001 => Cond::LeU,
        0b1010 => Cond::GeS,
        0b1011 => Cond::LtS,
        0b1100 => Cond::GtS,
        0b1101 => Cond::LeS,
        _ => Cond::Other,
    };
    test(cond, Expr::Reg(Reg::FLAGS), ZERO)
}
