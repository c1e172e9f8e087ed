//! The opcodes with a function field: register arithmetic, multiplication, bit fields.

use super::{Found, HI, LO, RA, UNKNOWN, Word};
use crate::semantics::build::{
    Draft, binary, flag, not, ones, remainder, rotated_right, select, sign_extend, signed, test,
    unsigned, with,
};
use crate::{Callee, Cond, Expr, Flow, Op};

impl Word {
    fn three(self, name: &str) -> String {
        let (rd, rs, rt) = (
            self.name(self.rd()),
            self.name(self.rs()),
            self.name(self.rt()),
        );
        format!("{name} {rd},{rs},{rt}")
    }

    /// `name rd,rs,rt`.
    fn register(self, name: &str, value: Expr) -> Found {
        if self.sa() != 0 {
            return Err(UNKNOWN);
        }
        Ok(self.into_rd(self.three(name), value))
    }

    fn into_rd(self, text: String, value: Expr) -> Draft {
        Draft::new(text).set(self.reg(self.rd()), value)
    }

    /// `name rd,rs,rt`, which is a move when `rt` is `zero`.
    fn sum(self, name: &str, value: Expr) -> Found {
        if self.rt() == 0 && self.sa() == 0 && matches!(name, "or" | "daddu" | "addu") {
            let text = format!("move {},{}", self.name(self.rd()), self.name(self.rs()));
            return Ok(self.into_rd(text, value));
        }
        self.register(name, value)
    }

    pub(super) fn special(self) -> Found {
        let (rs, rt) = (self.get(self.rs()), self.get(self.rt()));
        let is_wide = self.mode.wide;
        match self.bits(0, 6) {
            0x00 => self.shift("sll", Op::Shl, 0),
            0x02 => self.shift("srl", Op::Shr, 0),
            0x03 => self.shift("sra", Op::Sar, 0),
            0x04 => self.shift_variable("sllv", Op::Shl),
            0x06 => self.shift_variable("srlv", Op::Shr),
            0x07 => self.shift_variable("srav", Op::Sar),
            0x05 => self.scaled_sum("lsa"),
            0x15 if is_wide => self.scaled_sum("dlsa"),
            0x08 if self.rt() == 0 && self.rd() == 0 => Ok(self.jump_register()),
            0x09 if self.rt() == 0 => self.call_register(),
            0x0a => {
                let holds = test(Cond::Eq, rt, Expr::Const(0));
                self.register("movz", select(holds, rs, self.get(self.rd())))
            }
            0x0b => {
                let holds = test(Cond::Ne, rt, Expr::Const(0));
                self.register("movn", select(holds, rs, self.get(self.rd())))
            }
            // The select instructions of release 6.
            0x35 => self.register(
                "seleqz",
                select(test(Cond::Eq, rt, Expr::Const(0)), rs, Expr::Const(0)),
            ),
            0x37 => self.register(
                "selnez",
                select(test(Cond::Ne, rt, Expr::Const(0)), rs, Expr::Const(0)),
            ),
            0x0d => Ok(Draft::new(self.break_text()).flow(Flow::Trap)),
            0x0f => Ok(Draft::new(match self.sa() {
                0 => "sync".to_owned(),
                n => format!("sync {n:#x}"),
            })),
            0x10 if self.w >> 16 == 0 && self.sa() == 0 => {
                Ok(self.move_from("mfhi", Expr::Reg(HI)))
            }
            0x12 if self.w >> 16 == 0 && self.sa() == 0 => {
                Ok(self.move_from("mflo", Expr::Reg(LO)))
            }
            0x11 if self.bits(6, 15) == 0 => {
                Ok(Draft::new(format!("mthi {}", self.name(self.rs()))).set(Some(HI), rs))
            }
            0x13 if self.bits(6, 15) == 0 => {
                Ok(Draft::new(format!("mtlo {}", self.name(self.rs()))).set(Some(LO), rs))
            }
            0x14 if is_wide => self.shift_variable("dsllv", Op::Shl),
            0x16 if is_wide => self.shift_variable("dsrlv", Op::Shr),
            0x17 if is_wide => self.shift_variable("dsrav", Op::Sar),
            0x18..=0x1f => self.multiply_divide(),
            0x20 => self.register("add", self.result(Expr::plus(rs, rt))),
            0x21 => self.sum("addu", self.result(Expr::plus(rs, rt))),
            0x22 => self.difference("sub", "neg", self.result(binary(Op::Sub, rs, rt))),
            0x23 => self.difference("subu", "negu", self.result(binary(Op::Sub, rs, rt))),
            0x24 => self.register("and", binary(Op::And, rs, rt)),
            0x25 => self.sum("or", binary(Op::Or, rs, rt)),
            0x26 => self.register("xor", binary(Op::Xor, rs, rt)),
            0x27 => self.register("nor", not(binary(Op::Or, rs, rt))),
            0x2a => {
                let holds = test(Cond::LtS, self.number(self.rs()), self.number(self.rt()));
                self.register("slt", flag(holds))
            }
            0x2b => {
                let holds = test(Cond::LtU, self.natural(self.rs()), self.natural(self.rt()));
                self.register("sltu", flag(holds))
            }
            0x2c if is_wide => self.register("dadd", Expr::plus(rs, rt)),
            0x2d if is_wide => self.sum("daddu", Expr::plus(rs, rt)),
            0x2e if is_wide => self.difference("dsub", "dneg", binary(Op::Sub, rs, rt)),
            0x2f if is_wide => self.difference("dsubu", "dnegu", binary(Op::Sub, rs, rt)),
            0x30 => Ok(self.trap("tge")),
            0x31 => Ok(self.trap("tgeu")),
            0x32 => Ok(self.trap("tlt")),
            0x33 => Ok(self.trap("tltu")),
            0x34 => Ok(self.trap("teq")),
            0x36 => Ok(self.trap("tne")),
            0x38 if is_wide => self.shift("dsll", Op::Shl, 0),
            0x3a if is_wide => self.shift("dsrl", Op::Shr, 0),
            0x3b if is_wide => self.shift("dsra", Op::Sar, 0),
            0x3c if is_wide => self.shift("dsll32", Op::Shl, 32),
            0x3e if is_wide => self.shift("dsrl32", Op::Shr, 32),
            0x3f if is_wide => self.shift("dsra32", Op::Sar, 32),
            _ => Err(UNKNOWN),
        }
    }

