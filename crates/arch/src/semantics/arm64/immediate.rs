//! Data processing with an immediate number (Arm ARM C4.1.92).

use super::{Code, ZERO, held, name, name_or_sp, side, size, value, value_or_sp, x, x_or_sp};
use crate::semantics::build::{Draft, binary, ones, rotated_right, with};
use crate::semantics::width::{widened, zero_extended};
use crate::{Expr, Op, Reg};

impl Code {
    pub(super) fn immediate(self) -> Option<Draft> {
        match self.bits(23, 3) {
            0b000 | 0b001 => self.page(),
            0b010 => self.add_immediate(),
            0b100 => self.logic_immediate(),
            0b101 => self.move_wide(),
            0b110 => self.bit_field(),
            0b111 => self.extract(),
            _ => None,
        }
    }

    /// `adr`, `adrp`.
    fn page(self) -> Option<Draft> {
        let offset = self.signed(5, 19) << 2 | i64::from(self.bits(29, 2));
        let (word, target) = if self.wide() {
            (
                "adrp",
                (self.address & !0xfff).wrapping_add((offset << 12) as u64),
            )
        } else {
            ("adr", self.address.wrapping_add(offset as u64))
        };
        let rd = self.rd();
        let text = format!("{word} {}, {target:x}", name(rd, true));
        Some(Draft::new(text).set(x(rd), Expr::Const(target)))
    }

    fn add_immediate(self) -> Option<Draft> {
        let (wide, subtract, flags) = (self.wide(), self.bit(30), self.bit(29));
        let (rd, rn, shown, shifted) = (self.rd(), self.rn(), self.bits(10, 12), self.bit(22));
        let number = u64::from(shown) << if shifted { 12 } else { 0 };
        let added = if subtract {
            number.wrapping_neg()
        } else {
            number
        };
        let shift = if shifted { ", lsl #12" } else { "" };
        let source = name_or_sp(rn, wide);
        let text = match (subtract, flags) {
            (true, true) if rd == 31 => format!("cmp {source}, #{shown:#x}{shift}"),
            (false, true) if rd == 31 => format!("cmn {source}, #{shown:#x}{shift}"),
            (false, false) if shown == 0 && !shifted && (rd == 31 || rn == 31) => {
                format!("mov {}, {source}", name_or_sp(rd, wide))
            }
            _ => {
                let word = match (subtract, flags) {
                    (false, false) => "add",
                    (false, true) => "adds",
                    (true, false) => "sub",
                    (true, true) => "subs",
                };
                let into = if flags {
                    name(rd, wide)
                } else {
                    name_or_sp(rd, wide)
                };
                format!("{word} {into}, {source}, #{shown:#x}{shift}")
            }
        };
        let sum = held(Expr::plus(value_or_sp(rn), Expr::Const(added)), wide);
        let draft = Draft::new(text);
        if !flags {
            return Some(draft.set(Some(x_or_sp(rd)), sum));
        }
        let outcome = if subtract {
            compare(side(value_or_sp(rn), wide), Expr::Const(number))
        } else if number == 0 {
            // Adding nothing carries nothing, comparing with nothing is never below.
            Expr::Unknown("flags of a sum")
        } else {
            compare(
                side(value_or_sp(rn), wide),
                Expr::Const(number.wrapping_neg()),
            )
        };
        Some(draft.set(x(rd), sum).set(Some(Reg::FLAGS), outcome))
    }

    fn logic_immediate(self) -> Option<Draft> {
        let (wide, rd, rn) = (self.wide(), self.rd(), self.rn());
        if !wide && self.bit(22) {
            return None;
        }
        let mask = bit_mask(self.bit(22), self.bits(10, 6), self.bits(16, 6))?;
        let mask = if wide { mask } else { mask & 0xffff_ffff };
        let (op, word) = match self.bits(29, 2) {
            0 => (Op::And, "and"),
            1 => (Op::Or, "orr"),
            2 => (Op::Xor, "eor"),
            _ => {
                let outcome = Expr::Test(
                    Box::new(side(value(rn), wide)),
                    Box::new(side(Expr::Const(mask), wide)),
                );
                let masked = held(with(Op::And, value(rn), mask), wide);
                let source = name(rn, wide);
                let text = if rd == 31 {
                    format!("tst {source}, #{mask:#x}")
                } else {
                    format!("ands {}, {source}, #{mask:#x}", name(rd, wide))
                };
                return Some(
                    Draft::new(text)
                        .set(x(rd), masked)
                        .set(Some(Reg::FLAGS), outcome),
                );
            }
        };
        let into = name_or_sp(rd, wide);
        let text = if op == Op::Or && rn == 31 && !move_wide_preferred(mask, wide) {
            format!("mov {into}, #{mask:#x}")
        } else {
            format!("{word} {into}, {}, #{mask:#x}", name(rn, wide))
        };
        let result = held(with(op, value(rn), mask), wide);
        Some(Draft::new(text).set(Some(x_or_sp(rd)), result))
    }

