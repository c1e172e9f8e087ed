//! 32-bit Arm in its instruction set of 32-bit words (A32), little-endian, as kernels for Armv4 to
//! Armv8 are built. Thumb code is not decoded: what an instruction in an `it` block does is not told
//! by its own bytes.
//!
//! After the "Arm Architecture Reference Manual, ARMv7-A and ARMv7-R edition", chapter A5 for the
//! encodings and A8 for the meanings. What is said in effects is exact, with these limits:
//!
//! * The flags are one value: after `cmp` and `subs` the comparison, after `tst`, `ands`, `movs` and
//!   the like the test of bits. The latter leave the carry to the shifter and the overflow as it was;
//!   no compiler reads them there. Where the shifter shifts, and after sums, the flags are unknown.
//! * Both sides of a comparison are extended with their sign, which keeps the signed and the unsigned order
//!   both; only where the difference overflows, its sign (`bmi`) is not that of the comparison.
//! * An instruction under a condition gives a register one of two values. A return under a condition
//!   changes nothing where the code goes on. A jump to a computed place under a condition is told as the
//!   jump; what follows may be reached as well.

mod data;
mod media;
mod memory;
mod system;
#[cfg(test)]
mod tests;

use super::build::{Draft, cut, sign_extend, signed, test, unsigned};
use crate::{Callee, Cond, Expr, Flow, Insn, Reg, Test, Undecoded};

/// Decodes little-endian A32 code.
pub fn decode_a32(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    let Some(word) = bytes.first_chunk::<4>() else {
        return Err(cut(address));
    };
    let w = u32::from_le_bytes(*word);
    match (Word { w, pc: address }).decode() {
        Ok(draft) => Ok(draft.at(address, 4)),
        Err(why) => Err(Undecoded {
            address,
            size: 4,
            why,
        }),
    }
}

/// Tells the lengths of Thumb instructions, and decodes none.
pub fn decode_thumb(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    let Some(half) = bytes.first_chunk::<2>() else {
        return Err(cut(address));
    };
    // A6.1: these three values of the top bits start an instruction of two halves.
    let is_long = u16::from_le_bytes(*half) >> 11 >= 0b11101;
    Err(Undecoded {
        address,
        size: if is_long { 4 } else { 2 },
        why: "Thumb code is not decoded",
    })
}

/// A draft, or why there is none.
type Found = Result<Draft, &'static str>;

const UNKNOWN: &str = "no Arm instruction that is known";
const FLOAT: &str = "floating point and vectors are not modelled";

const NAMES: [&str; 16] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr", "pc",
];
const CONDITIONS: [&str; 16] = [
    "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "", "",
];
const PC: u32 = 15;
const LR: u32 = 14;
const SP: u32 = 13;
const FP: u32 = 11;

/// What a called function need not keep (AAPCS32, 6.1.1), without the link.
const SCRATCH: [Reg; 6] = [
    Reg("r0"),
    Reg("r1"),
    Reg("r2"),
    Reg("r3"),
    Reg("ip"),
    Reg::FLAGS,
];

/// An instruction word at its place.
#[derive(Clone, Copy)]
struct Word {
    w: u32,
    pc: u64,
}

/// The fields.
impl Word {
    fn bits(self, low: u32, count: u32) -> u32 {
        self.w >> low & ((1 << count) - 1)
    }
    fn bit(self, at: u32) -> bool {
        self.w >> at & 1 != 0
    }
    fn rn(self) -> u32 {
        self.bits(16, 4)
    }
    fn rd(self) -> u32 {
        self.bits(12, 4)
    }
    fn rs(self) -> u32 {
        self.bits(8, 4)
    }
    fn rm(self) -> u32 {
        self.bits(0, 4)
    }
    /// The condition as the end of a name.
    fn cond(self) -> &'static str {
        CONDITIONS
            .get(self.bits(28, 4) as usize)
            .copied()
            .unwrap_or_default()
    }
}

