//! Comparisons of bits of memory: which members of a structure they ask for.

use arch::{Cond, Expr, Load, Op, Reg, extend};
use base::Endian;
use debuginfo::{Encoding, Kind, TypeId};

use crate::origin::Origin;
use crate::place::Place;
use crate::view::View;

/// Steps from a value to the read that it was made from.
const MOST_STEPS: u32 = 16;
/// Members that one comparison asks for.
const MOST_FIELDS: usize = 4;

/// Bits of what memory held: `(loaded & mask) >> shift`.
struct Bits {
    load: Load,
    at: usize,
    mask: u64,
    shift: i32,
}

/// A member among the bits of a read.
struct Field {
    text: String,
    type_id: Option<TypeId>,
    mask: u64,
}

impl View<'_, '_> {
    /// A comparison with a constant as one of members, in words of the source; none where the bits are not exactly
    /// those of members.
    pub(crate) fn fields_text(
        &self,
        cond: Cond,
        left: &Expr,
        number: u64,
        at: usize,
    ) -> Option<String> {
        let bits = self.bits(left, at, MOST_STEPS)?;
        let place =
            self.place_within(&bits.load.address, bits.load.size, bits.load.space, bits.at)?;
        let fields = self.fields(&place, &bits)?;
        if let [field] = fields.as_slice()
            && bits.mask & !field.mask == 0
        {
            let low = field.mask.trailing_zeros();
            if bits.mask != field.mask {
                // Some bits of a number.
                let mask = bits.mask >> low;
                let number = lifted(number, bits.shift)? >> low;
                return match (cond, number) {
                    (Cond::Ne, 0) => Some(format!("{} & {mask:#x}", field.text)),
                    (Cond::Eq, 0) => Some(format!("!({} & {mask:#x})", field.text)),
                    (Cond::Eq, _) => Some(format!("({} & {mask:#x}) == {number:#x}", field.text)),
                    (Cond::Ne, _) => Some(format!("({} & {mask:#x}) != {number:#x}", field.text)),
                    _ => None,
                };
            }
            let is_plain = bits.shift == low.cast_signed();
            if !is_plain && !matches!(cond, Cond::Eq | Cond::Ne) {
                return None;
            }
            let width = 64 - field.mask.leading_zeros() - low;
            let number = match is_plain {
                true => number & ones(width),
                false => exactly(lifted(number, bits.shift)? & bits.mask, low)?,
            };
            return Some(self.compared(field, cond, number, width));
        }
        if cond != Cond::Eq || fields.iter().fold(0, |all, field| all | field.mask) != bits.mask {
            return None;
        }
        // Several members that were compared at once.
        let number = lifted(number, bits.shift)?;
        let mut texts = Vec::new();
        for field in &fields {
            let low = field.mask.trailing_zeros();
            let width = 64 - field.mask.leading_zeros() - low;
            texts.push(self.compared(field, Cond::Eq, (number & field.mask) >> low, width));
        }
        Some(texts.join(" && "))
    }

    fn compared(&self, field: &Field, cond: Cond, number: u64, width: u32) -> String {
        let text = &field.text;
        let kind = field.type_id.and_then(|type_id| {
            let (_, shape) = self.debug.strip(Some(type_id)).ok()??;
            Some(shape.kind.clone())
        });
        let is_truth = matches!(kind, Some(Kind::Base(Encoding::Bool) | Kind::Pointer(_)));
        match (cond, number) {
            (Cond::Ne, 0) if is_truth || width == 1 => return text.clone(),
            (Cond::Eq, 0) if is_truth || width == 1 => return format!("!{text}"),
            (Cond::Eq, 1) if width == 1 => return text.clone(),
            (Cond::Ne, 1) if width == 1 => return format!("!{text}"),
            _ => {}
        }
        let is_signed = matches!(
            kind,
            Some(Kind::Base(Encoding::Signed | Encoding::SignedChar) | Kind::Enumeration(_))
        );
        let number = match (is_signed, width) {
            (true, 8 | 16 | 32) => extend(number, u8::try_from(width / 8).unwrap_or(8), true),
            _ => number,
        };
        let sign = crate::guards::sign(cond).unwrap_or("?");
        format!("{text} {sign} {}", self.number_text(number))
    }

