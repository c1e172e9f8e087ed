//! The media instructions (A5.4) that compilers make of plain C: extensions of bytes and halves, bit
//! fields, reversals, division; and the multiplications of halves from the miscellaneous space.

use super::{Found, PC, UNKNOWN, Word};
use crate::semantics::build::{Draft, binary, ones, rotated_right, signed, unsigned, with};
use crate::{Expr, Flow, Op, Reg};

impl Word {
    fn into_rd(self, text: String, value: Expr) -> Found {
        self.plain(self.rd())?;
        Ok(Draft::new(text).set(Some(self.reg(self.rd())), value))
    }

    pub(super) fn media(self) -> Found {
        match (self.bits(20, 5), self.bits(5, 3)) {
            (0b01010 | 0b01011 | 0b01110 | 0b01111, 0b011) => self.extend(),
            (0b01000, 0b000 | 0b010 | 0b100 | 0b110) => self.pack(),
            (0b01011, 0b001) => self.reverse("rev"),
            (0b01011, 0b101) => self.reverse("rev16"),
            (0b01111, 0b001) => self.reverse("rbit"),
            (0b01111, 0b101) => self.reverse("revsh"),
            (0b01010 | 0b01011, 0b000 | 0b010 | 0b100 | 0b110) => self.saturate("ssat", 1),
            (0b01110 | 0b01111, 0b000 | 0b010 | 0b100 | 0b110) => self.saturate("usat", 0),
            (0b10001, 0b000) if self.rd() == PC => self.divide("sdiv", Op::DivS),
            (0b10011, 0b000) if self.rd() == PC => self.divide("udiv", Op::DivU),
            (0b10101, 0b000 | 0b001) => self.multiply_high(),
            (0b11010 | 0b11011, 0b010 | 0b110) => self.field("sbfx"),
            (0b11110 | 0b11111, 0b010 | 0b110) => self.field("ubfx"),
            (0b11100 | 0b11101, 0b000 | 0b100) => self.insert(),
            (0b11111, 0b111) if self.bits(28, 4) == 14 => {
                let code = self.bits(8, 12) << 4 | self.bits(0, 4);
                Ok(Draft::new(format!("udf #{code}")).flow(Flow::Trap))
            }
            _ => Err("an instruction for media"),
        }
    }

    /// `sxtb` to `uxtah`: a byte or a half of a rotated register, perhaps added to another.
    fn extend(self) -> Found {
        let value = self.plain(self.rm())?;
        if self.bits(8, 2) != 0 {
            return Err(UNKNOWN);
        }
        let (is_unsigned, is_half) = (self.bit(22), self.bit(20));
        let size = if is_half { 2 } else { 1 };
        let rotation = 8 * self.bits(10, 2);
        // What is rotated to the bottom is a shift, but where a half comes around.
        let value = match rotation {
            0 => value,
            24 if is_half => rotated_right(value, 24, 32),
            _ => with(Op::Shr, value, rotation.into()),
        };
        let value = if is_unsigned {
            unsigned(value, size)
        } else {
            signed(value, size)
        };
        let kind = if is_unsigned { "uxt" } else { "sxt" };
        let part = if is_half { "h" } else { "b" };
        let turned = match rotation {
            0 => String::new(),
            n => format!(", ror #{n}"),
        };
        let (rd, rm) = (self.name(self.rd()), self.name(self.rm()));
        if self.rn() == PC {
            return self.into_rd(
                format!("{kind}{part}{} {rd}, {rm}{turned}", self.cond()),
                value,
            );
        }
        let text = format!(
            "{kind}a{part}{} {rd}, {}, {rm}{turned}",
            self.cond(),
            self.name(self.rn())
        );
        self.into_rd(text, Expr::plus(self.get(self.rn()), value))
    }