    fn difference(self, name: &str, negation: &str, value: Expr) -> Found {
        if self.rs() == 0 && self.sa() == 0 {
            let text = format!(
                "{negation} {},{}",
                self.name(self.rd()),
                self.name(self.rt())
            );
            return Ok(self.into_rd(text, value));
        }
        self.register(name, value)
    }

    /// A shift by a constant. Bit 21 makes a rotation of a logical shift to the right.
    fn shift(self, name: &str, op: Op, more: u32) -> Found {
        let is_wide = name.starts_with('d');
        let (value, by) = (self.get(self.rt()), self.sa() + more);
        let operands = format!(
            "{},{},{:#x}",
            self.name(self.rd()),
            self.name(self.rt()),
            self.sa()
        );
        if op == Op::Shr && self.rs() == 1 {
            let name = name.replace("srl", "ror");
            let value = if is_wide {
                rotated_right(value, by, 64)
            } else {
                self.result(rotated_right(value, by, 32))
            };
            return Ok(self.into_rd(format!("{name} {operands}"), value));
        }
        if self.rs() != 0 {
            return Err(UNKNOWN);
        }
        if name == "sll" && self.rd() == 0 && self.rt() == 0 {
            // The codes with a meaning to the pipeline only.
            let text = match by {
                0 => "nop".to_owned(),
                1 => "ssnop".to_owned(),
                3 => "ehb".to_owned(),
                5 => "pause".to_owned(),
                _ => format!("{name} {operands}"),
            };
            return Ok(Draft::new(text));
        }
        let value = match op {
            _ if is_wide => with(op, value, u64::from(by)),
            Op::Shr if by != 0 => with(op, self.u32(self.rt()), u64::from(by)),
            Op::Sar => with(op, self.s32(self.rt()), u64::from(by)),
            _ => self.result(with(op, value, u64::from(by))),
        };
        Ok(self.into_rd(format!("{name} {operands}"), value))
    }