    /// The members that have some of the bits.
    fn fields(&self, place: &Place<'_>, bits: &Bits) -> Option<Vec<Field>> {
        if place.pointer.stride.is_some() || place.pointer.text.is_empty() {
            return None;
        }
        let object = self.debug.object(self.object()?)?;
        let size = u64::from(bits.load.size);
        let start = u64::try_from(place.pointer.offset).ok()?;
        let whole = i64::try_from(start + size).ok()?;
        if whole > self.size_of(place.pointer.to)? {
            return None;
        }
        let mut fields: Vec<Field> = Vec::new();
        for byte in 0..size {
            let offset = start.checked_add(byte)?;
            let paths = self.debug.members_at(place.pointer.to, offset, None).ok()?;
            for path in paths {
                // Between the members is only the structure itself.
                if path.bits.is_none() && path.type_id.is_none_or(|of| self.is_record(of)) {
                    continue;
                }
                let first = offset.checked_sub(path.beyond)?;
                // Bits in the order of memory, from the first of the read.
                let (from, width) = match &path.bits {
                    Some(field) => {
                        let owner = path.owner.as_ref()?;
                        let owner = first.checked_sub(owner.offset)?;
                        (owner.checked_mul(8)?.checked_add(field.offset)?, field.size)
                    }
                    None => {
                        let size = self.size_of(path.type_id?)?;
                        (
                            first.checked_mul(8)?,
                            u64::try_from(size).ok()?.checked_mul(8)?,
                        )
                    }
                };
                // What lies between members is asked for by nobody.
                if path.beyond.saturating_mul(8) >= width.max(1) && path.bits.is_none() {
                    continue;
                }
                let from = i64::try_from(from).ok()? - i64::try_from(start.checked_mul(8)?).ok()?;
                let end = from.checked_add(i64::try_from(width).ok()?)?;
                let read = i64::try_from(size * 8).ok()?;
                let (first, last) = (from.max(0), end.min(read));
                let Ok(inside) = u32::try_from(last - first) else {
                    continue;
                };
                let low = match object.endian() {
                    Endian::Little => first,
                    Endian::Big => read - last,
                };
                let mask = ones(inside).checked_shl(u32::try_from(low).ok()?)?;
                if inside == 0 || mask & bits.mask == 0 {
                    continue;
                }
                if from < 0 || end > read {
                    // Only a part of it was read.
                    return None;
                }
                let inner = Place {
                    paths: vec![path.clone()],
                    ..place.clone()
                };
                let text = inner.text()?;
                let clash = fields
                    .iter()
                    .any(|known| known.mask & mask != 0 && known.text != text);
                if clash || fields.len() >= MOST_FIELDS {
                    // Of a union, more than one member has these bits.
                    return None;
                }
                if !fields.iter().any(|known| known.text == text) {
                    fields.push(Field {
                        text,
                        type_id: path.type_id,
                        mask,
                    });
                }
            }
        }
        (!fields.is_empty()).then_some(fields)
    }

    /// The bits of memory that a value is made of.
    fn bits(&self, value: &Expr, at: usize, steps: u32) -> Option<Bits> {
        let steps = steps.checked_sub(1)?;
        match value {
            Expr::Load(load) => Some(Bits {
                load: (**load).clone(),
                at,
                mask: ones(u32::from(load.size) * 8),
                shift: 0,
            }),
            Expr::Reg(reg) if *reg != Reg::FLAGS => match self.body.origins(*reg, at).as_slice() {
                [Origin::Set(set, value)] => self.bits(value, *set, steps),
                _ => None,
            },
            Expr::Extend { size, value, .. } => {
                let low = ones(u32::from(*size) * 8);
                // An operation on a part of a register keeps the rest of it.
                let value = match value.as_ref() {
                    Expr::Reg(reg) => match self.body.origins(*reg, at).as_slice() {
                        [Origin::Set(set, value)] => return self.part(value, *set, low, steps),
                        _ => return None,
                    },
                    value => value,
                };
                self.part(value, at, low, steps)
            }
            Expr::Binary(Op::And, left, right) => {
                let (value, mask) = match (left.as_ref(), right.as_ref()) {
                    (value, Expr::Const(mask)) | (Expr::Const(mask), value) => (value, *mask),
                    (left, right) => match (self.number(left, at), self.number(right, at)) {
                        (None, Some(mask)) => (left, mask),
                        (Some(mask), None) => (right, mask),
                        _ => return None,
                    },
                };
                self.bits(value, at, steps)?.masked(mask)
            }
            Expr::Binary(Op::Shr, value, by) => {
                let by = i32::try_from(self.number(by, at)?)
                    .ok()
                    .filter(|by| *by < 64)?;
                let mut bits = self.bits(value, at, steps)?;
                bits.shift = bits.shift.checked_add(by)?;
                bits.mask &= match bits.shift {
                    ..0 => u64::MAX,
                    shift => u64::MAX.checked_shl(shift.unsigned_abs()).unwrap_or(0),
                };
                Some(bits)
            }
            _ => None,
        }
    }

    /// The lowest bits of a value.
    fn part(&self, value: &Expr, at: usize, low: u64, steps: u32) -> Option<Bits> {
        if let Expr::Binary(Op::Or, rest, part) = value {
            let is_rest = |side: &Expr| match side {
                Expr::Binary(Op::And, _, mask) => {
                    matches!(mask.as_ref(), Expr::Const(mask) if mask & low == 0)
                }
                _ => false,
            };
            if is_rest(rest) {
                return self.bits(part, at, steps)?.masked(low);
            }
            if is_rest(part) {
                return self.bits(rest, at, steps)?.masked(low);
            }
        }
        self.bits(value, at, steps)?.masked(low)
    }
}

impl Bits {
    fn masked(mut self, mask: u64) -> Option<Self> {
        self.mask &= lifted(mask, self.shift)?;
        (self.mask != 0).then_some(self)
    }
}

/// The lowest `width` bits.
fn ones(width: u32) -> u64 {
    u64::MAX
        .checked_shr(64_u32.saturating_sub(width))
        .unwrap_or(0)
}

/// A number before it was shifted right.
fn lifted(number: u64, shift: i32) -> Option<u64> {
    let shift = u32::try_from(shift).ok()?;
    number.checked_shl(shift)
}

/// The number shifted right, where no bits are lost.
fn exactly(number: u64, by: u32) -> Option<u64> {
    let shifted = number.checked_shr(by)?;
    (shifted << by == number).then_some(shifted)
}
