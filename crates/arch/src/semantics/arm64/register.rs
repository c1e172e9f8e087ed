//! Data processing with registers (Arm ARM C4.1.95).

use super::immediate::compare;
use super::{
    Code, ZERO, condition, condition_name, held, name, name_or_sp, side, size, value, value_or_sp,
    x, x_or_sp,
};
use crate::semantics::build::{Draft, binary, flag, not, rotated_right, select, test, with};
use crate::semantics::width::widened;
use crate::{Cond, Expr, Op, Reg};

const FLAGS: Option<Reg> = Some(Reg::FLAGS);
const FLAGS_OF_SUM: Expr = Expr::Unknown("flags of a sum");

impl Code {
    pub(super) fn register(self) -> Option<Draft> {
        match (self.bits(24, 5), self.bits(21, 3)) {
            (0b01010, _) => self.logic(),
            (0b01011, shape) if shape & 1 == 0 => self.add_shifted(),
            (0b01011, 0b001) => self.add_extended(),
            (0b11010, 0b000) => self.with_carry(),
            (0b11010, 0b010) => self.compare_conditionally(),
            (0b11010, 0b100) => self.select(),
            (0b11010, 0b110) if self.bit(30) => self.one_source(),
            (0b11010, 0b110) => self.two_sources(),
            (0b11011, _) => self.three_sources(),
            _ => None,
        }
    }

    /// The second operand, shifted by a constant, and how it is written.
    fn shifted(self) -> Option<(Expr, String)> {
        let (wide, rm, by) = (self.wide(), self.rm(), self.bits(10, 6));
        let bits = if wide { 64 } else { 32 };
        if by >= bits {
            return None;
        }
        let whole = |signed| widened(value(rm), size(wide), signed);
        let count = u64::from(by);
        let (word, shifted) = match self.bits(22, 2) {
            0 => ("lsl", with(Op::Shl, value(rm), count)),
            1 => ("lsr", with(Op::Shr, whole(false), count)),
            2 => ("asr", with(Op::Sar, whole(true), count)),
            _ => ("ror", rotated_right(value(rm), by, bits)),
        };
        let text = match (word, by) {
            ("lsl", 0) => name(rm, wide).to_owned(),
            _ => format!("{}, {word} #{by}", name(rm, wide)),
        };
        Some((shifted, text))
    }

    fn logic(self) -> Option<Draft> {
        let (wide, rd, rn) = (self.wide(), self.rd(), self.rn());
        let (operand, shown) = self.shifted()?;
        let inverted = self.bit(21);
        let operand = if inverted { not(operand) } else { operand };
        let kind = self.bits(29, 2);
        let word = match (kind, inverted) {
            (0, false) => "and",
            (0, true) => "bic",
            (1, false) => "orr",
            (1, true) => "orn",
            (2, false) => "eor",
            (2, true) => "eon",
            (_, false) => "ands",
            (_, true) => "bics",
        };
        let (into, first) = (name(rd, wide), name(rn, wide));
        let plain = self.bits(10, 6) == 0 && self.bits(22, 2) == 0;
        let text = match word {
            "orr" if rn == 31 && plain => format!("mov {into}, {shown}"),
            "orn" if rn == 31 => format!("mvn {into}, {shown}"),
            "ands" if rd == 31 => format!("tst {first}, {shown}"),
            _ => format!("{word} {into}, {first}, {shown}"),
        };
        let op = match kind {
            1 => Op::Or,
            2 => Op::Xor,
            _ => Op::And,
        };
        let sides = (side(value(rn), wide), side(operand.clone(), wide));
        let result = held(binary(op, value(rn), operand), wide);
        let draft = Draft::new(text).set(x(rd), result);
        Some(if kind == 3 {
            draft.set(FLAGS, Expr::Test(Box::new(sides.0), Box::new(sides.1)))
        } else {
            draft
        })
    }

    /// `add`, `sub` and their kin of two values; `shown` is the second.
    fn sum(self, draft: Draft, first: Expr, second: Expr, into: Option<Reg>) -> Draft {
        let (wide, subtract, flags) = (self.wide(), self.bit(30), self.bit(29));
        let outcome = if subtract {
            compare(side(first.clone(), wide), side(second.clone(), wide))
        } else {
            FLAGS_OF_SUM
        };
        let op = if subtract { Op::Sub } else { Op::Add };
        let draft = draft.set(into, held(binary(op, first, second), wide));
        if flags {
            draft.set(FLAGS, outcome)
        } else {
            draft
        }
    }

