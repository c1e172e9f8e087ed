//! Opcode 31: arithmetic between registers, special registers, storage control.

use super::branch::condition_bit;
use super::{CTR, FLOAT, Found, LR, UNKNOWN, Word, XER, trap_name};
use crate::semantics::build::{
    Draft, binary, not, remainder, select, signed, test, unsigned, with,
};
use crate::{Cond, Expr, Op, Reg};

const COUNT: Expr = Expr::Unknown("a count of bits");
const CARRY: Expr = Expr::Unknown("the carry");

/// A 32-bit result whose upper half the manual leaves undefined.
fn lower_half(value: Expr) -> Expr {
    let upper = Expr::Unknown("the upper half is undefined");
    binary(Op::Or, unsigned(value, 4), with(Op::Shl, upper, 32))
}

impl Word {
    pub(super) fn extended(self) -> Found {
        if self.bits(1, 5) == 15 {
            return Ok(self.select());
        }
        match self.bits(1, 10) {
            0 | 32 => {
                let (name, is_signed) = if self.bits(6, 1) == 0 {
                    ("cmp", true)
                } else {
                    ("cmpl", false)
                };
                let other = self.get(self.rb());
                self.compare(name, ["w", "d"], is_signed, other, self.name(self.rb()))
            }
            4 | 68 => Ok(self.trap_register()),
            826 | 827 => {
                let by = self.rb() | self.bits(1, 1) << 5;
                let value = with(Op::Sar, self.get(self.rt()), by.into());
                let text = format!("{},{by}", self.logical_text("sradi"));
                Ok(self.result(text, self.ra(), value).clobber(&[XER]))
            }
            890 | 891 => {
                let by = self.rb() | self.bits(1, 1) << 5;
                let value = with(Op::Shl, self.s32(self.rt()), by.into());
                Ok(self.result(
                    format!("{},{by}", self.logical_text("extswsli")),
                    self.ra(),
                    value,
                ))
            }
            20 | 21 | 23 | 52 | 53 | 55 | 84 | 87 | 116 | 119 | 149 | 150 | 151 | 181 | 183
            | 214 | 215 | 247 | 279 | 311 | 341 | 343 | 373 | 375 | 407 | 439 | 532 | 534 | 535
            | 599 | 660 | 662 | 663 | 694 | 726 | 727 | 790 | 918 => self.indexed(),
            19 | 144 | 339 | 467 | 371 | 83 | 146 | 178 | 128 => self.special(),
            54 | 86 | 246 | 278 | 470 | 982 | 1014 => self.storage(),
            30 | 274 | 306 | 338 | 402 | 434 | 498 | 566 | 598 | 854 => self.ordering(),
            _ => self.arithmetic(),
        }
    }

    /// `isel`.
    fn select(self) -> Draft {
        let bit = self.bits(6, 5);
        let (rt, rb) = (self.name(self.rt()), self.name(self.rb()));
        let operands = format!("{rt},{},{rb}", self.base_name());
        let text = match bit {
            0 => format!("isellt {operands}"),
            1 => format!("iselgt {operands}"),
            2 => format!("iseleq {operands}"),
            _ => format!("isel {operands},{}", condition_bit(bit)),
        };
        let value = select(self.condition(bit, true), self.base(), self.get(self.rb()));
        Draft::new(text).set(Some(self.reg(self.rt())), value)
    }

    fn trap_register(self) -> Draft {
        let letter = if self.bits(1, 10) == 4 { 'w' } else { 'd' };
        let operands = format!("{},{}", self.name(self.ra()), self.name(self.rb()));
        let text = match trap_name(self.rt()) {
            Some("u") if letter == 'w' && self.ra() == 0 && self.rb() == 0 => "trap".to_owned(),
            Some(name) => format!("t{letter}{name} {operands}"),
            None => format!("t{letter} {},{operands}", self.rt()),
        };
        Draft::new(text).flow(self.trap_flow(true))
    }

    fn logical_text(self, name: &str) -> String {
        format!(
            "{name}{} {},{}",
            self.dot(),
            self.name(self.ra()),
            self.name(self.rt())
        )
    }