/// Registers and values.
impl Word {
    fn name(self, n: u32) -> &'static str {
        NAMES.get(n as usize).copied().unwrap_or("r0")
    }

    fn reg(self, n: u32) -> Reg {
        Reg(self.name(n))
    }

    /// The value of a register; the program counter is two instructions ahead.
    fn get(self, n: u32) -> Expr {
        match n {
            PC => Expr::Const(place(self.pc.wrapping_add(8))),
            n => Expr::Reg(self.reg(n)),
        }
    }

    /// Its 32 bits, the sign kept.
    fn s32(self, n: u32) -> Expr {
        signed(self.get(n), 4)
    }

    /// Its 32 bits, zeros above.
    fn u32(self, n: u32) -> Expr {
        unsigned(self.get(n), 4)
    }

    fn next(self) -> Expr {
        Expr::Const(place(self.pc.wrapping_add(4)))
    }

    /// The value of a register that must not be the program counter.
    fn plain(self, n: u32) -> Result<Expr, &'static str> {
        if n == PC {
            Err("the program counter where it is not allowed")
        } else {
            Ok(self.get(n))
        }
    }

    fn condition(self) -> Option<Test> {
        let cond = match self.bits(28, 4) {
            0 => Cond::Eq,
            1 => Cond::Ne,
            2 => Cond::GeU,
            3 => Cond::LtU,
            4 => Cond::Neg,
            5 => Cond::Pos,
            6 | 7 => Cond::Other,
            8 => Cond::GtU,
            9 => Cond::LeU,
            10 => Cond::GeS,
            11 => Cond::LtS,
            12 => Cond::GtS,
            13 => Cond::LeS,
            _ => return None,
        };
        Some(test(cond, Expr::Reg(Reg::FLAGS), Expr::Const(0)))
    }

    fn decode(self) -> Found {
        if self.bits(28, 4) == 15 {
            return self.unconditional();
        }
        let draft = match self.bits(25, 3) {
            0b000 => self.register_forms()?,
            0b001 => self.immediate_forms()?,
            0b010 => self.load_store()?,
            0b011 if self.bit(4) => self.media()?,
            0b011 => self.load_store()?,
            0b100 => self.many()?,
            0b101 => self.branch(),
            _ => self.coprocessor()?,
        };
        Ok(match self.condition() {
            Some(holds) => draft.conditional(&holds, &SCRATCH),
            None => draft,
        })
    }

    /// A5.2: everything between registers that is not plain data processing lies in its gaps.
    fn register_forms(self) -> Found {
        match (self.bit(7), self.bit(4)) {
            (true, true) if self.bits(5, 2) == 0 && !self.bit(24) => self.multiply(),
            (true, true) if self.bits(5, 2) == 0 => self.synchronize(),
            (true, true) => self.extra_load_store(),
            _ if self.bits(23, 2) == 0b10 && !self.bit(20) => self.miscellaneous(),
            _ => self.data_processing(),
        }
    }

    fn immediate_forms(self) -> Found {
        match self.bits(20, 5) {
            0b10000 => {
                let value = self.bits(16, 4) << 12 | self.bits(0, 12);
                let text = format!("movw{} {}, #{value}", self.cond(), self.name(self.rd()));
                self.plain(self.rd())?;
                Ok(Draft::new(text).set(Some(self.reg(self.rd())), Expr::Const(value.into())))
            }
            0b10100 => self.move_top(),
            0b10010 | 0b10110 => self.hint_or_status(),
            _ => self.data_processing(),
        }
    }

    /// `b` and `bl`.
    fn branch(self) -> Draft {
        let offset = sign_extend(self.bits(0, 24), 24) << 2;
        let target = place(self.pc.wrapping_add(8).wrapping_add_signed(offset));
        if !self.bit(24) {
            let text = format!("b{} {target:#x}", self.cond());
            return Draft::new(text).flow(Flow::Jump(Some(target)));
        }
        Draft::new(format!("bl{} {target:#x}", self.cond()))
            .set(Some(self.reg(LR)), self.next())
            .flow(Flow::Call(Callee::At(target)))
    }

    /// A register is written, or the program counter and with it the flow. `is_return` tells what the
    /// latter means where the target is not known.
    fn written(self, draft: Draft, into: u32, value: Expr, is_return: bool) -> Draft {
        match (into, value) {
            (PC, Expr::Const(target)) => draft.flow(Flow::Jump(Some(place(target)))),
            (PC, value) if is_return => draft.set(None, value).flow(Flow::Return),
            (PC, value) => draft.flow(Flow::JumpTo(value)),
            (into, Expr::Const(value)) => {
                draft.set(Some(self.reg(into)), Expr::Const(place(value)))
            }
            (into, value) => draft.set(Some(self.reg(into)), value),
        }
    }
}

/// An address or a value of 32 bits.
fn place(value: u64) -> u64 {
    value & 0xffff_ffff
}
