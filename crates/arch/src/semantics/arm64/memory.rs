//! Loads and stores (Arm ARM C4.1.94).

use super::register::{extended, extension_name};
use super::{Code, held, name, name_or_sp, side, size, value, value_or_sp, x, x_or_sp};
use crate::semantics::build::{Draft, binary, not, select, test, with};
use crate::{Cond, Expr, Op, Reg};

/// An address: where, how it is written, what its base becomes.
pub(super) struct Place {
    pub address: Expr,
    pub text: String,
    pub base: Option<(Reg, Expr)>,
}

impl Place {
    /// The address so many bytes on.
    fn plus(&self, bytes: u8) -> Expr {
        let bytes = u64::from(bytes);
        match &self.address {
            Expr::Binary(Op::Add, base, offset) if let Expr::Const(offset) = **offset => {
                Expr::plus((**base).clone(), Expr::Const(offset.wrapping_add(bytes)))
            }
            address => Expr::plus(address.clone(), Expr::Const(bytes)),
        }
    }

    /// Ends a draft with the new value of the base. None where that register is also one of those that
    /// are loaded or stored: the outcome is not defined (Arm ARM K1.2.2), and no assembler takes it.
    pub fn finish(self, draft: Draft, transferred: &[u32]) -> Option<Draft> {
        let Some((base, moved)) = self.base else {
            return Some(draft);
        };
        let both = transferred.iter().any(|number| x(*number) == Some(base));
        (!both).then(|| draft.set(Some(base), moved))
    }
}

impl Code {
    pub(super) fn memory(self) -> Option<Draft> {
        let vector = self.bit(26);
        match self.bits(27, 3) {
            0b001 if vector => self.structures(),
            0b001 if self.bits(24, 2) == 0 => self.exclusive(),
            0b011 if self.bit(24) => match (vector, self.bit(21), self.bits(10, 2)) {
                (false, false, 0) => self.ordered_unscaled(),
                _ => None,
            },
            0b011 => self.literal(),
            0b101 => self.pair(),
            0b111 if self.bit(24) => {
                let offset = i64::from(self.bits(10, 12));
                let place = self.offset(offset << self.scale()?);
                self.transfer(place, "")
            }
            0b111 if !self.bit(21) => {
                let offset = self.signed(12, 9);
                match self.bits(10, 2) {
                    0b00 => self.transfer(self.offset(offset), "u"),
                    0b01 => self.transfer(self.after(offset), ""),
                    0b10 if !vector => self.transfer(self.offset(offset), "t"),
                    0b11 => self.transfer(self.before(offset), ""),
                    _ => None,
                }
            }
            0b111 => match self.bits(10, 2) {
                0b00 if !vector => self.atomic(),
                0b10 => self.transfer(self.indexed()?, ""),
                _ => None,
            },
            _ => None,
        }
    }

