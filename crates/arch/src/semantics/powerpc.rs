//! 64-bit PowerPC in both byte orders, as server kernels are built: the fixed-point and branch
//! facilities up to version 3.0.
//!
//! After "Power ISA", Book I, chapters 2 and 3, and Book II and III for storage control. Floating
//! point and vectors are not modelled, nor are the prefixed instructions of version 3.1.
//!
//! A field of the condition register is a register of its own, `cr0` to `cr7`. Whether a
//! comparison is signed is told by the instruction that compares, not by the branch that tests it; so
//! the tests of a branch are always signed, and what an unsigned comparison compares is made such that
//! they come out right.

mod branch;
mod memory;
mod register;
mod rotate;
#[cfg(test)]
mod tests;

use super::build::{Draft, cut, sign_extend, signed, unsigned, with};
use crate::{Expr, Insn, Op, Reg, Undecoded};

/// Decodes 64-bit big-endian code.
pub fn decode_64_be(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(bytes, address, u32::from_be_bytes)
}

/// Decodes 64-bit little-endian code.
pub fn decode_64_le(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(bytes, address, u32::from_le_bytes)
}

fn decode(bytes: &[u8], address: u64, word: fn([u8; 4]) -> u32) -> Result<Insn, Undecoded> {
    let Some(bytes) = bytes.first_chunk::<4>() else {
        return Err(cut(address));
    };
    let w = word(*bytes);
    let size = if w >> 26 == 1 { 8 } else { 4 };
    match (Word { w, pc: address }).decode() {
        Ok(draft) => Ok(draft.at(address, size)),
        Err(why) => Err(Undecoded { address, size, why }),
    }
}

/// A draft, or why there is none.
type Found = Result<Draft, &'static str>;

const UNKNOWN: &str = "no PowerPC instruction that is known";
const FLOAT: &str = "floating point and vectors are not modelled";

#[rustfmt::skip]
const GENERAL: [&str; 32] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30",
    "r31",
];
const FIELDS: [&str; 8] = ["cr0", "cr1", "cr2", "cr3", "cr4", "cr5", "cr6", "cr7"];

const LR: Reg = Reg("lr");
const CTR: Reg = Reg("ctr");
const XER: Reg = Reg("xer");
const CR0: Reg = Reg("cr0");

/// An instruction word at its place.
#[derive(Clone, Copy)]
struct Word {
    w: u32,
    pc: u64,
}

/// The fields, named as in the manual.
impl Word {
    fn bits(self, low: u32, count: u32) -> u32 {
        self.w >> low & ((1 << count) - 1)
    }
    /// `RT` and `RS`: the target, or the source of stores and logical instructions.
    fn rt(self) -> u32 {
        self.bits(21, 5)
    }
    fn ra(self) -> u32 {
        self.bits(16, 5)
    }
    fn rb(self) -> u32 {
        self.bits(11, 5)
    }
    fn si(self) -> i64 {
        sign_extend(self.w & 0xffff, 16)
    }
    fn ui(self) -> u64 {
        u64::from(self.w & 0xffff)
    }
    /// Whether the result is compared with zero.
    fn rc(self) -> bool {
        self.w & 1 != 0
    }
    /// The dot of the name that says so.
    fn dot(self) -> &'static str {
        if self.rc() { "." } else { "" }
    }
}