    /// A shift by a register, of which the lowest bits count.
    fn shift_variable(self, name: &str, op: Op) -> Found {
        let is_wide = name.starts_with('d');
        let (rd, rt, rs) = (
            self.name(self.rd()),
            self.name(self.rt()),
            self.name(self.rs()),
        );
        let by = with(Op::And, self.get(self.rs()), if is_wide { 63 } else { 31 });
        let value = self.get(self.rt());
        if op == Op::Shr && self.sa() == 1 {
            let name = name.replace("srlv", "rorv");
            let (low, bits) = if is_wide {
                (value.clone(), 64)
            } else {
                (self.u32(self.rt()), 32)
            };
            // Of a rotation by nothing both halves are the value, or the upper falls out.
            let back = binary(Op::Sub, Expr::Const(bits), by.clone());
            let rotated = binary(
                Op::Or,
                binary(Op::Shr, low, by),
                binary(Op::Shl, value, back),
            );
            let rotated = if is_wide {
                rotated
            } else {
                self.result(rotated)
            };
            return Ok(self.into_rd(format!("{name} {rd},{rt},{rs}"), rotated));
        }
        if self.sa() != 0 {
            return Err(UNKNOWN);
        }
        let value = match op {
            _ if is_wide => binary(op, value, by),
            Op::Shr => self.result(binary(op, self.u32(self.rt()), by)),
            Op::Sar => binary(op, self.s32(self.rt()), by),
            _ => self.result(binary(op, value, by)),
        };
        Ok(self.into_rd(format!("{name} {rd},{rt},{rs}"), value))
    }

    /// `lsa` and `dlsa` of release 6: an index scaled and added.
    fn scaled_sum(self, name: &str) -> Found {
        if self.sa() > 3 {
            return Err(UNKNOWN);
        }
        let by = self.sa() + 1;
        let index = with(Op::Shl, self.get(self.rs()), u64::from(by));
        let sum = Expr::plus(index, self.get(self.rt()));
        let sum = if name == "lsa" { self.result(sum) } else { sum };
        Ok(self.into_rd(format!("{},{by:#x}", self.three(name)), sum))
    }

    fn jump_register(self) -> Draft {
        let flow = if self.rs() == 31 {
            Flow::Return
        } else {
            Flow::JumpTo(self.get(self.rs()))
        };
        let name = if self.sa() & 0x10 != 0 { "jr.hb" } else { "jr" };
        Draft::new(format!("{name} {}", self.name(self.rs())))
            .flow(flow)
            .delayed()
    }

    fn call_register(self) -> Found {
        let name = if self.sa() & 0x10 != 0 {
            "jalr.hb"
        } else {
            "jalr"
        };
        match self.rd() {
            // How release 6 writes `jr`.
            0 => Ok(self.jump_register()),
            31 => Ok(Draft::new(format!("{name} {}", self.name(self.rs())))
                .set(RA, self.link())
                .flow(Flow::Call(Callee::Value(self.get(self.rs()))))
                .delayed()),
            _ => Err("a call that links another register"),
        }
    }

    fn break_text(self) -> String {
        match (self.bits(16, 10), self.bits(6, 10)) {
            (0, 0) => "break".to_owned(),
            (code, 0) => format!("break {code:#x}"),
            (code, more) => format!("break {code:#x},{more:#x}"),
        }
    }

    /// A trap on a condition is left behind where that does not hold, which is what
    /// the slice goes through; only one that always holds ends the code.
    fn trap(self, name: &str) -> Draft {
        let operands = format!("{name} {},{}", self.name(self.rs()), self.name(self.rt()));
        let text = match self.bits(6, 10) {
            0 => operands,
            code => format!("{operands},{code:#x}"),
        };
        let always = self.rs() == self.rt() && matches!(name, "teq" | "tge" | "tgeu");
        Draft::new(text).flow(if always { Flow::Trap } else { Flow::Next })
    }

    fn move_from(self, name: &str, value: Expr) -> Draft {
        self.into_rd(format!("{name} {}", self.name(self.rd())), value)
    }

