//! Vectors: their values are not modelled, what is read and written is.

use super::memory::{Place, v};
use super::{Code, name, value, x, x_or_sp};
use crate::semantics::build::{Draft, binary};
use crate::{Expr, Op};

impl Code {
    /// `ld1` to `ld4`, `st1` to `st4` (Arm ARM C4.1.94, "Advanced SIMD load/store").
    pub(super) fn structures(self) -> Option<Draft> {
        let (moves, single) = (self.bit(23), self.bit(24));
        if self.bit(31) || !moves && self.rm() != 0 {
            return None;
        }
        let (load, whole, rt) = (self.bit(22), self.bit(30), self.bits(0, 5));
        let (kind, size) = (self.bits(12, 4), self.bits(10, 2));
        let word = if load { "ld" } else { "st" };
        let (word, count, shown, bytes) = if single {
            let count = 1 + (u32::from(self.bit(13)) << 1 | self.bits(21, 1));
            let high = u32::from(whole);
            let (scale, lane) = match (kind >> 2, size) {
                (0, size) => (0, Some(high << 3 | self.bits(12, 1) << 2 | size)),
                (1, 0 | 2) => (1, Some(high << 2 | self.bits(12, 1) << 1 | size >> 1)),
                (2, 0) => (2, Some(high << 1 | self.bits(12, 1))),
                (2, 1) if !self.bit(12) => (3, Some(high)),
                // Into all elements.
                (3, size) if load && !self.bit(12) => (size, None),
                _ => return None,
            };
            let (word, shown) = match lane {
                Some(lane) => {
                    let unit = ["b", "h", "s", "d"].get(scale as usize)?;
                    (
                        format!("{word}{count}"),
                        format!("{}[{lane}]", list(rt, count, unit)),
                    )
                }
                None => (
                    format!("{word}{count}r"),
                    list(rt, count, arrangement(whole, scale)?),
                ),
            };
            (word, count, shown, (count as u8) << scale)
        } else {
            let (elements, count) = match kind {
                0b0000 => (4, 4),
                0b0010 => (1, 4),
                0b0100 => (3, 3),
                0b0110 => (1, 3),
                0b0111 => (1, 1),
                0b1000 => (2, 2),
                0b1010 => (1, 2),
                _ => return None,
            };
            if self.bit(21) || elements > 1 && size == 3 && !whole {
                return None;
            }
            let shown = list(rt, count, arrangement(whole, size)?);
            (
                format!("{word}{elements}"),
                count,
                shown,
                count as u8 * if whole { 16 } else { 8 },
            )
        };
        let base = x_or_sp(self.rn());
        let place = match self.rm() {
            _ if !moves => self.offset(0),
            31 => self.after(bytes.into()),
            rm => Place {
                address: Expr::Reg(base),
                text: format!(
                    "[{}], {}",
                    super::name_or_sp(self.rn(), true),
                    name(rm, true)
                ),
                base: Some((base, binary(Op::Add, Expr::Reg(base), value(rm)))),
            },
        };
        let registers: Vec<u32> = (0..count).map(|n| (rt + n) % 32).collect();
        let draft = Draft::new(format!("{word} {shown}, {}", place.text));
        self.vectors(draft, place, bytes, &registers, load)
    }

    /// Of the many instructions on vectors those by which other values come and go.
    pub(super) fn vector(self) -> Option<Draft> {
        let (rd, rn) = (self.rd(), self.rn());
        let into = |text: String| Some(Draft::new(text).clobber(&[v(rd)?]));
        let unknown =
            |text: String| Some(Draft::new(text).set(x(rd), Expr::Unknown("vector register")));
        // `fmov` between registers of both kinds.
        match self.word & 0xffff_fc00 {
            0x1e27_0000 => return into(format!("fmov s{rd}, {}", name(rn, false))),
            0x9e67_0000 => return into(format!("fmov d{rd}, {}", name(rn, true))),
            0x1e26_0000 => return unknown(format!("fmov {}, s{rn}", name(rd, false))),
            0x9e66_0000 => return unknown(format!("fmov {}, d{rn}", name(rd, true))),
            _ => {}
        }
        let whole = self.bit(30);
        // Copies of lanes.
        if self.word & 0xbfe0_8400 == 0x0e00_0400 {
            let scale = self.rm().trailing_zeros();
            let lane = self.rm() >> (scale + 1).min(5);
            let unit = *["b", "h", "s", "d"].get(scale as usize)?;
            let wide = scale == 3;
            return match self.bits(11, 4) {
                0b0001 => into(format!(
                    "dup v{rd}.{}, {}",
                    arrangement(whole, scale)?,
                    name(rn, wide)
                )),
                0b0011 if whole => into(format!("mov v{rd}.{unit}[{lane}], {}", name(rn, wide))),
                0b0111 if whole == wide => {
                    let word = if scale < 2 { "umov" } else { "mov" };
                    unknown(format!("{word} {}, v{rn}.{unit}[{lane}]", name(rd, wide)))
                }
                _ => None,
            };
        }
        None
    }
}

/// `{v0.16b, v1.16b}`
fn list(first: u32, count: u32, unit: &str) -> String {
    let last = (first + count - 1) % 32;
    match count {
        1 => format!("{{v{first}.{unit}}}"),
        2 => format!("{{v{first}.{unit}, v{last}.{unit}}}"),
        _ => format!("{{v{first}.{unit}-v{last}.{unit}}}"),
    }
}

fn arrangement(whole: bool, scale: u32) -> Option<&'static str> {
    Some(match (scale, whole) {
        (0, false) => "8b",
        (0, true) => "16b",
        (1, false) => "4h",
        (1, true) => "8h",
        (2, false) => "2s",
        (2, true) => "4s",
        (3, false) => "1d",
        (3, true) => "2d",
        _ => return None,
    })
}