    /// `pkhbt` and `pkhtb`: a half of each.
    fn pack(self) -> Found {
        let (n, m) = (self.plain(self.rn())?, self.plain(self.rm())?);
        let by = self.bits(7, 5);
        let is_top = self.bit(6);
        let by = if is_top && by == 0 { 32 } else { by };
        let (kept, moved, name, shift) = if is_top {
            let moved = with(Op::And, with(Op::Sar, signed(m, 4), by.into()), 0xffff);
            (with(Op::And, n, 0xffff_0000), moved, "pkhtb", "asr")
        } else {
            let moved = with(Op::And, with(Op::Shl, m, by.into()), 0xffff_0000);
            (with(Op::And, n, 0xffff), moved, "pkhbt", "lsl")
        };
        let shift = match by {
            0 => String::new(),
            by => format!(", {shift} #{by}"),
        };
        let (rd, rn, rm) = (
            self.name(self.rd()),
            self.name(self.rn()),
            self.name(self.rm()),
        );
        self.into_rd(
            format!("{name}{} {rd}, {rn}, {rm}{shift}", self.cond()),
            binary(Op::Or, kept, moved),
        )
    }

    fn reverse(self, name: &str) -> Found {
        if self.bits(16, 4) != 15 || self.bits(8, 4) != 15 {
            return Err(UNKNOWN);
        }
        let value = self.plain(self.rm())?;
        const BYTES: u64 = 0x00ff_00ff;
        let swapped = |value: Expr| {
            let up = with(Op::Shl, with(Op::And, value.clone(), BYTES), 8);
            binary(Op::Or, up, with(Op::And, with(Op::Shr, value, 8), BYTES))
        };
        let value = match name {
            "rev" => rotated_right(swapped(value), 16, 32),
            "rev16" => swapped(value),
            "revsh" => signed(swapped(value), 2),
            _ => Expr::Unknown("the bits in reverse"),
        };
        let text = format!(
            "{name}{} {}, {}",
            self.cond(),
            self.name(self.rd()),
            self.name(self.rm())
        );
        self.into_rd(text, value)
    }

    fn saturate(self, name: &str, more: u32) -> Found {
        self.plain(self.rm())?;
        let limit = self.bits(16, 5) + more;
        let shift = match (self.bit(6), self.bits(7, 5)) {
            (false, 0) => String::new(),
            (false, n) => format!(", lsl #{n}"),
            (true, 0) => ", asr #32".to_owned(),
            (true, n) => format!(", asr #{n}"),
        };
        let (rd, rm) = (self.name(self.rd()), self.name(self.rm()));
        let text = format!("{name}{} {rd}, #{limit}, {rm}{shift}", self.cond());
        self.into_rd(text, Expr::Unknown("a saturated value"))
    }

    /// The quotient of a division by zero is defined, but not here: no value is claimed for it.
    fn divide(self, name: &str, op: Op) -> Found {
        let (d, m, s) = (self.rn(), self.rm(), self.rs());
        for n in [d, m, s] {
            self.plain(n)?;
        }
        let number = |n| {
            if op == Op::DivS {
                self.s32(n)
            } else {
                self.u32(n)
            }
        };
        let text = format!(
            "{name}{} {}, {}, {}",
            self.cond(),
            self.name(d),
            self.name(m),
            self.name(s)
        );
        Ok(Draft::new(text).set(Some(self.reg(d)), binary(op, number(m), number(s))))
    }

    /// `smmul` and `smmla`: the upper half of a product, rounded or not.
    fn multiply_high(self) -> Found {
        let (d, a) = (self.rn(), self.rd());
        let (m, s) = (self.rm(), self.rs());
        for n in [d, m, s] {
            self.plain(n)?;
        }
        let mut value = binary(Op::Mul, self.s32(m), self.s32(s));
        let mut name = "smmul";
        let mut last = String::new();
        if a != PC {
            value = Expr::plus(with(Op::Shl, self.get(a), 32), value);
            name = "smmla";
            last = format!(", {}", self.name(a));
        }
        let round = if self.bit(5) { "r" } else { "" };
        if self.bit(5) {
            value = with(Op::Add, value, 0x8000_0000);
        }
        let operands = format!("{}, {}, {}{last}", self.name(d), self.name(m), self.name(s));
        let text = format!("{name}{round}{} {operands}", self.cond());
        Ok(Draft::new(text).set(Some(self.reg(d)), with(Op::Shr, value, 32)))
    }

