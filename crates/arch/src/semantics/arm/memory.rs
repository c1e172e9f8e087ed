//! Loads and stores of one, two and many registers, and those that synchronise.

use super::{FP, Found, PC, SP, UNKNOWN, Word};
use crate::semantics::build::{Draft, binary, with};
use crate::{Expr, Flow, Op};

/// The three ways to address.
struct Place {
    /// What is accessed.
    address: Expr,
    /// What the base register becomes, if that changes.
    back: Option<Expr>,
    text: String,
}

impl Word {
    /// By bits P, U and W: before, after, with the base written or not. `offset` is without sign.
    fn addressed(self, offset: Expr, offset_text: &str) -> Result<Place, &'static str> {
        let (before, up, writes) = (self.bit(24), self.bit(23), self.bit(21));
        let base = self.get(self.rn());
        let op = if up { Op::Add } else { Op::Sub };
        let moved = match (op, &offset) {
            // As the assembler writes it, and as other architectures have it.
            (Op::Sub, Expr::Const(n)) => with(Op::Add, base.clone(), n.wrapping_neg()),
            _ => binary(op, base.clone(), offset.clone()),
        };
        let moved = match moved {
            Expr::Const(n) => Expr::Const(super::place(n)),
            moved => moved,
        };
        let name = self.name(self.rn());
        let is_none = offset == Expr::Const(0) && up;
        let text = match (before, is_none) {
            (true, true) => format!("[{name}]"),
            (true, false) => format!("[{name}, {offset_text}]"),
            (false, _) => format!("[{name}], {offset_text}"),
        };
        if (!before || writes) && self.rn() == PC {
            return Err("the program counter where it is not allowed");
        }
        Ok(match (before, writes) {
            (true, false) => Place {
                address: moved,
                back: None,
                text,
            },
            (true, true) => Place {
                address: moved.clone(),
                back: Some(moved),
                text: format!("{text}!"),
            },
            (false, _) => Place {
                address: base,
                back: Some(moved),
                text,
            },
        })
    }

    fn sign(self) -> &'static str {
        if self.bit(23) { "" } else { "-" }
    }

    fn written_back(self, draft: Draft, place: Place) -> Draft {
        match place.back {
            Some(back) => draft.set(Some(self.reg(self.rn())), back),
            None => draft,
        }
    }

    /// `ldr`, `str`, `ldrb`, `strb`.
    pub(super) fn load_store(self) -> Found {
        let (is_load, is_byte) = (self.bit(20), self.bit(22));
        let place = if self.bit(25) {
            let offset = self.plain(self.rm()).and(Ok(self.shifted()))?;
            let shift = offset
                .1
                .map(|shift| format!(", {shift}"))
                .unwrap_or_default();
            let text = format!("{}{}{shift}", self.sign(), self.name(self.rm()));
            self.addressed(offset.0, &text)?
        } else {
            let offset = self.bits(0, 12);
            self.addressed(
                Expr::Const(offset.into()),
                &format!("#{}{offset}", self.sign()),
            )?
        };
        // As with the rights of a user, where the base is moved behind and the bit to write it is set.
        let user = if !self.bit(24) && self.bit(21) {
            "t"
        } else {
            ""
        };
        let name = format!(
            "{}{}{user}{}",
            if is_load { "ldr" } else { "str" },
            if is_byte { "b" } else { "" },
            self.cond()
        );
        let rd = self.rd();
        let text = self
            .stack_text(is_load, is_byte)
            .unwrap_or_else(|| format!("{name} {}, {}", self.name(rd), place.text));
        let size = if is_byte { 1 } else { 4 };
        if is_byte && rd == PC || is_load && place.back.is_some() && rd == self.rn() {
            return Err(UNKNOWN);
        }
        let draft = Draft::new(text);
        let draft = if is_load {
            let is_return = self.rn() == SP;
            let value = Expr::load(place.address.clone(), size, false);
            self.written(draft, rd, value, is_return)
        } else {
            draft.store(
                place.address.clone(),
                size,
                self.stored(rd, place.back.is_some()),
            )
        };
        Ok(self.written_back(draft, place))
    }

    /// One register on the stack is written like many.
    fn stack_text(self, is_load: bool, is_byte: bool) -> Option<String> {
        if is_byte || self.bit(25) || self.rn() != SP || self.bits(0, 12) != 4 {
            return None;
        }
        let (pre, up, writes) = (self.bit(24), self.bit(23), self.bit(21));
        let rd = self.name(self.rd());
        match (is_load, pre, up, writes) {
            (true, false, true, false) => Some(format!("pop{} {{{rd}}}", self.cond())),
            (false, true, false, true) => Some(format!("push{} {{{rd}}}", self.cond())),
            _ => None,
        }
    }

    /// What a store writes. Of the program counter that depends on the make of the CPU, and of a base
    /// that changes the manual does not say it.
    fn stored(self, rd: u32, changes_base: bool) -> Expr {
        match rd {
            PC => Expr::Unknown("the program counter, 8 or 12 bytes on"),
            rd if changes_base && rd == self.rn() => Expr::Unknown("a base that changes"),
            rd => self.get(rd),
        }
    }

    /// Halves, signed bytes and pairs (A5.2.8).
    pub(super) fn extra_load_store(self) -> Found {
        let offset = if self.bit(22) {
            let offset = self.bits(8, 4) << 4 | self.bits(0, 4);
            (
                Expr::Const(offset.into()),
                format!("#{}{offset}", self.sign()),
            )
        } else if self.bits(8, 4) == 0 {
            let name = self.name(self.rm());
            (self.plain(self.rm())?, format!("{}{name}", self.sign()))
        } else {
            return Err(UNKNOWN);
        };
        let place = self.addressed(offset.0, &offset.1)?;
        let rd = self.rd();
        let (name, size, signed, is_load) = match (self.bit(20), self.bits(5, 2)) {
            (false, 0b01) => ("strh", 2, false, false),
            (true, 0b01) => ("ldrh", 2, false, true),
            (true, 0b10) => ("ldrsb", 1, true, true),
            (true, 0b11) => ("ldrsh", 2, true, true),
            (false, 0b10) => return self.pair("ldrd", place),
            _ => return self.pair("strd", place),
        };
        let user = if !self.bit(24) && self.bit(21) {
            "t"
        } else {
            ""
        };
        let text = format!(
            "{name}{user}{} {}, {}",
            self.cond(),
            self.name(rd),
            place.text
        );
        self.plain(rd)?;
        if is_load && place.back.is_some() && rd == self.rn() {
            return Err(UNKNOWN);
        }
        let draft = Draft::new(text);
        let draft = if is_load {
            draft.set(
                Some(self.reg(rd)),
                Expr::load(place.address.clone(), size, signed),
            )
        } else {
            draft.store(
                place.address.clone(),
                size,
                self.stored(rd, place.back.is_some()),
            )
        };
        Ok(self.written_back(draft, place))
    }

    /// `ldrd` and `strd`: two registers that follow each other.
    fn pair(self, name: &str, place: Place) -> Found {
        let (first, second) = (self.rd(), self.rd() + 1);
        let changes = place.back.is_some();
        let hits_base = self.rn() == first || self.rn() == second;
        if first % 2 != 0 || second >= PC || changes && hits_base || !self.bit(24) && self.bit(21) {
            return Err(UNKNOWN);
        }
        let text = format!("{name}{} {}, {}", self.cond(), self.name(first), place.text);
        let next = match &place.address {
            Expr::Binary(Op::Add, base, offset) => binary(
                Op::Add,
                (**base).clone(),
                with(Op::Add, (**offset).clone(), 4),
            ),
            address => with(Op::Add, address.clone(), 4),
        };
        let addresses = [place.address.clone(), next];
        let mut draft = Draft::new(text);
        for (n, address) in [first, second].into_iter().zip(addresses) {
            draft = match name {
                "ldrd" => draft.set(Some(self.reg(n)), Expr::load(address, 4, false)),
                _ => draft.store(address, 4, self.get(n)),
            };
        }
        Ok(self.written_back(draft, place))
    }

    /// `ldm`, `stm`, `push`, `pop`.
    pub(super) fn many(self) -> Found {
        let (before, up, writes, is_load) =
            (self.bit(24), self.bit(23), self.bit(21), self.bit(20));
        let list: Vec<u32> = (0..16).filter(|n| self.bit(*n)).collect();
        let base = self.rn();
        if self.bit(22) {
            return Err("it loads or stores the registers of another mode");
        }
        if list.is_empty() || base == PC || is_load && writes && list.contains(&base) {
            return Err(UNKNOWN);
        }
        let size = 4 * list.len() as i64;
        let start = match (up, before) {
            (true, false) => 0,
            (true, true) => 4,
            (false, false) => 4 - size,
            (false, true) => -size,
        };
        let mode = match (up, before) {
            (true, false) => "",
            (true, true) => "ib",
            (false, false) => "da",
            (false, true) => "db",
        };
        let names: Vec<&str> = list.iter().map(|n| self.name(*n)).collect();
        let names = names.join(", ");
        let cond = self.cond();
        let text = match (is_load, mode, writes && base == SP && list.len() > 1) {
            (true, "", true) => format!("pop{cond} {{{names}}}"),
            (false, "db", true) => format!("push{cond} {{{names}}}"),
            _ => {
                let name = match (is_load, mode, writes) {
                    (true, ..) => "ldm",
                    (false, "", true) => "stmia",
                    _ => "stm",
                };
                let mark = if writes { "!" } else { "" };
                format!("{name}{mode}{cond} {}{mark}, {{{names}}}", self.name(base))
            }
        };
        let mut draft = Draft::new(text);
        let mut offset = start;
        for &n in &list {
            let address = Expr::at(self.reg(base), offset);
            offset += 4;
            draft = if is_load {
                let is_return = base == SP || base == FP;
                self.written(draft, n, Expr::load(address, 4, false), is_return)
            } else {
                // The lowest register of the list is stored before the base changes.
                let changes = writes && list.first() != Some(&n);
                draft.store(address, 4, self.stored(n, changes))
            };
        }
        if writes {
            let moved = Expr::at(self.reg(base), if up { size } else { -size });
            draft = draft.set(Some(self.reg(base)), moved);
        }
        Ok(draft)
    }

    /// `ldrex`, `strex`, `swp` and their kin (A5.2.10; those that order, after the Armv8 manual).
    pub(super) fn synchronize(self) -> Found {
        let base = self.plain(self.rn())?;
        let (rd, rm) = (self.plain(self.rd()), self.plain(self.rm()));
        let name_of = |n| self.name(n);
        let place = format!("[{}]", name_of(self.rn()));
        let (suffix, size) = match self.bits(21, 2) {
            0 => ("", 4),
            1 => ("d", 8),
            2 => ("b", 1),
            _ => ("h", 2),
        };
        let cond = self.cond();
        let into = Some(self.reg(self.rd()));
        if !self.bit(23) {
            let is_swap = matches!(self.bits(20, 3), 0 | 4) && self.bits(8, 4) == 0;
            if !is_swap {
                return Err(UNKNOWN);
            }
            let (letter, size) = if self.bit(22) { ("b", 1) } else { ("", 4) };
            let text = format!(
                "swp{letter}{cond} {}, {}, {place}",
                name_of(self.rd()),
                name_of(self.rm())
            );
            rd?;
            return Ok(Draft::new(text)
                .store(base.clone(), size, rm?)
                .set(into, Expr::load(base, size, false)));
        }
        // Exclusive, ordered, or both.
        let (is_exclusive, kind) = match self.bits(8, 2) {
            0b11 => (true, ["ldrex", "strex"]),
            0b10 => (true, ["ldaex", "stlex"]),
            0b00 => (false, ["lda", "stl"]),
            _ => return Err(UNKNOWN),
        };
        let is_load = self.bit(20);
        // Fields without a use are all ones.
        let ones = match (is_load, is_exclusive) {
            (true, _) => self.rm(),
            (false, true) => 15,
            (false, false) => self.rd(),
        };
        if size == 8 && !is_exclusive || self.bits(10, 2) != 3 || ones != 15 {
            return Err(UNKNOWN);
        }
        let [load, store] = kind;
        let name = format!("{}{suffix}{cond}", if is_load { load } else { store });
        let n = if is_load { self.rd() } else { self.rm() };
        if is_load || is_exclusive {
            rd?;
        }
        let value = if is_load { self.get(n) } else { rm? };
        if size == 8 && (n % 2 != 0 || n + 1 >= PC) {
            return Err(UNKNOWN);
        }
        let registers = match size {
            8 => format!("{}, {}", name_of(n), name_of(n + 1)),
            _ => name_of(n).to_owned(),
        };
        if is_load {
            let draft = Draft::new(format!("{name} {registers}, {place}"));
            if size == 8 {
                let second = Expr::load(with(Op::Add, base.clone(), 4), 4, false);
                return Ok(draft
                    .set(into, Expr::load(base, 4, false))
                    .set(Some(self.reg(n + 1)), second));
            }
            return Ok(draft.set(into, Expr::load(base, size, false)));
        }
        if !is_exclusive {
            return Ok(Draft::new(format!("{name} {registers}, {place}")).store(base, size, value));
        }
        let text = format!("{name} {}, {registers}, {place}", name_of(self.rd()));
        Ok(Draft::new(text)
            .store(base, size, Expr::Unknown("stored only if still exclusive"))
            .set(into, Expr::Unknown("whether the exclusive store succeeded")))
    }

    /// `pld` and `pli`, of the unconditional space.
    pub(super) fn preload(self) -> Found {
        let name = match (self.bit(24), self.bit(22)) {
            (true, true) => "pld",
            (true, false) => "pldw",
            (false, true) => "pli",
            _ => return Err(UNKNOWN),
        };
        let op = if self.bit(23) { Op::Add } else { Op::Sub };
        let base = self.name(self.rn());
        let (offset, text) = if self.bit(25) {
            let (offset, shift) = self.shifted();
            let shift = shift.map(|shift| format!(", {shift}")).unwrap_or_default();
            self.plain(self.rm())?;
            (
                offset,
                format!("[{base}, {}{}{shift}]", self.sign(), self.name(self.rm())),
            )
        } else {
            let n = self.bits(0, 12);
            let text = match n {
                0 if self.bit(23) => format!("[{base}]"),
                n => format!("[{base}, #{}{n}]", self.sign()),
            };
            (Expr::Const(n.into()), text)
        };
        let address = binary(op, self.get(self.rn()), offset);
        Ok(Draft::new(format!("{name} {text}"))
            .touch(address, 1)
            .flow(Flow::Next))
    }
}