    /// Into `hi` and `lo`; in release 6, which marks it in the shift field, into a register.
    fn multiply_divide(self) -> Found {
        let code = self.bits(0, 6);
        let (is_signed, is_double) = (code & 1 == 0, code & 4 != 0);
        if is_double && !self.mode.wide {
            return Err(UNKNOWN);
        }
        let number = |n| match (is_double, is_signed) {
            (true, _) => self.get(n),
            (false, true) => self.s32(n),
            (false, false) => self.u32(n),
        };
        let (a, b) = (number(self.rs()), number(self.rt()));
        let (low, high, name) = if code & 2 == 0 {
            let product = binary(Op::Mul, a, b);
            let high = if is_double {
                Expr::Unknown("the upper half of a 128-bit product")
            } else {
                with(Op::Shr, product.clone(), 32)
            };
            (product, high, if is_double { "dmult" } else { "mult" })
        } else {
            let op = if is_signed { Op::DivS } else { Op::DivU };
            let rest = remainder(op, a.clone(), b.clone());
            (
                binary(op, a, b),
                rest,
                if is_double { "ddiv" } else { "div" },
            )
        };
        let fit = |value| if is_double { value } else { self.result(value) };
        let (low, high) = (fit(low), fit(high));
        let u = if is_signed { "" } else { "u" };
        match self.sa() {
            0 if self.rd() == 0 => {
                let (rs, rt) = (self.name(self.rs()), self.name(self.rt()));
                let zero = if code & 2 == 0 { "" } else { "zero," };
                Ok(Draft::new(format!("{name}{u} {zero}{rs},{rt}"))
                    .set(Some(LO), low)
                    .set(Some(HI), high))
            }
            2 => {
                let name = name.replace("mult", "mul");
                Ok(self.into_rd(self.three(&format!("{name}{u}")), low))
            }
            3 => {
                let name = name.replace("mult", "muh").replace("div", "mod");
                Ok(self.into_rd(self.three(&format!("{name}{u}")), high))
            }
            _ => Err(UNKNOWN),
        }
    }

    /// Opcode 0x1c: multiplication into a register, and most of what Octeon adds.
    pub(super) fn special2(self) -> Found {
        let (rs, rt) = (self.get(self.rs()), self.get(self.rt()));
        let is_wide = self.mode.wide;
        let is_plain = self.sa() == 0;
        match self.bits(0, 6) {
            0x00 | 0x01 | 0x04 | 0x05 if is_plain && self.rd() == 0 => Ok(self.accumulate()),
            // "The contents of HI and LO are unpredictable" after both.
            0x02 if is_plain => {
                let value = self.result(binary(Op::Mul, rs, rt));
                Ok(self.into_rd(self.three("mul"), value).clobber(&[HI, LO]))
            }
            0x03 if is_plain && is_wide => Ok(self
                .into_rd(self.three("dmul"), binary(Op::Mul, rs, rt))
                .clobber(&[HI, LO])),
            0x18 | 0x19 if is_plain && is_wide && self.rd() == 0 => {
                let (name, size) = if self.bits(0, 1) == 0 {
                    ("saa", 4)
                } else {
                    ("saad", 8)
                };
                let text = format!("{name} {},({})", self.name(self.rt()), self.name(self.rs()));
                let sum = Expr::plus(Expr::load(rs.clone(), size, false), rt);
                Ok(Draft::new(text).store(rs, size, sum))
            }
            0x20 if is_plain => Ok(self.count("clz")),
            0x21 if is_plain => Ok(self.count("clo")),
            0x24 if is_plain && is_wide => Ok(self.count("dclz")),
            0x25 if is_plain && is_wide => Ok(self.count("dclo")),
            0x28 if is_wide => self.register("baddu", unsigned(Expr::plus(rs, rt), 1)),
            0x2a if is_wide => self.register("seq", flag(test(Cond::Eq, rs, rt))),
            0x2b if is_wide => self.register("sne", flag(test(Cond::Ne, rs, rt))),
            0x2c if is_plain && is_wide && self.rt() == 0 => Ok(self.count("pop")),
            0x2d if is_plain && is_wide && self.rt() == 0 => Ok(self.count("dpop")),
            0x2e if is_wide => Ok(self.equal_immediate("seqi", Cond::Eq)),
            0x2f if is_wide => Ok(self.equal_immediate("snei", Cond::Ne)),
            0x32 if is_wide => Ok(self.clear_insert("cins", 0)),
            0x33 if is_wide => Ok(self.clear_insert("cins32", 32)),
            0x3a if is_wide => self.extract_signed("exts", 0),
            0x3b if is_wide => self.extract_signed("exts32", 32),
            0x3f => Ok(Draft::new("sdbbp").flow(Flow::Trap)),
            _ => Err(UNKNOWN),
        }
    }

