//! Values as the source writes them, as far as debug info and the code tell.

use arch::{Expr, Op, Reg};

use crate::origin::Origin;
use crate::view::View;

/// Characters of one text; longer ones help nobody.
const LONGEST: usize = 120;

impl View<'_, '_> {
    /// How the source writes a value before instruction `at`: the name of a variable, a member, a call.
    pub fn text(&self, value: &Expr, at: usize) -> Option<String> {
        self.fresh();
        self.text_within(value, at)
    }

    pub(crate) fn text_within(&self, value: &Expr, at: usize) -> Option<String> {
        if !self.may_ask() {
            return None;
        }
        let text = match value {
            Expr::Reg(reg) => self.register_text(*reg, at)?,
            Expr::Const(number) => self.number_text(*number),
            Expr::Load(load) => {
                let place = self.place_within(&load.address, load.size, load.space, at)?;
                // A part of a member, or several at once, is not the member.
                let path = place.path()?;
                if !path.is_exact || path.bits.is_some() {
                    return None;
                }
                place.text()?
            }
            Expr::Extend { value, .. } => self.text_within(value, at)?,
            Expr::Binary(op, left, right) => {
                // The source's own names for a sum: a variable, or the address of a member.
                if let Some((reg, offset)) = crate::frame::reg_plus(value)
                    && let Some(held) = self.held(reg, at).into_iter().find(|h| h.add == offset)
                {
                    return Some(held.name.to_owned());
                }
                let sign = match op {
                    Op::Add => "+",
                    Op::Sub => "-",
                    Op::Mul => "*",
                    Op::DivU | Op::DivS => "/",
                    Op::And => "&",
                    Op::Or => "|",
                    Op::Xor => "^",
                    Op::Shl => "<<",
                    Op::Shr | Op::Sar => ">>",
                };
                let wrapped = |text: String| match op {
                    Op::Add | Op::Sub => crate::guards::in_sum(text),
                    _ if text.contains(' ') => format!("({text})"),
                    _ => text,
                };
                let left = wrapped(self.text_within(left, at)?);
                if let (Op::Add, Expr::Const(number)) = (op, right.as_ref())
                    && (-4096..0).contains(&number.cast_signed())
                {
                    return Some(format!("{left} - {}", number.cast_signed().unsigned_abs()));
                }
                let right = wrapped(self.text_within(right, at)?);
                format!("{left} {sign} {right}")
            }
            Expr::Select(test, one, zero)
                if **one == Expr::Const(1) && **zero == Expr::Const(0) =>
            {
                self.test_within(test, at, true, 4)?
            }
            Expr::Compare(..) | Expr::Test(..) | Expr::Select(..) | Expr::Unknown(_) => {
                return None;
            }
        };
        (text.len() <= LONGEST).then_some(text)
    }

    fn register_text(&self, reg: Reg, at: usize) -> Option<String> {
        if let Some(held) = self.held(reg, at).into_iter().find(|held| held.add == 0) {
            return Some(held.name.to_owned());
        }
        match self.body.origins(reg, at).as_slice() {
            [Origin::Set(set, value)] => self.text_within(value, *set),
            [Origin::Result(call)] => {
                let call = self.body.nodes.get(*call)?.call.as_ref()?;
                // What a function leaves in a register that returns nothing is not its value.
                (!self.is_void(call)).then_some(())?;
                Some(format!("{}()", self.call_text(call)?))
            }
            [Origin::Entry] => Some(self.parameter(reg)?.0.to_owned()),
            _ => None,
        }
    }

    /// What is called, by its name or by the pointer that leads to it.
    pub(crate) fn call_text(&self, call: &crate::Call) -> Option<String> {
        if let Some(callee) = self.body.callee(self.debug, call).ok().flatten() {
            return Some(callee.name.to_owned());
        }
        match &call.target {
            crate::Target::Value(value) => self.text_within(value, call.at),
            crate::Target::Address(_) => None,
        }
    }

    /// A number: of a function or a variable its name.
    pub(crate) fn number_text(&self, number: u64) -> String {
        if let Some(id) = self.object()
            && let Some(object) = self.debug.object(id)
        {
            if let Ok(Some(symbol)) = object.external_at(number) {
                return symbol.name.to_owned();
            }
            // The variables of each CPU are linked at small numbers.
            let section = object.section_at(number);
            let is_here = section.is_some_and(|section| !section.name.contains("percpu"));
            if is_here
                && let Ok(symbols) = object.symbols_starting_at(number)
                && let Some(symbol) = symbols.first()
                && !symbol.name.is_empty()
            {
                let is_function = object.is_function(symbol);
                return format!("{}{}", if is_function { "" } else { "&" }, symbol.name);
            }
        }
        match number.cast_signed() {
            small @ -4096..=9 => small.to_string(),
            _ => format!("{number:#x}"),
        }
    }
}