    /// `name rt,ra,rb`.
    fn sum(self, name: &str, value: Expr) -> Found {
        let (rt, ra, rb) = (
            self.name(self.rt()),
            self.name(self.ra()),
            self.name(self.rb()),
        );
        Ok(self.result(
            format!("{name}{} {rt},{ra},{rb}", self.dot()),
            self.rt(),
            value,
        ))
    }

    /// `name rt,ra`.
    fn unary(self, name: &str, value: Expr) -> Found {
        let text = format!(
            "{name}{} {},{}",
            self.dot(),
            self.name(self.rt()),
            self.name(self.ra())
        );
        Ok(self.result(text, self.rt(), value))
    }

    /// `name ra,rs,rb`.
    fn logical(self, name: &str, value: Expr) -> Found {
        let text = format!("{},{}", self.logical_text(name), self.name(self.rb()));
        Ok(self.result(text, self.ra(), value))
    }

    /// `name ra,rs`.
    fn logical_unary(self, name: &str, value: Expr) -> Found {
        if self.rb() != 0 {
            return Err(UNKNOWN);
        }
        Ok(self.result(self.logical_text(name), self.ra(), value))
    }

    /// The rest: the names of `extended` have a form of their own. Forms that record overflow
    /// (bit 10) are not among them; compilers do not use them.
    fn arithmetic(self) -> Found {
        let (a, b, s) = (
            self.get(self.ra()),
            self.get(self.rb()),
            self.get(self.rt()),
        );
        let (sa, sb) = (self.s32(self.ra()), self.s32(self.rb()));
        let (ua, ub) = (self.u32(self.ra()), self.u32(self.rb()));
        let wide = Expr::Unknown("the upper half of a 128-bit product");
        let product = |a, b| lower_half(with(Op::Shr, binary(Op::Mul, a, b), 32));
        let carried = |draft: Found| draft.map(|draft| draft.clobber(&[XER]));
        let code = self.bits(1, 10);
        // These have no form that records.
        if self.rc() && matches!(code, 122 | 265 | 267 | 378 | 506 | 508 | 777 | 779) {
            return Err(UNKNOWN);
        }
        match code {
            266 => self.sum("add", binary(Op::Add, a, b)),
            40 => self.sum("subf", binary(Op::Sub, b, a)),
            104 if self.rb() == 0 => self.unary("neg", binary(Op::Sub, Expr::Const(0), a)),
            10 => carried(self.sum("addc", binary(Op::Add, a, b))),
            8 => carried(self.sum("subfc", binary(Op::Sub, b, a))),
            138 => carried(self.sum("adde", Expr::plus(Expr::plus(a, b), CARRY))),
            136 => carried(self.sum("subfe", Expr::plus(Expr::plus(not(a), b), CARRY))),
            202 if self.rb() == 0 => carried(self.unary("addze", Expr::plus(a, CARRY))),
            200 if self.rb() == 0 => carried(self.unary("subfze", Expr::plus(not(a), CARRY))),
            234 if self.rb() == 0 => {
                carried(self.unary("addme", Expr::plus(with(Op::Sub, a, 1), CARRY)))
            }
            232 if self.rb() == 0 => {
                carried(self.unary("subfme", Expr::plus(with(Op::Sub, not(a), 1), CARRY)))
            }
            235 => self.sum("mullw", binary(Op::Mul, sa, sb)),
            233 => self.sum("mulld", binary(Op::Mul, a, b)),
            75 => self.sum("mulhw", product(sa, sb)),
            11 => self.sum("mulhwu", product(ua, ub)),
            73 => self.sum("mulhd", wide),
            9 => self.sum("mulhdu", wide),
            491 => self.sum("divw", lower_half(binary(Op::DivS, sa, sb))),
            459 => self.sum("divwu", lower_half(binary(Op::DivU, ua, ub))),
            489 => self.sum("divd", binary(Op::DivS, a, b)),
            457 => self.sum("divdu", binary(Op::DivU, a, b)),
            779 => self.sum("modsw", lower_half(remainder(Op::DivS, sa, sb))),
            267 => self.sum("moduw", lower_half(remainder(Op::DivU, ua, ub))),
            777 => self.sum("modsd", remainder(Op::DivS, a, b)),
            265 => self.sum("modud", remainder(Op::DivU, a, b)),
            28 => self.and("and", s, b),
            60 => self.logical("andc", binary(Op::And, s, not(b))),
            444 => self.or(),
            412 => self.logical("orc", binary(Op::Or, s, not(b))),
            316 => self.logical("xor", binary(Op::Xor, s, b)),
            284 => self.logical("eqv", not(binary(Op::Xor, s, b))),
            476 => self.logical("nand", not(binary(Op::And, s, b))),
            124 if self.rt() == self.rb() => {
                Ok(self.result(self.logical_text("not"), self.ra(), not(s)))
            }
            124 => self.logical("nor", not(binary(Op::Or, s, b))),
            954 => self.logical_unary("extsb", signed(s, 1)),
            922 => self.logical_unary("extsh", signed(s, 2)),
            986 => self.logical_unary("extsw", signed(s, 4)),
            26 => self.logical_unary("cntlzw", COUNT),
            58 => self.logical_unary("cntlzd", COUNT),
            538 => self.logical_unary("cnttzw", COUNT),
            570 => self.logical_unary("cnttzd", COUNT),
            122 => self.logical_unary("popcntb", COUNT),
            378 => self.logical_unary("popcntw", COUNT),
            506 => self.logical_unary("popcntd", COUNT),
            508 => self.logical("cmpb", Expr::Unknown("which bytes are equal")),
            // Of a word, six bits of the count tell: from 32 on nothing remains but the sign.
            24 => self.logical("slw", unsigned(binary(Op::Shl, s, with(Op::And, b, 63)), 4)),
            536 => self.logical("srw", binary(Op::Shr, unsigned(s, 4), with(Op::And, b, 63))),
            792 => {
                carried(self.logical("sraw", binary(Op::Sar, signed(s, 4), with(Op::And, b, 63))))
            }
            824 => {
                let text = format!("{},{}", self.logical_text("srawi"), self.rb());
                let value = with(Op::Sar, signed(s, 4), self.rb().into());
                carried(Ok(self.result(text, self.ra(), value)))
            }
            27 => self.logical("sld", past_64(Op::Shl, s, b, Expr::Const(0))),
            539 => self.logical("srd", past_64(Op::Shr, s, b, Expr::Const(0))),
            794 => {
                let sign = with(Op::Sar, s.clone(), 63);
                carried(self.logical("srad", past_64(Op::Sar, s, b, sign)))
            }
            51 | 115 | 179 | 211 | 243 | 307 | 371..=374 => Err(FLOAT),
            _ => Err(UNKNOWN),
        }
    }