    /// `madd` and its kin: the 64 bits of `hi` and `lo` plus or minus a product.
    fn accumulate(self) -> Draft {
        let code = self.bits(0, 6);
        let is_signed = code & 1 == 0;
        let (a, b) = if is_signed {
            (self.s32(self.rs()), self.s32(self.rt()))
        } else {
            (self.u32(self.rs()), self.u32(self.rt()))
        };
        let (op, name) = if code & 4 == 0 {
            (Op::Add, "madd")
        } else {
            (Op::Sub, "msub")
        };
        let before = binary(
            Op::Or,
            with(Op::Shl, Expr::Reg(HI), 32),
            unsigned(Expr::Reg(LO), 4),
        );
        let sum = binary(op, before, binary(Op::Mul, a, b));
        let u = if is_signed { "" } else { "u" };
        let text = format!(
            "{name}{u} {},{}",
            self.name(self.rs()),
            self.name(self.rt())
        );
        Draft::new(text)
            .set(Some(LO), self.result(sum.clone()))
            .set(Some(HI), self.result(with(Op::Shr, sum, 32)))
    }

    fn count(self, name: &str) -> Draft {
        let text = format!("{name} {},{}", self.name(self.rd()), self.name(self.rs()));
        self.into_rd(text, Expr::Unknown("a count of bits"))
    }

    fn equal_immediate(self, name: &str, cond: Cond) -> Draft {
        let limit = sign_extend(self.bits(6, 10), 10);
        let (rt, rs) = (self.name(self.rt()), self.name(self.rs()));
        let holds = test(cond, self.get(self.rs()), Expr::Const(limit as u64));
        Draft::new(format!("{name} {rt},{rs},{limit}")).set(self.reg(self.rt()), flag(holds))
    }

    /// A field from bit 0 put where it belongs, zeros around it.
    fn clear_insert(self, name: &str, more: u32) -> Draft {
        let (position, length) = (self.sa(), self.rd());
        let field = with(Op::And, self.get(self.rs()), ones(length + 1));
        let value = with(Op::Shl, field, u64::from(position + more));
        Draft::new(self.field_text(name, position, length)).set(self.reg(self.rt()), value)
    }

    /// A field brought down to bit 0, the sign kept.
    fn extract_signed(self, name: &str, more: u32) -> Found {
        let (position, length) = (self.sa(), self.rd());
        let top = position + more + length;
        if top > 63 {
            return Err(UNKNOWN);
        }
        let up = with(Op::Shl, self.get(self.rs()), u64::from(63 - top));
        let value = with(Op::Sar, up, u64::from(63 - length));
        Ok(Draft::new(self.field_text(name, position, length)).set(self.reg(self.rt()), value))
    }

    fn field_text(self, name: &str, a: u32, b: u32) -> String {
        format!(
            "{name} {},{},{a:#x},{b:#x}",
            self.name(self.rt()),
            self.name(self.rs())
        )
    }

