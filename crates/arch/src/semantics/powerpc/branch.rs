//! Branches, traps and the condition register.

use super::{CR0, CTR, Found, LR, UNKNOWN, Word};
use crate::semantics::build::{Draft, sign_extend, test};
use crate::{Callee, Cond, Expr, Flow, Test};

impl Word {
    fn target(self, offset: i64) -> u64 {
        if self.bits(1, 1) != 0 {
            offset as u64
        } else {
            self.pc.wrapping_add_signed(offset)
        }
    }

    fn next(self) -> u64 {
        self.pc.wrapping_add(4)
    }

    fn links(self) -> bool {
        self.w & 1 != 0
    }

    /// `b`, `bl` and their absolute forms.
    pub(super) fn branch(self) -> Draft {
        let target = self.target(sign_extend(self.w & 0x03ff_fffc, 26));
        let absolute = if self.bits(1, 1) != 0 { "a" } else { "" };
        if !self.links() {
            let text = format!("b{absolute} {target:#x}");
            return Draft::new(text).flow(Flow::Jump(Some(target)));
        }
        self.call(format!("bl{absolute} {target:#x}"), target)
    }

    fn call(self, text: String, target: u64) -> Draft {
        let draft = Draft::new(text).set(Some(LR), Expr::Const(self.next()));
        if target == self.next() {
            // Not a call: position-independent code asks where it is.
            return draft.flow(Flow::Jump(Some(target)));
        }
        draft.flow(Flow::Call(Callee::At(target)))
    }

    /// A bit of the condition register: less, greater, equal, summary overflow.
    pub(super) fn condition(self, bit: u32, holds: bool) -> Test {
        let cond = match (bit & 3, holds) {
            (0, true) => Cond::LtS,
            (0, false) => Cond::GeS,
            (1, true) => Cond::GtS,
            (1, false) => Cond::LeS,
            (2, true) => Cond::Eq,
            (2, false) => Cond::Ne,
            _ => Cond::Other,
        };
        test(cond, Expr::Reg(self.field(bit >> 2)), Expr::Const(0))
    }

    /// The name of a conditional branch without its `b`, and its first operand if it has one.
    fn condition_text(self, suffix: &str) -> (String, Option<String>) {
        let (bo, bi) = (self.rt(), self.ra());
        let hint = match bo {
            0b00110 | 0b01110 | 0b11000 | 0b11010 => "-",
            0b00111 | 0b01111 | 0b11001 | 0b11011 => "+",
            _ => "",
        };
        let field = (bi >> 2 != 0).then(|| format!("cr{}", bi >> 2));
        let counter = if bo & 2 != 0 { "dz" } else { "dnz" };
        let name = match (bo >> 2 & 1, bo >> 4 & 1) {
            (1, 1) => return (suffix.to_owned(), None),
            (1, _) => match (bi & 3, bo & 8 != 0) {
                (0, true) => "lt",
                (0, false) => "ge",
                (1, true) => "gt",
                (1, false) => "le",
                (2, true) => "eq",
                (2, false) => "ne",
                (_, true) => "so",
                (_, false) => "ns",
            },
            (_, 1) => return (format!("{counter}{suffix}{hint}"), None),
            _ => {
                let sense = if bo & 8 != 0 { "t" } else { "f" };
                let operand = condition_bit(bi);
                return (format!("{counter}{sense}{suffix}{hint}"), Some(operand));
            }
        };
        (format!("{name}{suffix}{hint}"), field)
    }

    /// Whether the condition of the word holds, and whether the counter is decremented: "BO field
    /// encodings", Book I, 2.4. None: always.
    fn decision(self) -> (Option<Test>, bool) {
        let (bo, bi) = (self.rt(), self.ra());
        let counter = Expr::plus(Expr::Reg(CTR), Expr::Const(u64::MAX));
        let cond = if bo & 2 != 0 { Cond::Eq } else { Cond::Ne };
        match (bo >> 2 & 1, bo >> 4 & 1) {
            (1, 1) => (None, false),
            (1, _) => (Some(self.condition(bi, bo & 8 != 0)), false),
            (_, 1) => (Some(test(cond, counter, Expr::Const(0))), true),
            // Both: not one comparison.
            _ => (
                Some(test(Cond::Other, counter, Expr::Reg(self.field(bi >> 2)))),
                true,
            ),
        }
    }

    fn counted(draft: Draft, counts: bool) -> Draft {
        if !counts {
            return draft;
        }
        draft.set(Some(CTR), Expr::plus(Expr::Reg(CTR), Expr::Const(u64::MAX)))
    }

    /// `bc` and its kin.
    pub(super) fn branch_conditional(self) -> Found {
        let target = self.target(sign_extend(self.w & 0xfffc, 16));
        let suffix = match self.w & 3 {
            0 => "",
            1 => "l",
            2 => "a",
            _ => "la",
        };
        let (name, operand) = self.condition_text(suffix);
        let operand = operand
            .map(|operand| format!("{operand},"))
            .unwrap_or_default();
        let text = format!("b{name} {operand}{target:#x}");
        match (self.decision(), self.links()) {
            ((None, _), true) => {
                let bit = condition_bit(self.ra());
                let text = format!("bc{suffix} {},{bit},{target:#x}", self.rt());
                Ok(self.call(text, target))
            }
            ((None, _), false) => {
                Ok(Draft::new(format!("b {target:#x}")).flow(Flow::Jump(Some(target))))
            }
            ((Some(_), _), true) => Err("a call under a condition"),
            ((Some(holds), counts), false) => {
                let draft = Draft::new(text).flow(Flow::Branch(target, holds));
                Ok(Self::counted(draft, counts))
            }
        }
    }