    fn and(self, name: &str, s: Expr, b: Expr) -> Found {
        let text = format!("{},{}", self.logical_text(name), self.name(self.rb()));
        let value = binary(Op::And, s.clone(), b.clone());
        let tested = Expr::Test(Box::new(s), Box::new(b));
        Ok(self.recorded(
            Draft::new(text).set(Some(self.reg(self.ra())), value),
            tested,
        ))
    }

    /// `or`, which is a move of a register, and a hint when that is to itself.
    fn or(self) -> Found {
        let (rs, ra, rb) = (self.rt(), self.ra(), self.rb());
        if rs != rb {
            return self.logical("or", binary(Op::Or, self.get(rs), self.get(rb)));
        }
        if rs == ra && !self.rc() {
            return Ok(Draft::new(self.logical_text("mr")));
        }
        Ok(self.result(self.logical_text("mr"), ra, self.get(rs)))
    }

    /// Special registers and the condition register as a whole.
    fn special(self) -> Found {
        let rt = self.rt();
        let name = self.name(rt);
        let into = Some(self.reg(rt));
        match self.bits(1, 10) {
            19 => {
                let text = match self.bits(20, 1) {
                    0 => format!("mfcr {name}"),
                    _ => format!("mfocrf {name},{}", self.bits(12, 8)),
                };
                Ok(Draft::new(text).set(into, Expr::Unknown("the condition register")))
            }
            144 => {
                let fields = self.bits(12, 8);
                let text = match (self.bits(20, 1), fields) {
                    (0, 0xff) => format!("mtcr {name}"),
                    (0, _) => format!("mtcrf {fields},{name}"),
                    _ => format!("mtocrf {fields},{name}"),
                };
                let changed: Vec<Reg> = (0..8)
                    .filter(|n| fields >> (7 - n) & 1 != 0)
                    .map(|n| self.field(n))
                    .collect();
                Ok(Draft::new(text).clobber(&changed))
            }
            339 => {
                let (spr, value) = self.special_register();
                Ok(Draft::new(match spr {
                    Special::Named(spr) => format!("mf{spr} {name}"),
                    Special::Number(number) => format!("mfspr {name},{number}"),
                })
                .set(into, value))
            }
            467 => {
                let (spr, value) = self.special_register();
                let draft = Draft::new(match spr {
                    Special::Named(spr) => format!("mt{spr} {name}"),
                    Special::Number(number) => format!("mtspr {number},{name}"),
                });
                Ok(match value {
                    Expr::Reg(XER) => draft.set(Some(XER), self.u32(rt)),
                    Expr::Reg(reg) => draft.set(Some(reg), self.get(rt)),
                    _ => draft,
                })
            }
            371 => Ok(Draft::new(format!("mftb {name}")).set(into, Expr::Unknown("the time base"))),
            83 => {
                let value = Expr::Unknown("the machine state register");
                Ok(Draft::new(format!("mfmsr {name}")).set(into, value))
            }
            146 => Ok(Draft::new(format!("mtmsr {name}"))),
            178 => Ok(Draft::new(match self.bits(16, 1) {
                0 => format!("mtmsrd {name}"),
                _ => format!("mtmsrd {name},1"),
            })),
            // `setb`: -1, 1 or 0 by a field.
            _ => {
                let bit = self.bits(18, 3) << 2;
                let greater = select(
                    self.condition(bit | 1, true),
                    Expr::Const(1),
                    Expr::Const(0),
                );
                let value = select(self.condition(bit, true), Expr::Const(u64::MAX), greater);
                Ok(Draft::new(format!("setb {name},cr{}", bit >> 2)).set(into, value))
            }
        }
    }