    /// Opcode 0x1f: bit fields, bytes, and the memory instructions that release 6 moved here.
    pub(super) fn special3(self) -> Found {
        let (lsb, msb) = (self.sa(), self.rd());
        let is_wide = self.mode.wide;
        let offset = sign_extend(self.bits(7, 9), 9);
        let is_moved = self.bits(6, 1) == 0;
        match self.bits(0, 6) {
            0x00 => self.extract("ext", lsb, msb + 1, 32),
            0x01 if is_wide => self.extract("dext", lsb, msb + 33, 64),
            0x02 if is_wide => self.extract("dext", lsb + 32, msb + 1, 64),
            0x03 if is_wide => self.extract("dext", lsb, msb + 1, 64),
            0x04 => self.insert("ins", lsb, msb, 32),
            0x05 if is_wide => self.insert("dins", lsb, msb + 32, 64),
            0x06 if is_wide => self.insert("dins", lsb + 32, msb + 32, 64),
            0x07 if is_wide => self.insert("dins", lsb, msb, 64),
            0x0a => self.load_indexed(),
            0x20 if self.rs() == 0 => self.bytes(),
            0x24 if self.rs() == 0 && is_wide => self.bytes(),
            0x3b if self.rs() == 0 => {
                let text = format!("rdhwr {},${}", self.name(self.rt()), self.rd());
                let value = Expr::Unknown("a hardware register");
                Ok(Draft::new(text).set(self.reg(self.rt()), value))
            }
            0x25 if is_moved => Ok(self.hint("cache", offset)),
            0x35 if is_moved => Ok(self.hint("pref", offset)),
            0x26 if is_moved => Ok(self.store_conditional("sc", 4, offset)),
            0x27 if is_moved && is_wide => Ok(self.store_conditional("scd", 8, offset)),
            0x36 if is_moved => Ok(self.load("ll", 4, is_wide, offset)),
            0x37 if is_moved && is_wide => Ok(self.load("lld", 8, false, offset)),
            _ => Err(UNKNOWN),
        }
    }

    /// `ext` and its wider kin: `size` bits from bit `low`.
    fn extract(self, name: &str, low: u32, size: u32, bits: u32) -> Found {
        if low + size > bits {
            return Err(UNKNOWN);
        }
        let text = self.field_text(name, low, size);
        let value = with(
            Op::And,
            with(Op::Shr, self.get(self.rs()), low.into()),
            ones(size),
        );
        let value = if bits == 32 && size == 32 {
            self.result(self.get(self.rs()))
        } else {
            value
        };
        Ok(Draft::new(text).set(self.reg(self.rt()), value))
    }

    /// `ins` and its wider kin: bits `low` to `high` replaced.
    fn insert(self, name: &str, low: u32, high: u32, bits: u32) -> Found {
        let Some(size) = (high + 1).checked_sub(low).filter(|size| *size > 0) else {
            return Err(UNKNOWN);
        };
        let mask = ones(size);
        let field = with(Op::And, self.get(self.rs()), mask);
        let kept = with(Op::And, self.get(self.rt()), !(mask << low));
        let value = binary(Op::Or, kept, with(Op::Shl, field, low.into()));
        let value = if bits == 32 {
            self.result(value)
        } else {
            value
        };
        Ok(Draft::new(self.field_text(name, low, size)).set(self.reg(self.rt()), value))
    }

    /// The byte shuffles and the sign extensions.
    fn bytes(self) -> Found {
        let value = self.get(self.rt());
        // Pairs of fields change places.
        let swapped = |by: u64, mask: u64, value: Expr| {
            let up = with(Op::Shl, with(Op::And, value.clone(), mask), by);
            binary(Op::Or, up, with(Op::And, with(Op::Shr, value, by), mask))
        };
        const BYTES: u64 = 0x00ff_00ff_00ff_00ff;
        const HALVES: u64 = 0x0000_ffff_0000_ffff;
        let (name, value) = match (self.bits(0, 6), self.sa()) {
            (0x20, 0x10) => ("seb", self.trimmed(signed(value, 1))),
            (0x20, 0x18) => ("seh", self.trimmed(signed(value, 2))),
            (0x20, 0x02) => ("wsbh", self.result(swapped(8, BYTES >> 32, value))),
            (0x24, 0x02) => ("dsbh", swapped(8, BYTES, value)),
            (0x24, 0x05) => {
                let halves = swapped(16, HALVES, value);
                ("dshd", rotated_right(halves, 32, 64))
            }
            _ => return Err(UNKNOWN),
        };
        let text = format!("{name} {},{}", self.name(self.rd()), self.name(self.rt()));
        Ok(self.into_rd(text, value))
    }

    /// A constant as registers hold it; the sign of others is kept already.
    fn trimmed(self, value: Expr) -> Expr {
        match value {
            Expr::Const(n) => Expr::Const(self.constant(n)),
            value => value,
        }
    }
}
