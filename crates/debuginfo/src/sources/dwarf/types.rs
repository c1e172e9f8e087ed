//! Types in DWARF: chapter 5 "Type Entries".

use gimli::{AttributeValue, constants as dw};

use super::entry::Entry;
use super::{Dwarf, Unit};
use crate::error::Result;
use crate::types::{Bits, Encoding, Kind, Member, Qualifier, Shape, TypeId};

impl<'a> Dwarf<'a> {
    /// One step into the type at `at` in `.debug_info`.
    pub(crate) fn shape(&self, at: u64) -> Result<Shape<'a>> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let unit = self.unit_of(at)?;
        let entry = self.entry_at(&unit, at)?;
        let to = || self.type_of(&unit, &entry);
        let kind = match entry.tag() {
            dw::DW_TAG_base_type => Kind::Base(encoding(&entry)),
            dw::DW_TAG_pointer_type
            | dw::DW_TAG_reference_type
            | dw::DW_TAG_rvalue_reference_type => Kind::Pointer(to()),
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type => {
                Kind::Record {
                    is_union: entry.tag() == dw::DW_TAG_union_type,
                    members: self.members(&unit, &entry)?,
                }
            }
            dw::DW_TAG_array_type => Kind::Array {
                element: to(),
                counts: self.counts(&unit, &entry)?,
            },
            dw::DW_TAG_enumeration_type => Kind::Enumeration(self.enumerators(&unit, &entry)?),
            dw::DW_TAG_typedef => Kind::Typedef(to()),
            dw::DW_TAG_const_type => Kind::Qualified(Qualifier::Const, to()),
            dw::DW_TAG_volatile_type => Kind::Qualified(Qualifier::Volatile, to()),
            dw::DW_TAG_restrict_type => Kind::Qualified(Qualifier::Restrict, to()),
            dw::DW_TAG_atomic_type => Kind::Qualified(Qualifier::Atomic, to()),
            dw::DW_TAG_subroutine_type | dw::DW_TAG_subprogram => {
                let (parameters, is_variadic) = self.parameters(&unit, &entry)?;
                Kind::Function {
                    returns: to(),
                    parameters,
                    is_variadic,
                }
            }
            tag => Kind::Other(tag.static_string().unwrap_or("an unknown kind of type")),
        };
        Ok(Shape {
            kind,
            name: self.text(&unit, &entry, dw::DW_AT_name),
            size: self.size(&unit, &entry),
            is_declaration: Self::flag(&entry, dw::DW_AT_declaration),
        })
    }

    fn size(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<u64> {
        let told = Self::number(entry, dw::DW_AT_byte_size);
        match entry.tag() {
            dw::DW_TAG_pointer_type | dw::DW_TAG_reference_type => {
                Some(told.unwrap_or_else(|| unit.inner.header.address_size().into()))
            }
            _ => told,
        }
    }

    /// Calls `each` with the children of an entry, not with their children.
    pub(super) fn children(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
        mut each: impl FnMut(&Entry<'a>),
    ) -> Result<()> {
        if !entry.has_children() {
            return Ok(());
        }
        let mut entries = self.entries(unit, Some(entry.offset()))?;
        let mut child = Entry::null();
        // The entry itself, then everything up to the end of its children.
        self.read_entry(unit, &mut entries, &mut child)?;
        while !entries.is_empty() && entries.next_depth() > 0 {
            if self.read_entry(unit, &mut entries, &mut child)? && child.depth() == 1 {
                each(&child);
            }
        }
        Ok(())
    }

    fn members(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Result<Vec<Member<'a>>> {
        let mut members = Vec::new();
        self.children(unit, entry, |child| {
            if child.tag() == dw::DW_TAG_member && !Self::flag(child, dw::DW_AT_external) {
                members.push(self.member(unit, child));
            }
        })?;
        Ok(members)
    }

    fn member(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Member<'a> {
        let start = match entry.attr_value(dw::DW_AT_data_member_location) {
            Some(AttributeValue::Exprloc(expression)) => {
                // DWARF 2: the address of the structure is on the stack.
                let mut operations = expression.operations(unit.inner.encoding());
                match operations.next() {
                    Ok(Some(gimli::Operation::PlusConstant { value })) => value,
                    _ => 0,
                }
            }
            Some(value) => value.udata_value().unwrap_or(0),
            None => 0,
        };
        let bits = Self::number(entry, dw::DW_AT_bit_size).map(|size| {
            let offset = if let Some(offset) = Self::number(entry, dw::DW_AT_data_bit_offset) {
                start.saturating_mul(8).saturating_add(offset)
            } else {
                // DWARF 2 and 3 (5.5.6 there): counted from the highest bit of the unit that holds the field.
                let from_top = Self::number(entry, dw::DW_AT_bit_offset).unwrap_or(0);
                let within = match self.endian {
                    base::Endian::Big => from_top,
                    base::Endian::Little => {
                        let storage = Self::number(entry, dw::DW_AT_byte_size)
                            .or_else(|| self.plain_size(self.type_of(unit, entry)?))
                            .unwrap_or(0);
                        let used = from_top.saturating_add(size);
                        storage.saturating_mul(8).saturating_sub(used)
                    }
                };
                start.saturating_mul(8).saturating_add(within)
            };
            Bits { offset, size }
        });
        Member {
            name: self.text(unit, entry, dw::DW_AT_name),
            offset: bits.map_or(start, |bits| bits.offset / 8),
            bits,
            type_id: self.type_of(unit, entry),
        }
    }

    /// The size of the type that a bit field has, through other names for it.
    fn plain_size(&self, type_id: TypeId) -> Option<u64> {
        let mut at = type_id;
        for _ in 0..super::MOST_STEPS {
            if at.object != self.object {
                return None;
            }
            let unit = self.unit_of(at.at as usize).ok()?;
            let entry = self.entry_at(&unit, at.at as usize).ok()?;
            if let Some(size) = Self::number(&entry, dw::DW_AT_byte_size) {
                return Some(size);
            }
            at = self.type_of(&unit, &entry)?;
        }
        None
    }

    fn counts(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Result<Vec<Option<u64>>> {
        let mut counts = Vec::new();
        self.children(unit, entry, |child| {
            if child.tag() == dw::DW_TAG_subrange_type {
                let count = Self::number(child, dw::DW_AT_count);
                // GCC says -1 for `[0]`; an upper bound may have the form of a number with a sign.
                let bound = || Self::number(child, dw::DW_AT_upper_bound);
                counts.push(count.or_else(|| bound().map(|bound| bound.wrapping_add(1))));
            }
        })?;
        if counts.is_empty() {
            counts.push(None);
        }
        Ok(counts)
    }

    fn enumerators(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Result<Vec<(&'a str, i64)>> {
        let mut names = Vec::new();
        self.children(unit, entry, |child| {
            if child.tag() == dw::DW_TAG_enumerator {
                let value = Self::number(child, dw::DW_AT_const_value);
                if let Some(value) = value {
                    names.push((self.text(unit, child, dw::DW_AT_name), value as i64));
                }
            }
        })?;
        Ok(names)
    }

    #[allow(
        clippy::type_complexity,
        reason = "a name and a type for each parameter"
    )]
    fn parameters(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
    ) -> Result<(Vec<(&'a str, Option<TypeId>)>, bool)> {
        let (mut parameters, mut is_variadic) = (Vec::new(), false);
        self.children(unit, entry, |child| match child.tag() {
            dw::DW_TAG_formal_parameter => {
                parameters.push((self.name(unit, child), self.type_of(unit, child)));
            }
            dw::DW_TAG_unspecified_parameters => is_variadic = true,
            _ => {}
        })?;
        Ok((parameters, is_variadic))
    }
}

fn encoding(entry: &Entry<'_>) -> Encoding {
    match entry.attr_value(dw::DW_AT_encoding) {
        Some(AttributeValue::Encoding(encoding)) => match encoding {
            dw::DW_ATE_signed => Encoding::Signed,
            dw::DW_ATE_unsigned => Encoding::Unsigned,
            dw::DW_ATE_signed_char => Encoding::SignedChar,
            dw::DW_ATE_unsigned_char | dw::DW_ATE_UTF | dw::DW_ATE_ASCII => Encoding::UnsignedChar,
            dw::DW_ATE_boolean => Encoding::Bool,
            dw::DW_ATE_float | dw::DW_ATE_complex_float => Encoding::Float,
            _ => Encoding::Other,
        },
        _ => Encoding::Other,
    }
}