    /// The two halves of the number are swapped in the word.
    fn special_register(self) -> (Special, Expr) {
        let number = self.bits(16, 5) | self.bits(11, 5) << 5;
        let reg = match number {
            1 => Some(XER),
            8 => Some(LR),
            9 => Some(CTR),
            _ => None,
        };
        match reg {
            Some(reg) => (Special::Named(reg.0), Expr::Reg(reg)),
            None => (
                Special::Number(number),
                Expr::Unknown("a special register of the CPU"),
            ),
        }
    }

    fn storage(self) -> Found {
        let name = match self.bits(1, 10) {
            54 => "dcbst",
            86 => "dcbf",
            246 => "dcbtst",
            278 => "dcbt",
            470 => "dcbi",
            982 => "icbi",
            _ => return Err("it writes as much as a cache block has"),
        };
        Ok(self.cache(name))
    }

    fn ordering(self) -> Found {
        let rb = self.name(self.rb());
        Ok(Draft::new(match (self.bits(1, 10), self.bits(21, 2)) {
            (598, 0) => "hwsync".to_owned(),
            (598, 1) => "lwsync".to_owned(),
            (598, 2) => "ptesync".to_owned(),
            (854, _) => "eieio".to_owned(),
            (566, _) => "tlbsync".to_owned(),
            (30, _) => "wait".to_owned(),
            (274, _) => format!("tlbiel {rb}"),
            (306, _) => format!("tlbie {rb}"),
            (402, _) => format!("slbmte {},{rb}", self.name(self.rt())),
            (434, _) => format!("slbie {rb}"),
            (498, _) => "slbia".to_owned(),
            _ => return Err(UNKNOWN),
        }))
    }
}

enum Special {
    Named(&'static str),
    Number(u32),
}

/// A shift of 64 bits by a register, of which seven bits count: from 64 on `past` remains.
fn past_64(op: Op, value: Expr, by: Expr, past: Expr) -> Expr {
    let is_within = test(Cond::Eq, with(Op::And, by.clone(), 64), Expr::Const(0));
    select(is_within, binary(op, value, with(Op::And, by, 63)), past)
}