    /// `movz`, `movn`, `movk`.
    fn move_wide(self) -> Option<Draft> {
        let (wide, rd, half) = (self.wide(), self.rd(), self.bits(21, 2));
        let shift = half * 16;
        if !wide && half > 1 {
            return None;
        }
        let part = self.bits(5, 16);
        let number = u64::from(part) << shift;
        let into = name(rd, wide);
        let raw = |word| {
            let shift = if shift > 0 {
                format!(", lsl #{shift}")
            } else {
                String::new()
            };
            format!("{word} {into}, #{part:#x}{shift}")
        };
        let (text, result) = match self.bits(29, 2) {
            0b00 => {
                let result = held(Expr::Const(!number), wide);
                let alias = !(part == 0 && half != 0) && (wide || part != 0xffff);
                match &result {
                    Expr::Const(number) if alias => (format!("mov {into}, #{number:#x}"), result),
                    _ => (raw("movn"), result),
                }
            }
            0b10 if part == 0 && half != 0 => (raw("movz"), ZERO),
            0b10 => (format!("mov {into}, #{number:#x}"), Expr::Const(number)),
            0b11 => {
                let kept = with(Op::And, value(rd), !(0xffff << shift));
                (raw("movk"), held(with(Op::Or, kept, number), wide))
            }
            _ => return None,
        };
        Some(Draft::new(text).set(x(rd), result))
    }

    /// `ubfm`, `sbfm`, `bfm`, which nobody calls by these names.
    fn bit_field(self) -> Option<Draft> {
        let (wide, rd, rn) = (self.wide(), self.rd(), self.rn());
        let (rotate, last) = (self.bits(16, 6), self.bits(10, 6));
        let bits = if wide { 64 } else { 32 };
        if self.bit(22) != wide || rotate >= bits || last >= bits {
            return None;
        }
        let (into, source) = (name(rd, wide), name(rn, wide));
        // Bits `rotate..=last` come down, or bits `0..=last` go up by `bits - rotate`.
        let up = last < rotate;
        let (place, width) = if up {
            (bits - rotate, last + 1)
        } else {
            (rotate, last + 1 - rotate)
        };
        let fields = format!("#{place}, #{width}");
        let (text, result) = match self.bits(29, 2) {
            0b00 => {
                let narrow = name(rn, false);
                let text = match (rotate, last) {
                    _ if last == bits - 1 => format!("asr {into}, {source}, #{rotate}"),
                    (0, 7) => format!("sxtb {into}, {narrow}"),
                    (0, 15) => format!("sxth {into}, {narrow}"),
                    (0, 31) => format!("sxtw {into}, {narrow}"),
                    _ if up => format!("sbfiz {into}, {source}, {fields}"),
                    _ => format!("sbfx {into}, {source}, {fields}"),
                };
                let field = if up {
                    with(Op::Shl, low(value(rn), width, true), place.into())
                } else if rotate == 0 {
                    low(value(rn), width, true)
                } else if last == 31 || last == 63 {
                    with(Op::Sar, low(value(rn), last + 1, true), rotate.into())
                } else {
                    let top = with(Op::Shl, value(rn), (63 - last).into());
                    with(Op::Sar, top, (63 - last + rotate).into())
                };
                (text, held(field, wide))
            }
            0b10 => {
                let text = match (rotate, last) {
                    _ if last == bits - 1 => format!("lsr {into}, {source}, #{rotate}"),
                    _ if last + 1 == rotate => format!("lsl {into}, {source}, #{place}"),
                    (0, 7) if !wide => format!("uxtb {into}, {source}"),
                    (0, 15) if !wide => format!("uxth {into}, {source}"),
                    _ if up => format!("ubfiz {into}, {source}, {fields}"),
                    _ => format!("ubfx {into}, {source}, {fields}"),
                };
                let field = if up && last + 1 == rotate {
                    // What is shifted out needs no mask.
                    with(Op::Shl, value(rn), place.into())
                } else if up {
                    with(Op::Shl, low(value(rn), width, false), place.into())
                } else if last == 31 || last == 63 {
                    with(
                        Op::Shr,
                        zero_extended(value(rn), size(last == 63)),
                        rotate.into(),
                    )
                } else {
                    low(with(Op::Shr, value(rn), rotate.into()), width, false)
                };
                (text, held(field, wide))
            }
            0b01 => {
                let text = match up {
                    true if rn == 31 => format!("bfc {into}, {fields}"),
                    true => format!("bfi {into}, {source}, {fields}"),
                    false => format!("bfxil {into}, {source}, {fields}"),
                };
                let mask = ones(width);
                let (mask, field) = if up {
                    let field = with(Op::And, value(rn), mask);
                    (mask << place, with(Op::Shl, field, place.into()))
                } else {
                    let field = with(Op::Shr, value(rn), place.into());
                    (mask, with(Op::And, field, mask))
                };
                let kept = with(Op::And, value(rd), !mask);
                (text, held(binary(Op::Or, kept, field), wide))
            }
            _ => return None,
        };
        Some(Draft::new(text).set(x(rd), result))
    }