    /// Opcode 19: branches to registers, and the logic of the condition register.
    pub(super) fn branch_register(self) -> Found {
        if self.bits(1, 5) == 2 {
            // `addpcis`: the displacement lies in three pieces.
            let d = self.bits(6, 10) << 6 | self.bits(16, 5) << 1 | self.w & 1;
            let d = sign_extend(d, 16);
            let value = self.next().wrapping_add_signed(d << 16);
            let text = match d {
                0 => format!("lnia {}", self.name(self.rt())),
                _ => format!("addpcis {},{d}", self.name(self.rt())),
            };
            return Ok(Draft::new(text).set(Some(self.reg(self.rt())), Expr::Const(value)));
        }
        match self.bits(1, 10) {
            0 => {
                let (into, from) = (self.bits(23, 3), self.bits(18, 3));
                let value = Expr::Reg(self.field(from));
                Ok(
                    Draft::new(format!("mcrf cr{into},cr{from}"))
                        .set(Some(self.field(into)), value),
                )
            }
            16 => self.to_link(),
            528 => self.to_counter(),
            18 => Ok(Draft::new("rfid").flow(Flow::Jump(None))),
            82 => Ok(Draft::new("rfscv").flow(Flow::Jump(None))),
            274 => Ok(Draft::new("hrfid").flow(Flow::Jump(None))),
            150 => Ok(Draft::new("isync")),
            33 => Ok(self.condition_logic("crnor")),
            129 => Ok(self.condition_logic("crandc")),
            193 => Ok(self.condition_logic("crxor")),
            225 => Ok(self.condition_logic("crnand")),
            257 => Ok(self.condition_logic("crand")),
            289 => Ok(self.condition_logic("creqv")),
            417 => Ok(self.condition_logic("crorc")),
            449 => Ok(self.condition_logic("cror")),
            _ => Err(UNKNOWN),
        }
    }

    /// `bclr`. Where it returns under a condition, what follows is reached when it does not, and
    /// nothing changed then.
    fn to_link(self) -> Found {
        let (name, operand) = self.condition_text(if self.links() { "lrl" } else { "lr" });
        let text = match operand {
            Some(operand) => format!("b{name} {operand}"),
            None => format!("b{name}"),
        };
        match (self.decision(), self.links()) {
            ((None, _), false) => Ok(Draft::new(text).flow(Flow::Return)),
            ((None, _), true) => Ok(Draft::new(text)
                .set(Some(LR), Expr::Const(self.next()))
                .flow(Flow::Call(Callee::Value(Expr::Reg(LR))))),
            ((Some(_), counts), false) => Ok(Self::counted(Draft::new(text), counts)),
            ((Some(_), _), true) => Err("a call under a condition"),
        }
    }

    /// `bcctr`.
    fn to_counter(self) -> Found {
        match (self.decision().0, self.links()) {
            (None, false) => Ok(Draft::new("bctr").flow(Flow::JumpTo(Expr::Reg(CTR)))),
            (None, true) => Ok(Draft::new("bctrl")
                .set(Some(LR), Expr::Const(self.next()))
                .flow(Flow::Call(Callee::Value(Expr::Reg(CTR))))),
            _ => Err("a jump to a register under a condition"),
        }
    }

    /// One bit from two; the field it lies in is not modelled after that.
    fn condition_logic(self, name: &str) -> Draft {
        let bit = condition_bit;
        let (t, a, b) = (self.rt(), self.ra(), self.rb());
        let text = match (name, a == b, t == a) {
            ("crxor", true, true) => format!("crclr {}", bit(t)),
            ("creqv", true, true) => format!("crset {}", bit(t)),
            ("cror", true, _) => format!("crmove {},{}", bit(t), bit(a)),
            ("crnor", true, _) => format!("crnot {},{}", bit(t), bit(a)),
            _ => format!("{name} {},{},{}", bit(t), bit(a), bit(b)),
        };
        Draft::new(text).clobber(&[self.field(t >> 2)])
    }

    /// A trap under a condition is left behind where that does not hold. Always: when every outcome of
    /// the comparison traps, or two equal sides do on equality.
    pub(super) fn trap_flow(self, has_register: bool) -> Flow {
        let conditions = self.rt();
        let same = has_register && self.ra() == self.rb();
        let is_total = conditions & 0b11100 == 0b11100 || conditions & 0b00111 == 0b00111;
        if is_total || same && conditions & 4 != 0 {
            Flow::Trap
        } else {
            Flow::Next
        }
    }

    /// What a store conditional tells of itself.
    pub(super) fn set_by_store(draft: Draft) -> Draft {
        draft.set(
            Some(CR0),
            Expr::Unknown("whether the store conditional succeeded"),
        )
    }
}

/// A bit of the condition register as objdump writes it.
pub(super) fn condition_bit(bit: u32) -> String {
    let name = match bit & 3 {
        0 => "lt",
        1 => "gt",
        2 => "eq",
        _ => "so",
    };
    match bit >> 2 {
        0 => name.to_owned(),
        field => format!("4*cr{field}+{name}"),
    }
}