    fn sum_word(self) -> &'static str {
        match (self.bit(30), self.bit(29)) {
            (false, false) => "add",
            (false, true) => "adds",
            (true, false) => "sub",
            (true, true) => "subs",
        }
    }

    fn add_shifted(self) -> Option<Draft> {
        let (wide, rd, rn) = (self.wide(), self.rd(), self.rn());
        let (operand, shown) = self.shifted()?;
        if self.bits(22, 2) == 3 {
            return None;
        }
        let (into, first) = (name(rd, wide), name(rn, wide));
        let text = match self.sum_word() {
            "subs" if rd == 31 => format!("cmp {first}, {shown}"),
            "adds" if rd == 31 => format!("cmn {first}, {shown}"),
            "sub" if rn == 31 => format!("neg {into}, {shown}"),
            "subs" if rn == 31 => format!("negs {into}, {shown}"),
            word => format!("{word} {into}, {first}, {shown}"),
        };
        Some(self.sum(Draft::new(text), value(rn), operand, x(rd)))
    }

    fn add_extended(self) -> Option<Draft> {
        let (wide, rd, rn) = (self.wide(), self.rd(), self.rn());
        let (kind, by) = (self.bits(13, 3), self.bits(10, 3));
        if self.bits(22, 2) != 0 || by > 4 {
            return None;
        }
        let flags = self.bit(29);
        let operand = with(Op::Shl, extended(self.rm(), kind), by.into());
        let shown = {
            let rm = name(self.rm(), wide && kind & 3 == 3);
            // The extension that changes nothing is a shift where the stack pointer takes part.
            let plain = kind == if wide { 3 } else { 2 } && (rn == 31 || rd == 31 && !flags);
            match (plain, by) {
                (true, 0) => rm.to_owned(),
                (true, by) => format!("{rm}, lsl #{by}"),
                (false, 0) => format!("{rm}, {}", extension_name(kind)),
                (false, by) => format!("{rm}, {} #{by}", extension_name(kind)),
            }
        };
        let first = name_or_sp(rn, wide);
        let text = match self.sum_word() {
            "subs" if rd == 31 => format!("cmp {first}, {shown}"),
            "adds" if rd == 31 => format!("cmn {first}, {shown}"),
            word if flags => format!("{word} {}, {first}, {shown}", name(rd, wide)),
            word => format!("{word} {}, {first}, {shown}", name_or_sp(rd, wide)),
        };
        let into = if flags { x(rd) } else { Some(x_or_sp(rd)) };
        Some(self.sum(Draft::new(text), value_or_sp(rn), operand, into))
    }

    /// `adc`, `sbc`.
    fn with_carry(self) -> Option<Draft> {
        if self.bits(10, 6) != 0 {
            // `rmif`, `setf8`: they make flags of bits.
            return None;
        }
        let (wide, rd, rn, rm) = (self.wide(), self.rd(), self.rn(), self.rm());
        let (into, first, second) = (name(rd, wide), name(rn, wide), name(rm, wide));
        let flags = self.bit(29);
        let s = if flags { "s" } else { "" };
        let carry = |cond| flag(test(cond, Expr::Reg(Reg::FLAGS), ZERO));
        let (text, result) = if self.bit(30) {
            let text = match rn {
                31 => format!("ngc{s} {into}, {second}"),
                _ => format!("sbc{s} {into}, {first}, {second}"),
            };
            let difference = binary(Op::Sub, value(rn), value(rm));
            (text, binary(Op::Sub, difference, carry(Cond::LtU)))
        } else {
            let sum = binary(Op::Add, value(rn), value(rm));
            let text = format!("adc{s} {into}, {first}, {second}");
            (text, binary(Op::Add, sum, carry(Cond::GeU)))
        };
        let draft = Draft::new(text).set(x(rd), held(result, wide));
        let outcome = Expr::Unknown("flags of a sum with carry");
        Some(if flags {
            draft.set(FLAGS, outcome)
        } else {
            draft
        })
    }

    /// `ccmp`, `ccmn`.
    fn compare_conditionally(self) -> Option<Draft> {
        if !self.bit(29) || self.bit(10) || self.bit(4) {
            return None;
        }
        let (wide, word) = (self.wide(), if self.bit(30) { "ccmp" } else { "ccmn" });
        let second = match self.bit(11) {
            true => format!("#{:#x}", self.rm()),
            false => name(self.rm(), wide).to_owned(),
        };
        let first = name(self.rn(), wide);
        let when = condition_name(self.bits(12, 4));
        let text = format!("{word} {first}, {second}, #{:#x}, {when}", self.bits(0, 4));
        Some(Draft::new(text).set(FLAGS, Expr::Unknown("conditional comparison")))
    }

    /// `csel`, `csinc`, `csinv`, `csneg`.
    fn select(self) -> Option<Draft> {
        if self.bit(29) || self.bit(11) {
            return None;
        }
        let (wide, rd, rn, rm) = (self.wide(), self.rd(), self.rn(), self.rm());
        let when = self.bits(12, 4);
        let (into, first, second) = (name(rd, wide), name(rn, wide), name(rm, wide));
        let (shown, inverse) = (condition_name(when), condition_name(when ^ 1));
        let same = rn == rm && when & 0b1110 != 0b1110;
        let full = |word| format!("{word} {into}, {first}, {second}, {shown}");
        let (text, other) = match (self.bit(30), self.bit(10)) {
            (false, false) => (full("csel"), value(rm)),
            (false, true) => {
                let text = match same {
                    true if rn == 31 => format!("cset {into}, {inverse}"),
                    true => format!("cinc {into}, {first}, {inverse}"),
                    false => full("csinc"),
                };
                (text, with(Op::Add, value(rm), 1))
            }
            (true, false) => {
                let text = match same {
                    true if rn == 31 => format!("csetm {into}, {inverse}"),
                    true => format!("cinv {into}, {first}, {inverse}"),
                    false => full("csinv"),
                };
                (text, not(value(rm)))
            }
            (true, true) => {
                let text = match same {
                    true => format!("cneg {into}, {first}, {inverse}"),
                    false => full("csneg"),
                };
                (text, binary(Op::Sub, ZERO, value(rm)))
            }
        };
        let (then, other) = (held(value(rn), wide), held(other, wide));
        let result = match when {
            // Always, under both numbers.
            0b1110 | 0b1111 => then,
            when => select(condition(when), then, other),
        };
        Some(Draft::new(text).set(x(rd), result))
    }

    fn two_sources(self) -> Option<Draft> {
        if self.bit(29) {
            return None;
        }
        let (wide, rd, rn, rm) = (self.wide(), self.rd(), self.rn(), self.rm());
        let whole = |number, signed| widened(value(number), size(wide), signed);
        let mask = if wide { 63 } else { 31 };
        let count = with(Op::And, value(rm), mask);
        let (word, result) = match self.bits(10, 6) {
            // A quotient by zero is zero; `Op` says none.
            0b000010 => ("udiv", binary(Op::DivU, whole(rn, false), whole(rm, false))),
            0b000011 => ("sdiv", binary(Op::DivS, whole(rn, true), whole(rm, true))),
            0b001000 => ("lsl", binary(Op::Shl, value(rn), count)),
            0b001001 => ("lsr", binary(Op::Shr, whole(rn, false), count)),
            0b001010 => ("asr", binary(Op::Sar, whole(rn, true), count)),
            0b001011 => {
                let rest = with(Op::And, binary(Op::Sub, ZERO, value(rm)), mask);
                let down = binary(Op::Shr, whole(rn, false), count);
                (
                    "ror",
                    binary(Op::Or, down, binary(Op::Shl, value(rn), rest)),
                )
            }
            sum @ 0b010000..=0b010111 if wide == (sum & 3 == 3) => {
                let c = if sum & 4 == 0 { "" } else { "c" };
                let unit = match sum & 3 {
                    0 => "b",
                    1 => "h",
                    2 => "w",
                    _ => "x",
                };
                let (into, first) = (name(rd, false), name(rn, false));
                let text = format!("crc32{c}{unit} {into}, {first}, {}", name(rm, wide));
                return Some(Draft::new(text).set(x(rd), Expr::Unknown("checksum")));
            }
            0b001100 if wide => {
                let text = format!(
                    "pacga {}, {}, {}",
                    name(rd, true),
                    name(rn, true),
                    name_or_sp(rm, true)
                );
                return Some(Draft::new(text).set(x(rd), Expr::Unknown("pointer authentication")));
            }
            _ => return None,
        };
        let text = format!(
            "{word} {}, {}, {}",
            name(rd, wide),
            name(rn, wide),
            name(rm, wide)
        );
        Some(Draft::new(text).set(x(rd), held(result, wide)))
    }

    fn one_source(self) -> Option<Draft> {
        if self.bit(29) {
            return None;
        }
        let (wide, rd, rn) = (self.wide(), self.rd(), self.rn());
        let (word, why) = match (self.rm(), self.bits(10, 6)) {
            (0, 0) => ("rbit", "bits in the other order"),
            (0, 1) => ("rev16", "bytes in the other order"),
            (0, 2) => (
                if wide { "rev32" } else { "rev" },
                "bytes in the other order",
            ),
            (0, 3) if wide => ("rev", "bytes in the other order"),
            (0, 4) => ("clz", "number of zero bits"),
            (0, 5) => ("cls", "number of sign bits"),
            (1, kind) if wide => return self.authenticate(kind),
            _ => return None,
        };
        let text = format!("{word} {}, {}", name(rd, wide), name(rn, wide));
        Some(Draft::new(text).set(x(rd), Expr::Unknown(why)))
    }

    /// `pacia` and its kin: the pointer means the same before and after.
    fn authenticate(self, kind: u32) -> Option<Draft> {
        const WORDS: [&str; 18] = [
            "pacia", "pacib", "pacda", "pacdb", "autia", "autib", "autda", "autdb", "paciza",
            "pacizb", "pacdza", "pacdzb", "autiza", "autizb", "autdza", "autdzb", "xpaci", "xpacd",
        ];
        let (rd, rn) = (self.rd(), self.rn());
        let word = WORDS.get(kind as usize)?;
        let text = match kind {
            0..8 => format!("{word} {}, {}", name(rd, true), name_or_sp(rn, true)),
            _ if rn == 31 => format!("{word} {}", name(rd, true)),
            _ => return None,
        };
        Some(Draft::new(text))
    }

    fn three_sources(self) -> Option<Draft> {
        if self.bits(29, 2) != 0 {
            return None;
        }
        let (wide, rd, rn, rm) = (self.wide(), self.rd(), self.rn(), self.rm());
        let (ra, subtract) = (self.bits(10, 5), self.bit(15));
        let kind = self.bits(21, 3);
        let narrow = |number, signed| widened(value(number), 4, signed);
        let (word, alias, product) = match (kind, subtract) {
            (0, false) => ("madd", "mul", binary(Op::Mul, value(rn), value(rm))),
            (0, true) => ("msub", "mneg", binary(Op::Mul, value(rn), value(rm))),
            (1 | 5, _) if wide => {
                let signed = kind == 1;
                let product = binary(Op::Mul, narrow(rn, signed), narrow(rm, signed));
                match (signed, subtract) {
                    (true, false) => ("smaddl", "smull", product),
                    (true, true) => ("smsubl", "smnegl", product),
                    (false, false) => ("umaddl", "umull", product),
                    (false, true) => ("umsubl", "umnegl", product),
                }
            }
            (2 | 6, false) if wide => {
                let word = if kind == 2 { "smulh" } else { "umulh" };
                let (into, first, second) = (name(rd, true), name(rn, true), name(rm, true));
                let text = format!("{word} {into}, {first}, {second}");
                return Some(Draft::new(text).set(x(rd), Expr::Unknown("high half of a product")));
            }
            _ => return None,
        };
        let factors = kind == 0 && wide;
        let (into, first, second) = (name(rd, wide), name(rn, factors), name(rm, factors));
        let text = match ra {
            31 => format!("{alias} {into}, {first}, {second}"),
            ra => format!("{word} {into}, {first}, {second}, {}", name(ra, wide)),
        };
        let op = if subtract { Op::Sub } else { Op::Add };
        let result = binary(op, value(ra), product);
        Some(Draft::new(text).set(x(rd), held(result, wide)))
    }
}

/// The register, extended as the option says (Arm ARM, `ExtendReg`).
pub(super) fn extended(number: u32, kind: u32) -> Expr {
    widened(value(number), 1 << (kind & 3), kind & 4 != 0)
}

pub(super) fn extension_name(kind: u32) -> &'static str {
    match kind {
        0 => "uxtb",
        1 => "uxth",
        2 => "uxtw",
        3 => "uxtx",
        4 => "sxtb",
        5 => "sxth",
        6 => "sxtw",
        _ => "sxtx",
    }
}