    /// `sbfx` and `ubfx`.
    fn field(self, name: &str) -> Found {
        let (low, width) = (self.bits(7, 5), self.bits(16, 5) + 1);
        if low + width > 32 {
            return Err(UNKNOWN);
        }
        let value = self.plain(self.rm())?;
        let value = match (name, width) {
            ("ubfx", 8 | 16) => unsigned(with(Op::Shr, value, low.into()), (width / 8) as u8),
            ("ubfx", _) => with(Op::And, with(Op::Shr, value, low.into()), ones(width)),
            (_, 8 | 16) => signed(with(Op::Shr, value, low.into()), (width / 8) as u8),
            _ => {
                let up = with(Op::Shl, value, u64::from(64 - low - width));
                with(Op::Sar, up, u64::from(64 - width))
            }
        };
        let (rd, rm) = (self.name(self.rd()), self.name(self.rm()));
        self.into_rd(
            format!("{name}{} {rd}, {rm}, #{low}, #{width}", self.cond()),
            value,
        )
    }

    /// `bfi` and `bfc`.
    fn insert(self) -> Found {
        let (low, high) = (self.bits(7, 5), self.bits(16, 5));
        let Some(width) = (high + 1).checked_sub(low).filter(|width| *width > 0) else {
            return Err(UNKNOWN);
        };
        let mask = ones(width) << low;
        let rd = self.name(self.rd());
        let kept = with(Op::And, self.get(self.rd()), !mask);
        if self.rm() == PC {
            return self.into_rd(format!("bfc{} {rd}, #{low}, #{width}", self.cond()), kept);
        }
        let field = with(
            Op::Shl,
            with(Op::And, self.get(self.rm()), ones(width)),
            low.into(),
        );
        let rm = self.name(self.rm());
        let text = format!("bfi{} {rd}, {rm}, #{low}, #{width}", self.cond());
        self.into_rd(text, binary(Op::Or, kept, field))
    }

    /// `smulbb` and its kin: halves of registers multiplied. The flag that tells an overflow of the
    /// sum is not among those that conditions test.
    pub(super) fn multiply_halves(self) -> Found {
        let (d, a, m, s) = (self.rn(), self.rd(), self.rm(), self.rs());
        for n in [d, m, s] {
            self.plain(n)?;
        }
        let half = |n, is_top: bool| match is_top {
            true => with(Op::Sar, self.s32(n), 16),
            false => signed(self.get(n), 2),
        };
        let letter = |is_top: bool| if is_top { "t" } else { "b" };
        let (x, y) = (self.bit(5), self.bit(6));
        let (name, value, adds) = match self.bits(21, 2) {
            0b11 if a == 0 => {
                let name = format!("smul{}{}", letter(x), letter(y));
                (name, binary(Op::Mul, half(m, x), half(s, y)), false)
            }
            0b00 => {
                let name = format!("smla{}{}", letter(x), letter(y));
                (name, binary(Op::Mul, half(m, x), half(s, y)), true)
            }
            0b01 => {
                let product = with(Op::Sar, binary(Op::Mul, self.s32(m), half(s, y)), 16);
                let name = if x { "smulw" } else { "smlaw" };
                if x && a != 0 {
                    return Err(UNKNOWN);
                }
                (format!("{name}{}", letter(y)), product, !x)
            }
            _ => return Err("a product of halves added to 64 bits"),
        };
        let operands = format!("{}, {}, {}", self.name(d), self.name(m), self.name(s));
        if adds {
            let value = Expr::plus(value, self.plain(a)?);
            let text = format!("{name}{} {operands}, {}", self.cond(), self.name(a));
            return Ok(Draft::new(text).set(Some(self.reg(d)), value));
        }
        Ok(Draft::new(format!("{name}{} {operands}", self.cond()))
            .set(Some(Reg(self.name(d))), value))
    }
}
