//! Data processing with the shifter, and multiplication.

use super::{Found, LR, PC, UNKNOWN, Word, place};
use crate::semantics::build::{
    Draft, binary, not, rotated_right, select, signed, test, unsigned, with,
};
use crate::{Cond, Expr, Op, Reg};

const CARRY: Expr = Expr::Unknown("the carry");

/// The second operand of data processing.
struct Operand {
    value: Expr,
    text: String,
    /// Whether the shifter puts a bit into the carry.
    carries: bool,
}

impl Word {
    fn operand(self) -> Result<Operand, &'static str> {
        if self.bit(25) {
            let value = self.bits(0, 8).rotate_right(2 * self.bits(8, 4));
            return Ok(Operand {
                value: Expr::Const(value.into()),
                text: self.immediate_text(value),
                carries: false,
            });
        }
        let name = self.name(self.rm());
        if self.bit(4) {
            let (value, by) = (self.plain(self.rm())?, self.plain(self.rs())?);
            let text = format!("{name}, {} {}", self.shift_name(), self.name(self.rs()));
            let value = self.shifted_by(value, by);
            return Ok(Operand {
                value,
                text,
                carries: true,
            });
        }
        let (value, shift) = self.shifted();
        let carries = shift.is_some();
        let text = match shift {
            None => name.to_owned(),
            Some(shift) => format!("{name}, {shift}"),
        };
        Ok(Operand {
            value,
            text,
            carries,
        })
    }

    /// A constant that has several encodings is written with the rotation, unless it is the usual one.
    fn immediate_text(self, value: u32) -> String {
        let usual = (0..16).find(|n| value.rotate_left(2 * n) < 256);
        if usual == Some(self.bits(8, 4)) {
            return format!("#{}", value as i32);
        }
        format!("#{}, {}", self.bits(0, 8), 2 * self.bits(8, 4))
    }

    fn shift_name(self) -> &'static str {
        match self.bits(5, 2) {
            0 => "lsl",
            1 => "lsr",
            2 => "asr",
            _ => "ror",
        }
    }

    /// `Rm` shifted by a constant, and the shift in words if it is one.
    pub(super) fn shifted(self) -> (Expr, Option<String>) {
        let (n, value) = (self.bits(7, 5), self.get(self.rm()));
        let by = if n == 0 { 32 } else { n };
        let text = |name: &str, by: u32| Some(format!("{name} #{by}"));
        match (self.bits(5, 2), n) {
            (0, 0) => (value, None),
            (0, _) => (with(Op::Shl, value, n.into()), text("lsl", n)),
            (1, _) => (
                with(Op::Shr, unsigned(value, 4), by.into()),
                text("lsr", by),
            ),
            (2, _) => (with(Op::Sar, signed(value, 4), by.into()), text("asr", by)),
            (_, 0) => {
                let low = with(Op::Shr, unsigned(value, 4), 1);
                (
                    binary(Op::Or, low, with(Op::Shl, CARRY, 31)),
                    Some("rrx".to_owned()),
                )
            }
            _ => (rotated_right(value, n, 32), text("ror", n)),
        }
    }

    /// Shifted by the lowest byte of a register; from 32 on nothing is left but the sign.
    fn shifted_by(self, value: Expr, by: Expr) -> Expr {
        let within = test(Cond::LtU, with(Op::And, by.clone(), 255), Expr::Const(32));
        let by = with(Op::And, by, 31);
        match self.bits(5, 2) {
            0 => select(within, binary(Op::Shl, value, by), Expr::Const(0)),
            1 => select(
                within,
                binary(Op::Shr, unsigned(value, 4), by),
                Expr::Const(0),
            ),
            2 => {
                let value = signed(value, 4);
                let sign = with(Op::Sar, value.clone(), 31);
                select(within, binary(Op::Sar, value, by), sign)
            }
            _ => {
                let back = binary(Op::Sub, Expr::Const(32), by.clone());
                let low = binary(Op::Shr, unsigned(value.clone(), 4), by);
                binary(Op::Or, low, binary(Op::Shl, value, back))
            }
        }
    }

    pub(super) fn data_processing(self) -> Found {
        if self.w & 0x0fff_ffff == 0x01a0_0000 {
            return Ok(Draft::new(format!("nop{}", self.cond())));
        }
        let code = self.bits(21, 4);
        let sets_flags = self.bit(20);
        let operand = self.operand()?;
        let (a, b) = (self.get(self.rn()), operand.value.clone());
        let sum = |a, b| binary(Op::Add, a, b);
        let (name, value) = match code {
            0x0 => ("and", binary(Op::And, a, b)),
            0x1 => ("eor", binary(Op::Xor, a, b)),
            // As the offset that it is.
            0x2 => match b {
                Expr::Const(n) => ("sub", with(Op::Add, a, n.wrapping_neg())),
                b => ("sub", binary(Op::Sub, a, b)),
            },
            0x3 => ("rsb", binary(Op::Sub, b, a)),
            0x4 => ("add", sum(a, b)),
            0x5 => ("adc", sum(sum(a, b), CARRY)),
            0x6 => ("sbc", sum(sum(a, not(b)), CARRY)),
            0x7 => ("rsc", sum(sum(b, not(a)), CARRY)),
            0x8 => ("tst", binary(Op::And, a, b)),
            0x9 => ("teq", binary(Op::Xor, a, b)),
            0xa => ("cmp", binary(Op::Sub, a, b)),
            0xb => ("cmn", sum(a, b)),
            0xc => ("orr", binary(Op::Or, a, b)),
            0xd => ("mov", b),
            0xe => ("bic", binary(Op::And, a, not(b))),
            _ => ("mvn", not(b)),
        };
        let compares = (0x8..=0xb).contains(&code);
        let s = if sets_flags && !compares { "s" } else { "" };
        let names = format!("{s}{}", self.cond());
        let (rd, rn) = (self.name(self.rd()), self.name(self.rn()));
        let text = match code {
            0x8..=0xb => format!("{name}{names} {rn}, {}", operand.text),
            0xd => self.move_text(&names, &operand),
            0xf => format!("{name}{names} {rd}, {}", operand.text),
            _ => format!("{name}{names} {rd}, {rn}, {}", operand.text),
        };
        let draft = Draft::new(text);
        // A field without a use is zero.
        if compares && self.rd() != 0 || matches!(code, 0xd | 0xf) && self.rn() != 0 {
            return Err(UNKNOWN);
        }
        if compares {
            return Ok(draft.set(Some(Reg::FLAGS), self.flags(code, &operand, &value)));
        }
        if self.rd() == PC && sets_flags {
            // A return from an exception: it changes the mode, too.
            return Ok(draft.flow(crate::Flow::Jump(None)));
        }
        let is_return = code == 0xd && !self.bit(25) && self.rm() == LR && !operand.carries;
        let flags = sets_flags.then(|| self.flags(code, &operand, &value));
        let draft = self.written(draft, self.rd(), value, is_return);
        Ok(match flags {
            Some(flags) => draft.set(Some(Reg::FLAGS), flags),
            None => draft,
        })
    }

    /// `mov` with a shift is written as the shift.
    fn move_text(self, names: &str, operand: &Operand) -> String {
        let (rd, rm) = (self.name(self.rd()), self.name(self.rm()));
        if self.bit(25) || !operand.carries {
            return format!("mov{names} {rd}, {}", operand.text);
        }
        if self.bit(4) {
            return format!(
                "{}{names} {rd}, {rm}, {}",
                self.shift_name(),
                self.name(self.rs())
            );
        }
        match self.shifted().1 {
            Some(shift) => match shift.split_once(' ') {
                Some((name, by)) => format!("{name}{names} {rd}, {rm}, {by}"),
                None => format!("{shift}{names} {rd}, {rm}"),
            },
            None => format!("mov{names} {rd}, {}", operand.text),
        }
    }

    /// The flags after data processing with this opcode.
    fn flags(self, code: u32, operand: &Operand, value: &Expr) -> Expr {
        let (a, b) = (self.s32(self.rn()), signed(operand.value.clone(), 4));
        let compare = |a, b| Expr::Compare(Box::new(a), Box::new(b));
        let tested = |a, b| Expr::Test(Box::new(a), Box::new(b));
        let every_bit = || Expr::Const(u64::MAX);
        match code {
            0x2 | 0xa => compare(a, b),
            0x3 => compare(b, a),
            // A sum with a constant compares with its negation; zero and the least number have none.
            0x4 | 0xb => match b {
                Expr::Const(n) if place(n) == 0 => tested(a, every_bit()),
                Expr::Const(n) if place(n) != 0x8000_0000 => {
                    compare(a, Expr::Const(n.wrapping_neg()))
                }
                _ => Expr::Unknown("the flags of a sum"),
            },
            0x5..=0x7 => Expr::Unknown("the flags of a sum with carry"),
            _ if operand.carries => Expr::Unknown("the flags of a shift"),
            0x0 | 0x8 => tested(a, b),
            _ => tested(signed(value.clone(), 4), every_bit()),
        }
    }

    pub(super) fn move_top(self) -> Found {
        let value = u64::from(self.bits(16, 4) << 12 | self.bits(0, 12));
        let text = format!("movt{} {}, #{value}", self.cond(), self.name(self.rd()));
        let low = with(Op::And, self.plain(self.rd())?, 0xffff);
        let whole = with(Op::Or, low, value << 16);
        Ok(Draft::new(text).set(Some(self.reg(self.rd())), whole))
    }

    /// `mul` to `smlal`: A5.2.5. The fields of the registers are other ones than elsewhere.
    pub(super) fn multiply(self) -> Found {
        let (high, low) = (self.rn(), self.rd());
        for n in [high, self.rm(), self.rs()] {
            self.plain(n)?;
        }
        let code = self.bits(21, 3);
        let sets_flags = self.bit(20);
        let names = format!("{}{}", if sets_flags { "s" } else { "" }, self.cond());
        let (m, s) = (self.name(self.rm()), self.name(self.rs()));
        let product = binary(Op::Mul, self.get(self.rm()), self.get(self.rs()));
        let (d, a) = (self.name(high), self.name(low));
        let (name, value) = match code {
            0 if low != 0 => return Err(UNKNOWN),
            0 => (format!("mul{names} {d}, {m}, {s}"), product),
            1 => {
                let sum = Expr::plus(product, self.plain(low)?);
                (format!("mla{names} {d}, {m}, {s}, {a}"), sum)
            }
            3 if !sets_flags => {
                let difference = binary(Op::Sub, self.plain(low)?, product);
                (format!("mls{names} {d}, {m}, {s}, {a}"), difference)
            }
            4..=7 => return self.multiply_long(),
            _ => return Err(UNKNOWN),
        };
        let draft = Draft::new(name).set(Some(self.reg(high)), value.clone());
        Ok(match sets_flags {
            true => draft.set(Some(Reg::FLAGS), whole_test(signed(value, 4))),
            false => draft,
        })
    }

    /// 64 bits in two registers, with what was there added or not.
    fn multiply_long(self) -> Found {
        let (high, low) = (self.rn(), self.rd());
        self.plain(low)?;
        if high == low {
            return Err(UNKNOWN);
        }
        let is_signed = self.bit(22);
        let sets_flags = self.bit(20);
        let factor = |n| if is_signed { self.s32(n) } else { self.u32(n) };
        let product = binary(Op::Mul, factor(self.rm()), factor(self.rs()));
        let (name, value) = if self.bit(21) {
            let before = binary(Op::Or, with(Op::Shl, self.get(high), 32), self.u32(low));
            ("mlal", Expr::plus(before, product))
        } else {
            ("mull", product)
        };
        let text = format!(
            "{}{name}{}{} {}, {}, {}, {}",
            if is_signed { 's' } else { 'u' },
            if sets_flags { "s" } else { "" },
            self.cond(),
            self.name(low),
            self.name(high),
            self.name(self.rm()),
            self.name(self.rs()),
        );
        let draft = Draft::new(text)
            .set(Some(self.reg(low)), unsigned(value.clone(), 4))
            .set(Some(self.reg(high)), with(Op::Shr, value.clone(), 32));
        Ok(match sets_flags {
            true => draft.set(Some(Reg::FLAGS), whole_test(value)),
            false => draft,
        })
    }
}

/// The test of all bits of a value.
fn whole_test(value: Expr) -> Expr {
    Expr::Test(Box::new(value), Box::new(Expr::Const(u64::MAX)))
}