    /// `extr`, `ror`.
    fn extract(self) -> Option<Draft> {
        let (wide, rd, rn, rm) = (self.wide(), self.rd(), self.rn(), self.rm());
        let (lsb, bits) = (self.bits(10, 6), if wide { 64 } else { 32 });
        let fixed = self.bits(29, 2) == 0 && !self.bit(21);
        if !fixed || self.bit(22) != wide || lsb >= bits {
            return None;
        }
        let (into, first) = (name(rd, wide), name(rn, wide));
        let (text, result) = if rn == rm {
            (
                format!("ror {into}, {first}, #{lsb}"),
                rotated_right(value(rn), lsb, bits),
            )
        } else {
            let down = with(Op::Shr, widened(value(rm), size(wide), false), lsb.into());
            let result = match lsb {
                0 => down,
                lsb => binary(Op::Or, with(Op::Shl, value(rn), (bits - lsb).into()), down),
            };
            (
                format!("extr {into}, {first}, {}, #{lsb}", name(rm, wide)),
                result,
            )
        };
        Some(Draft::new(text).set(x(rd), held(result, wide)))
    }
}

/// The lowest bits of the value, extended to 64.
fn low(value: Expr, bits: u32, signed: bool) -> Expr {
    match (bits, signed) {
        (8 | 16 | 32 | 64, _) => widened(value, (bits / 8) as u8, signed),
        (_, false) => with(Op::And, value, ones(bits)),
        (_, true) => {
            let rest = u64::from(64 - bits);
            with(Op::Sar, with(Op::Shl, value, rest), rest)
        }
    }
}

pub(super) fn compare(left: Expr, right: Expr) -> Expr {
    Expr::Compare(Box::new(left), Box::new(right))
}

/// `DecodeBitMasks` (Arm ARM J1.1): runs of ones, repeated in elements of 2 to 64 bits.
fn bit_mask(wide: bool, last: u32, rotate: u32) -> Option<u64> {
    let length = (u32::from(wide) << 6 | !last & 0x3f).checked_ilog2()?;
    if length == 0 {
        return None;
    }
    let bits = 1u32 << length;
    let (last, rotate) = (last & (bits - 1), rotate & (bits - 1));
    if last == bits - 1 {
        return None;
    }
    let run = ones(last + 1);
    let element = match rotate {
        0 => run,
        rotate => (run >> rotate | run << (bits - rotate)) & ones(bits),
    };
    Some((0..64 / bits).fold(0, |mask, n| mask | element << (n * bits)))
}

/// Whether `movz` or `movn` give the same number (`MoveWidePreferred`, J1.1), so that the text is `orr`.
fn move_wide_preferred(number: u64, wide: bool) -> bool {
    let halves = if wide { 4 } else { 2 };
    let all = ones(halves * 16);
    (0..halves).any(|half| {
        let part = 0xffff << (half * 16);
        number & !part == 0 || !number & all & !part == 0
    })
}