/// Registers and values.
impl Word {
    fn name(self, n: u32) -> &'static str {
        GENERAL.get(n as usize).copied().unwrap_or("r0")
    }

    fn reg(self, n: u32) -> Reg {
        Reg(self.name(n))
    }

    fn get(self, n: u32) -> Expr {
        Expr::Reg(self.reg(n))
    }

    /// `(RA|0)`: where 0 means no register.
    fn base(self) -> Expr {
        match self.ra() {
            0 => Expr::Const(0),
            n => self.get(n),
        }
    }

    fn base_name(self) -> &'static str {
        match self.ra() {
            0 => "0",
            n => self.name(n),
        }
    }

    fn s32(self, n: u32) -> Expr {
        signed(self.get(n), 4)
    }

    fn u32(self, n: u32) -> Expr {
        unsigned(self.get(n), 4)
    }

    fn field(self, n: u32) -> Reg {
        Reg(FIELDS.get(n as usize).copied().unwrap_or("cr0"))
    }

    /// A register takes a value, and `cr0` its comparison with zero if the word says so.
    fn result(self, text: String, into: u32, value: Expr) -> Draft {
        let compared = compare(value.clone(), Expr::Const(0));
        self.recorded(Draft::new(text).set(Some(self.reg(into)), value), compared)
    }

    fn recorded(self, draft: Draft, compared: Expr) -> Draft {
        if self.rc() {
            draft.set(Some(CR0), compared)
        } else {
            draft
        }
    }

    fn decode(self) -> Found {
        match self.w >> 26 {
            1 => Err("a prefixed instruction"),
            2 | 3 => Ok(self.trap_immediate()),
            4 => self.multiply_add(),
            7 => {
                let product = with(Op::Mul, self.get(self.ra()), self.si() as u64);
                Ok(self.arithmetic_immediate("mulli", product))
            }
            8 => {
                let difference = Expr::Binary(
                    Op::Sub,
                    Box::new(Expr::Const(self.si() as u64)),
                    Box::new(self.get(self.ra())),
                );
                Ok(self
                    .arithmetic_immediate("subfic", difference)
                    .clobber(&[XER]))
            }
            10 | 11 => self.compare_immediate(),
            12 | 13 => Ok(self.add_carrying()),
            14 | 15 => Ok(self.add_immediate()),
            16 => self.branch_conditional(),
            17 => Err("a call of the system or the hypervisor"),
            18 => Ok(self.branch()),
            19 => self.branch_register(),
            20 | 21 | 23 => Ok(self.rotate_word()),
            24..=29 => Ok(self.logical_immediate()),
            30 => self.rotate_double(),
            31 => self.extended(),
            32..=45 | 48..=55 | 58 | 62 => self.displaced(),
            46 | 47 => Err("it loads or stores many registers"),
            56 | 57 | 59..=61 | 63 => Err(FLOAT),
            _ => Err(UNKNOWN),
        }
    }

    /// `name rt,ra,si`.
    fn arithmetic_immediate(self, name: &str, value: Expr) -> Draft {
        let (rt, ra) = (self.name(self.rt()), self.name(self.ra()));
        Draft::new(format!("{name} {rt},{ra},{}", self.si())).set(Some(self.reg(self.rt())), value)
    }

    /// `addi` and `addis`.
    fn add_immediate(self) -> Draft {
        let is_shifted = self.w >> 26 == 15;
        let si = if is_shifted {
            self.si() << 16
        } else {
            self.si()
        };
        let sum = Expr::plus(self.base(), Expr::Const(si as u64));
        let rt = self.name(self.rt());
        let s = if is_shifted { "s" } else { "" };
        let text = match self.ra() {
            0 => format!("li{s} {rt},{}", self.si()),
            _ => format!("addi{s} {rt},{},{}", self.base_name(), self.si()),
        };
        Draft::new(text).set(Some(self.reg(self.rt())), sum)
    }

    /// `addic` and `addic.`.
    fn add_carrying(self) -> Draft {
        let sum = with(Op::Add, self.get(self.ra()), self.si() as u64);
        if self.w >> 26 == 12 {
            return self.arithmetic_immediate("addic", sum).clobber(&[XER]);
        }
        let compared = compare(sum.clone(), Expr::Const(0));
        self.arithmetic_immediate("addic.", sum)
            .set(Some(CR0), compared)
            .clobber(&[XER])
    }

    /// `ori` to `andis.`; the source is in the place of the target.
    fn logical_immediate(self) -> Draft {
        let (name, op, shift) = match self.w >> 26 {
            24 => ("ori", Op::Or, 0),
            25 => ("oris", Op::Or, 16),
            26 => ("xori", Op::Xor, 0),
            27 => ("xoris", Op::Xor, 16),
            28 => ("andi.", Op::And, 0),
            _ => ("andis.", Op::And, 16),
        };
        if self.w == 0x6000_0000 {
            return Draft::new("nop");
        }
        let (source, bits) = (self.get(self.rt()), self.ui() << shift);
        let (ra, rs) = (self.name(self.ra()), self.name(self.rt()));
        let text = format!("{name} {ra},{rs},{}", self.ui());
        let draft = Draft::new(text).set(Some(self.reg(self.ra())), with(op, source.clone(), bits));
        match op {
            Op::And => {
                let tested = Expr::Test(Box::new(source), Box::new(Expr::Const(bits)));
                draft.set(Some(CR0), tested)
            }
            _ => draft,
        }
    }

    /// `cmpi` and `cmpli`.
    fn compare_immediate(self) -> Found {
        let is_signed = self.w >> 26 == 11;
        let immediate = if is_signed {
            self.si() as u64
        } else {
            self.ui()
        };
        let operand = if is_signed {
            self.si().to_string()
        } else {
            self.ui().to_string()
        };
        let name = if is_signed { "cmp" } else { "cmpl" };
        let suffix = ["wi", "di"];
        self.compare(name, suffix, is_signed, Expr::Const(immediate), &operand)
    }

    /// All comparisons: of `RA` with a value, into a field. Bit 21 tells words from doublewords.
    fn compare(
        self,
        name: &str,
        [word, double]: [&str; 2],
        is_signed: bool,
        other: Expr,
        operand: &str,
    ) -> Found {
        if self.bits(22, 1) != 0 {
            return Err(UNKNOWN);
        }
        let is_double = self.bits(21, 1) != 0;
        let suffix = if is_double { double } else { word };
        let (field, value) = (self.bits(23, 3), self.get(self.ra()));
        let compared = match (is_double, is_signed) {
            (false, true) => compare(signed(value, 4), signed(other, 4)),
            // What has zeros above compares signed as unsigned.
            (false, false) => compare(unsigned(value, 4), unsigned(other, 4)),
            (true, true) => compare(value, other),
            (true, false) => compare_unsigned(value, other),
        };
        let into = match field {
            0 => String::new(),
            n => format!("cr{n},"),
        };
        let text = format!("{name}{suffix} {into}{},{operand}", self.name(self.ra()));
        Ok(Draft::new(text).set(Some(self.field(field)), compared))
    }

    /// `tdi` and `twi`: only what traps always is a trap, see [`Word::trap_flow`].
    fn trap_immediate(self) -> Draft {
        let letter = if self.w >> 26 == 2 { 'd' } else { 'w' };
        let operands = format!("{},{}", self.name(self.ra()), self.si());
        let text = match trap_name(self.rt()) {
            Some(name) => format!("t{letter}{name}i {operands}"),
            None => format!("t{letter}i {},{operands}", self.rt()),
        };
        Draft::new(text).flow(self.trap_flow(false))
    }

    /// `maddld` and its kin share an opcode with the vectors.
    fn multiply_add(self) -> Found {
        let text = |name: &str| {
            let (rt, ra, rb) = (
                self.name(self.rt()),
                self.name(self.ra()),
                self.name(self.rb()),
            );
            format!("{name} {rt},{ra},{rb},{}", self.name(self.bits(6, 5)))
        };
        let upper = Expr::Unknown("the upper half of a 128-bit sum");
        let into = Some(self.reg(self.rt()));
        match self.bits(0, 6) {
            48 => Ok(Draft::new(text("maddhd")).set(into, upper)),
            49 => Ok(Draft::new(text("maddhdu")).set(into, upper)),
            51 => {
                let product = Expr::Binary(
                    Op::Mul,
                    Box::new(self.get(self.ra())),
                    Box::new(self.get(self.rb())),
                );
                let sum = Expr::plus(product, self.get(self.bits(6, 5)));
                Ok(Draft::new(text("maddld")).set(into, sum))
            }
            _ => Err(FLOAT),
        }
    }
}

fn compare(left: Expr, right: Expr) -> Expr {
    Expr::Compare(Box::new(left), Box::new(right))
}

/// An unsigned comparison of 64 bits as a signed one: both sides are moved by half the range, which
/// keeps equality and turns the order. Against zero only *not zero* is greater.
fn compare_unsigned(left: Expr, right: Expr) -> Expr {
    if right == Expr::Const(0) {
        let holds = super::build::test(crate::Cond::Ne, left, right.clone());
        return compare(super::build::flag(holds), right);
    }
    const HALF: u64 = 1 << 63;
    compare(with(Op::Xor, left, HALF), with(Op::Xor, right, HALF))
}

/// The extended names of traps ("Power ISA", Book I, C.6).
fn trap_name(conditions: u32) -> Option<&'static str> {
    Some(match conditions {
        1 => "lgt",
        2 => "llt",
        4 => "eq",
        5 => "lge",
        6 => "lle",
        8 => "gt",
        12 => "ge",
        16 => "lt",
        20 => "le",
        24 => "ne",
        31 => "u",
        _ => return None,
    })
}