    fn base(self) -> &'static str {
        name_or_sp(self.rn(), true)
    }

    /// `[x0, #8]`
    pub(super) fn offset(self, offset: i64) -> Place {
        let text = match offset {
            0 => format!("[{}]", self.base()),
            offset => format!("[{}, #{offset}]", self.base()),
        };
        Place {
            address: Expr::at(x_or_sp(self.rn()), offset),
            text,
            base: None,
        }
    }

    /// `[x0, #8]!`
    fn before(self, offset: i64) -> Place {
        let base = x_or_sp(self.rn());
        let address = Expr::at(base, offset);
        let text = format!("[{}, #{offset}]!", self.base());
        Place {
            base: Some((base, address.clone())),
            address,
            text,
        }
    }

    /// `[x0], #8`
    pub(super) fn after(self, offset: i64) -> Place {
        let base = x_or_sp(self.rn());
        let text = format!("[{}], #{offset}", self.base());
        let moved = Some((base, Expr::at(base, offset)));
        Place {
            address: Expr::Reg(base),
            text,
            base: moved,
        }
    }

    /// `[x0, x1, lsl #3]`
    fn indexed(self) -> Option<Place> {
        let (kind, shifted) = (self.bits(13, 3), self.bit(12));
        if kind & 2 == 0 {
            return None;
        }
        let scale = self.scale()?;
        let index = extended(self.rm(), kind);
        let index = if shifted {
            with(Op::Shl, index, scale.into())
        } else {
            index
        };
        let (base, register) = (self.base(), name(self.rm(), kind & 1 == 1));
        let word = if kind == 3 {
            "lsl"
        } else {
            extension_name(kind)
        };
        let text = match (shifted, kind) {
            (true, _) => format!("[{base}, {register}, {word} #{scale}]"),
            (false, 3) => format!("[{base}, {register}]"),
            (false, _) => format!("[{base}, {register}, {word}]"),
        };
        let address = binary(Op::Add, value_or_sp(self.rn()), index);
        Some(Place {
            address,
            text,
            base: None,
        })
    }

    /// The size of a single register, as a power of two.
    fn scale(self) -> Option<u32> {
        let size = self.bits(30, 2);
        match (self.bit(26), self.bit(23)) {
            (true, true) if size != 0 => None,
            (true, true) => Some(4),
            _ => Some(size),
        }
    }

    /// `ldr`, `str` and their kin of one register; `kind` is `u` of `ldur`, `t` of `ldtr`.
    fn transfer(self, place: Place, kind: &str) -> Option<Draft> {
        let scale = self.scale()?;
        let bytes = 1u8 << scale;
        let rt = self.bits(0, 5);
        // The letter stands after `ld` or `st`, the `r` follows it.
        let kind = format!("{kind}r");
        if self.bit(26) {
            let register = format!("{}{rt}", vector_letter(scale)?);
            let load = self.bit(22);
            let text = format!(
                "{}{kind} {register}, {}",
                if load { "ld" } else { "st" },
                place.text
            );
            return self.vectors(Draft::new(text), place, bytes, &[rt], load);
        }
        let unit = match bytes {
            1 => "b",
            2 => "h",
            _ => "",
        };
        let draft = match (self.bits(22, 2), scale) {
            (0b00, _) => {
                let text = format!("st{kind}{unit} {}, {}", name(rt, scale == 3), place.text);
                Draft::new(text).store(place.address.clone(), bytes, value(rt))
            }
            (0b01, _) => {
                let text = format!("ld{kind}{unit} {}, {}", name(rt, scale == 3), place.text);
                Draft::new(text).set(x(rt), Expr::load(place.address.clone(), bytes, false))
            }
            (0b10, 3) if place.base.is_some() || kind == "tr" => return None,
            (0b10, 3) => {
                let word = if kind == "ur" { "prfum" } else { "prfm" };
                let text = format!("{word} {}, {}", prefetch(rt), place.text);
                return Some(Draft::new(text).touch(place.address, 1));
            }
            (0b10, scale) => {
                let unit = if scale == 2 { "w" } else { unit };
                let text = format!("ld{kind}s{unit} {}, {}", name(rt, true), place.text);
                Draft::new(text).set(x(rt), Expr::load(place.address.clone(), bytes, true))
            }
            (_, 0 | 1) => {
                let text = format!("ld{kind}s{unit} {}, {}", name(rt, false), place.text);
                let loaded = held(Expr::load(place.address.clone(), bytes, true), false);
                Draft::new(text).set(x(rt), loaded)
            }
            _ => return None,
        };
        place.finish(draft, &[rt])
    }

    /// Vector registers between which memory lies without gaps, at most 64 bytes.
    pub(super) fn vectors(
        self,
        draft: Draft,
        place: Place,
        bytes: u8,
        registers: &[u32],
        load: bool,
    ) -> Option<Draft> {
        let address = place.address.clone();
        let draft = if load {
            let registers: Vec<Reg> = registers.iter().filter_map(|number| v(*number)).collect();
            draft.touch(address, bytes).clobber(&registers)
        } else {
            draft.store(address, bytes, Expr::Unknown("vector register"))
        };
        place.finish(draft, &[])
    }

    fn literal(self) -> Option<Draft> {
        let (rt, kind) = (self.bits(0, 5), self.bits(30, 2));
        let target = self.target(self.signed(5, 19));
        let address = Expr::Const(target);
        if self.bit(26) {
            let scale = kind + 2;
            let text = format!("ldr {}{rt}, {target:x}", vector_letter(scale)?);
            let place = Place {
                address,
                text: String::new(),
                base: None,
            };
            return self.vectors(Draft::new(text), place, 1 << scale, &[rt], true);
        }
        let into = |wide| name(rt, wide);
        Some(match kind {
            0 => Draft::new(format!("ldr {}, {target:x}", into(false)))
                .set(x(rt), Expr::load(address, 4, false)),
            1 => Draft::new(format!("ldr {}, {target:x}", into(true)))
                .set(x(rt), Expr::load(address, 8, false)),
            2 => Draft::new(format!("ldrsw {}, {target:x}", into(true)))
                .set(x(rt), Expr::load(address, 4, true)),
            _ => Draft::new(format!("prfm {}, {target:x}", prefetch(rt))).touch(address, 1),
        })
    }

    fn pair(self) -> Option<Draft> {
        let (kind, load, vector) = (self.bits(30, 2), self.bit(22), self.bit(26));
        let (first, second) = (self.bits(0, 5), self.bits(10, 5));
        let scale = match (vector, kind) {
            (_, 3) => return None,
            (true, kind) => kind + 2,
            // `stgp` is of memory tags.
            (false, 1) if !load => return None,
            (false, 2) => 3,
            (false, _) => 2,
        };
        let signed = !vector && kind == 1;
        let offset = self.signed(15, 7) << scale;
        let (word, place) = match self.bits(23, 2) {
            0 if signed => return None,
            0 => ("np", self.offset(offset)),
            1 => ("p", self.after(offset)),
            2 => ("p", self.offset(offset)),
            _ => ("p", self.before(offset)),
        };
        let word = format!(
            "{}{word}{}",
            if load { "ld" } else { "st" },
            if signed { "sw" } else { "" }
        );
        let bytes = 1u8 << scale;
        if vector {
            let letter = vector_letter(scale)?;
            let text = format!("{word} {letter}{first}, {letter}{second}, {}", place.text);
            return self.vectors(Draft::new(text), place, 2 * bytes, &[first, second], load);
        }
        let wide = scale == 3 || signed;
        let text = format!(
            "{word} {}, {}, {}",
            name(first, wide),
            name(second, wide),
            place.text
        );
        let next = place.plus(bytes);
        let draft = Draft::new(text);
        if !load {
            let draft = draft.store(place.address.clone(), bytes, value(first));
            return place.finish(draft.store(next, bytes, value(second)), &[first, second]);
        }
        if first == second {
            // Which of both it holds is not defined (Arm ARM K1.2.2).
            return None;
        }
        let low = Expr::load(place.address.clone(), bytes, signed);
        let high = Expr::load(next, bytes, signed);
        let draft = draft.set(x(first), low).set(x(second), high);
        place.finish(draft, &[first, second])
    }

    /// Exclusive, ordered, compare and swap.
    fn exclusive(self) -> Option<Draft> {
        let (scale, ordered, load) = (self.bits(30, 2), self.bit(23), self.bit(22));
        let (rt, rs, rt2) = (self.bits(0, 5), self.rm(), self.bits(10, 5));
        let (pair, release) = (self.bit(21), self.bit(15));
        let (wide, bytes) = (scale == 3, 1u8 << scale);
        let unit = unit(scale);
        let place = self.offset(0);
        let (address, shown) = (place.address, place.text);
        let (a, l) = if release { ("a", "l") } else { ("", "") };
        if pair && (ordered || scale < 2) {
            return self.compare_and_swap();
        }
        if ordered {
            let word = match (load, release) {
                (true, true) => "ldar",
                (true, false) => "ldlar",
                (false, true) => "stlr",
                (false, false) => "stllr",
            };
            let draft = Draft::new(format!("{word}{unit} {}, {shown}", name(rt, wide)));
            return Some(match load {
                true => draft.set(x(rt), Expr::load(address, bytes, false)),
                false => draft.store(address, bytes, value(rt)),
            });
        }
        let next = Expr::plus(address.clone(), Expr::Const(bytes.into()));
        let (first, second) = (name(rt, wide), name(rt2, wide));
        if load {
            let low = Expr::load(address.clone(), bytes, false);
            return Some(if pair {
                let text = format!("ld{a}xp {first}, {second}, {shown}");
                Draft::new(text)
                    .set(x(rt), low)
                    .set(x(rt2), Expr::load(next, bytes, false))
            } else {
                Draft::new(format!("ld{a}xr{unit} {first}, {shown}")).set(x(rt), low)
            });
        }
        // It stores only where nobody else wrote since the load.
        let kept = || Expr::Unknown("stored if still exclusive");
        let status = name(rs, false);
        let draft = if pair {
            let text = format!("st{l}xp {status}, {first}, {second}, {shown}");
            Draft::new(text)
                .store(address, bytes, kept())
                .store(next, bytes, kept())
        } else {
            let text = format!("st{l}xr{unit} {status}, {first}, {shown}");
            Draft::new(text).store(address, bytes, kept())
        };
        Some(draft.set(x(rs), Expr::Unknown("whether it was stored")))
    }

    /// `cas`, `casp`.
    fn compare_and_swap(self) -> Option<Draft> {
        let (scale, acquire, release) = (self.bits(30, 2), self.bit(22), self.bit(15));
        let (rt, rs) = (self.bits(0, 5), self.rm());
        if self.bits(10, 5) != 31 {
            return None;
        }
        let order = order(acquire, release);
        let place = self.offset(0);
        let (address, shown) = (place.address, place.text);
        if !self.bit(23) {
            // A pair of registers, the first of which is even.
            if (rs | rt) & 1 == 1 {
                return None;
            }
            let wide = scale == 1;
            let bytes = size(wide);
            let [s0, s1, t0, t1] = [rs, rs + 1, rt, rt + 1].map(|number| name(number, wide));
            let text = format!("casp{order} {s0}, {s1}, {t0}, {t1}, {shown}");
            let next = Expr::plus(address.clone(), Expr::Const(bytes.into()));
            let swapped = || Expr::Unknown("swapped if equal");
            let old = |address| Expr::load(address, bytes, false);
            return Some(
                Draft::new(text)
                    .set(x(rs), old(address.clone()))
                    .set(x(rs + 1), old(next.clone()))
                    .store(address, bytes, swapped())
                    .store(next, bytes, swapped()),
            );
        }
        let (wide, bytes) = (scale == 3, 1u8 << scale);
        let text = format!(
            "cas{order}{} {}, {}, {shown}",
            unit(scale),
            name(rs, wide),
            name(rt, wide)
        );
        let old = Expr::load(address.clone(), bytes, false);
        let expected = super::zero_extended(value(rs), bytes);
        let swapped = select(
            test(Cond::Eq, expected, old.clone()),
            value(rt),
            old.clone(),
        );
        Some(
            Draft::new(text)
                .set(x(rs), old)
                .store(address, bytes, swapped),
        )
    }

    /// `ldapur`, `stlur`: ordered, with an offset.
    fn ordered_unscaled(self) -> Option<Draft> {
        let (scale, rt) = (self.bits(30, 2), self.bits(0, 5));
        let (bytes, place) = (1u8 << scale, self.offset(self.signed(12, 9)));
        let (unit, shown) = (unit(scale), place.text);
        Some(match (self.bits(22, 2), scale) {
            (0, _) => Draft::new(format!("stlur{unit} {}, {shown}", name(rt, scale == 3))).store(
                place.address,
                bytes,
                value(rt),
            ),
            (1, _) => Draft::new(format!("ldapur{unit} {}, {shown}", name(rt, scale == 3)))
                .set(x(rt), Expr::load(place.address, bytes, false)),
            (2, 0..=2) => {
                let unit = if scale == 2 { "w" } else { unit };
                Draft::new(format!("ldapurs{unit} {}, {shown}", name(rt, true)))
                    .set(x(rt), Expr::load(place.address, bytes, true))
            }
            (3, 0 | 1) => Draft::new(format!("ldapurs{unit} {}, {shown}", name(rt, false)))
                .set(x(rt), held(Expr::load(place.address, bytes, true), false)),
            _ => return None,
        })
    }

    /// Atomic memory operations: the old value goes into a register, the new one into memory.
    fn atomic(self) -> Option<Draft> {
        let (scale, acquire, release) = (self.bits(30, 2), self.bit(23), self.bit(22));
        let (rt, rs) = (self.bits(0, 5), self.rm());
        let (wide, bytes) = (scale == 3, 1u8 << scale);
        let place = self.offset(0);
        let (address, shown) = (place.address, place.text);
        let old = Expr::load(address.clone(), bytes, false);
        let (into, operand) = (name(rt, wide), name(rs, wide));
        let (order, unit) = (order(acquire, release), unit(scale));
        if self.bit(15) {
            return match self.bits(12, 3) {
                0 => {
                    let text = format!("swp{order}{unit} {operand}, {into}, {shown}");
                    Some(
                        Draft::new(text)
                            .set(x(rt), old)
                            .store(address, bytes, value(rs)),
                    )
                }
                4 if acquire && !release && rs == 31 => {
                    Some(Draft::new(format!("ldapr{unit} {into}, {shown}")).set(x(rt), old))
                }
                _ => None,
            };
        }
        let greater = |cond, signed| {
            let whole = |number| match (signed, bytes) {
                (_, 8) => value(number),
                (true, 4) => side(value(number), false),
                (signed, bytes) => super::widened(value(number), bytes, signed),
            };
            let old = Expr::load(address.clone(), bytes, signed);
            select(test(cond, old.clone(), whole(rs)), old, value(rs))
        };
        let (word, new) = match self.bits(12, 3) {
            0 => ("add", binary(Op::Add, old.clone(), value(rs))),
            1 => ("clr", binary(Op::And, old.clone(), not(value(rs)))),
            2 => ("eor", binary(Op::Xor, old.clone(), value(rs))),
            3 => ("set", binary(Op::Or, old.clone(), value(rs))),
            4 => ("smax", greater(Cond::GtS, true)),
            5 => ("smin", greater(Cond::LtS, true)),
            6 => ("umax", greater(Cond::GtU, false)),
            _ => ("umin", greater(Cond::LtU, false)),
        };
        let text = match rt {
            31 if !acquire => format!("st{word}{order}{unit} {operand}, {shown}"),
            _ => format!("ld{word}{order}{unit} {operand}, {into}, {shown}"),
        };
        Some(Draft::new(text).set(x(rt), old).store(address, bytes, new))
    }
}

fn order(acquire: bool, release: bool) -> &'static str {
    match (acquire, release) {
        (false, false) => "",
        (true, false) => "a",
        (false, true) => "l",
        (true, true) => "al",
    }
}

fn unit(scale: u32) -> &'static str {
    match scale {
        0 => "b",
        1 => "h",
        _ => "",
    }
}

fn vector_letter(scale: u32) -> Option<char> {
    ['b', 'h', 's', 'd', 'q'].get(scale as usize).copied()
}

/// The vector register of this number as a whole.
pub(super) fn v(number: u32) -> Option<Reg> {
    const V: [&str; 32] = [
        "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31",
    ];
    V.get(number as usize).map(|name| Reg(name))
}

/// What is fetched, into which cache, how it is kept (Arm ARM C6, "PRFM").
fn prefetch(number: u32) -> String {
    let kind = match number >> 3 {
        0 => "pld",
        1 => "pli",
        2 => "pst",
        _ => return format!("#{number:#04x}"),
    };
    match number >> 1 & 3 {
        3 => format!("#{number:#04x}"),
        level => {
            let keep = if number & 1 == 0 { "keep" } else { "strm" };
            format!("{kind}l{}{keep}", level + 1)
        }
    }
}
