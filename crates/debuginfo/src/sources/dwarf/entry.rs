//! Entries of `.debug_info`: their names, references, constants and addresses.

use std::ops::Range;

use base::Budget;
use gimli::{AttributeValue, DebuggingInformationEntry, EntriesRaw, UnitOffset, constants as dw};

use super::{Dwarf, MOST_STEPS, Slice, Unit};
use crate::error::Result;
use crate::types::TypeId;

/// Bytes of a name: any entry may name any place of one endless text.
const LONGEST_TEXT: usize = 1 << 14;

/// One entry with all its attributes.
pub(super) type Entry<'a> = DebuggingInformationEntry<Slice<'a>>;

/// Where another entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// In `.debug_info` of this object.
    Here(usize),
    /// In `.debug_info` of the object with what is shared.
    Shared(usize),
}

impl<'a> Dwarf<'a> {
    /// Reads the entry at `at`, counted from the unit's header.
    pub(super) fn entry(&self, unit: &Unit<'a>, at: UnitOffset) -> Result<Entry<'a>> {
        let mut entry = Entry::null();
        let mut entries = self.entries(unit, Some(at))?;
        self.read_entry(unit, &mut entries, &mut entry)?;
        Ok(entry)
    }

    /// Steps over the attributes of an entry whose abbreviation was read; where the entry behind its children lies,
    /// if it has some and the compiler tells (2.3).
    pub(super) fn step_over(
        &self,
        entries: &mut EntriesRaw<'_, Slice<'a>>,
        abbreviation: &gimli::Abbreviation,
    ) -> gimli::Result<Option<UnitOffset>> {
        let specs = abbreviation.attributes();
        let is_sibling = |spec: &gimli::AttributeSpecification| spec.name() == dw::DW_AT_sibling;
        let place = specs.iter().position(is_sibling);
        let place = place.filter(|_| abbreviation.has_children());
        let Some((before, [spec, behind @ ..])) =
            place.and_then(|place| specs.split_at_checked(place))
        else {
            entries.skip_attributes(specs)?;
            return Ok(None);
        };
        entries.skip_attributes(before)?;
        let sibling = entries.read_attribute_inline(*spec)?.value();
        entries.skip_attributes(behind)?;
        let next = match sibling {
            AttributeValue::UnitRef(next) => Some(next),
            _ => None,
        };
        // It must lie ahead, or this would go on for ever.
        Ok(next.filter(|next| *next > entries.next_offset()))
    }

    /// Reads the entry at `at` in `.debug_info`.
    pub(super) fn entry_at(&self, unit: &Unit<'a>, at: usize) -> Result<Entry<'a>> {
        match at.checked_sub(unit.range.start) {
            Some(offset) => self.entry(unit, UnitOffset(offset)),
            None => Err(self.bad(at, "a reference leads out of all units")),
        }
    }

    /// The text of an attribute; empty where there is none or it cannot be had.
    pub(super) fn text(&self, unit: &Unit<'a>, entry: &Entry<'a>, name: gimli::DwAt) -> &'a str {
        let value = entry.attr_value(name);
        value.map_or("", |value| self.text_of(unit, value))
    }

    /// The text of an attribute's value.
    pub(super) fn text_of(&self, unit: &Unit<'a>, value: AttributeValue<Slice<'a>>) -> &'a str {
        let bytes = match value {
            AttributeValue::DebugStrRef(offset) => self.text_at(offset.0),
            AttributeValue::DebugStrOffsetsIndex(index) => {
                let offset = self.inner.string_offset(&unit.inner, index);
                offset.map_or(&[][..], |offset| self.text_at(offset.0))
            }
            value => match self.inner.attr_string(&unit.inner, value) {
                Ok(text) => text.slice(),
                Err(_) => &[],
            },
        };
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The text at an offset of `.debug_str`; empty where it has no end within reason.
    pub(super) fn text_at(&self, offset: usize) -> &'a [u8] {
        let rest = self.text_bytes.get(offset..).unwrap_or_default();
        let near = rest.get(..LONGEST_TEXT.min(rest.len())).unwrap_or_default();
        let end = memchr::memchr(0, near);
        end.and_then(|end| near.get(..end)).unwrap_or_default()
    }

    /// The entry that an attribute refers to.
    pub(super) fn reference(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
        name: gimli::DwAt,
    ) -> Option<Reference> {
        match entry.attr_value(name)? {
            AttributeValue::UnitRef(offset) => {
                unit.range.start.checked_add(offset.0).map(Reference::Here)
            }
            AttributeValue::DebugInfoRef(offset) => Some(Reference::Here(offset.0)),
            AttributeValue::DebugInfoRefSup(offset) => Some(Reference::Shared(offset.0)),
            _ => None,
        }
    }

    /// The type that an entry refers to.
    pub(super) fn type_of(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<TypeId> {
        self.type_id(self.reference(unit, entry, dw::DW_AT_type)?)
    }

    pub(super) fn type_id(&self, reference: Reference) -> Option<TypeId> {
        Some(match reference {
            Reference::Here(at) => TypeId {
                object: self.object,
                at: at as u64,
            },
            Reference::Shared(at) => TypeId {
                object: self.shared.as_ref()?.object,
                at: at as u64,
            },
        })
    }

    /// Calls `look` with an entry and those that say more about the same thing (2.13.2
    /// "Specification", 3.3.8 "abstract origin"), until it has found what it looks for.
    pub(super) fn along<T>(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
        mut look: impl FnMut(&Dwarf<'a>, &Unit<'a>, &Entry<'a>) -> Option<T>,
    ) -> Option<T> {
        if let Some(found) = look(self, unit, entry) {
            return Some(found);
        }
        let next = |dwarf: &Dwarf<'a>, unit: &Unit<'a>, entry: &Entry<'a>| {
            let names = [dw::DW_AT_abstract_origin, dw::DW_AT_specification];
            let mut references = names.into_iter();
            references.find_map(|name| dwarf.reference(unit, entry, name))
        };
        let mut dwarf = self;
        let mut at = next(dwarf, unit, entry)?;
        for _ in 0..MOST_STEPS {
            let (home, place) = dwarf.home(at)?;
            dwarf = home;
            let unit = dwarf.unit_of(place).ok()?;
            let entry = dwarf.entry_at(&unit, place).ok()?;
            if let Some(found) = look(dwarf, &unit, &entry) {
                return Some(found);
            }
            at = next(dwarf, &unit, &entry)?;
        }
        None
    }

    /// The debug info that a reference leads into, and where in its `.debug_info`.
    pub(super) fn home(&self, reference: Reference) -> Option<(&Dwarf<'a>, usize)> {
        Some(match reference {
            Reference::Here(at) => (self, at),
            Reference::Shared(at) => (self.shared.as_deref()?, at),
        })
    }

    /// The name of an entry, its own or that of what it is a copy of.
    pub(super) fn name(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> &'a str {
        let name = self.along(unit, entry, |dwarf, unit, entry| {
            let name = dwarf.text(unit, entry, dw::DW_AT_name);
            (!name.is_empty()).then_some(name)
        });
        name.unwrap_or_default()
    }

    /// The name and the type of a parameter or variable, each its own or that of what it is a copy of.
    pub(super) fn name_and_type(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
    ) -> (&'a str, Option<TypeId>) {
        let (mut name, mut type_id) = ("", None);
        self.along(unit, entry, |dwarf, unit, entry| {
            if name.is_empty() {
                name = dwarf.text(unit, entry, dw::DW_AT_name);
            }
            type_id = type_id.or_else(|| dwarf.type_of(unit, entry));
            (!name.is_empty() && type_id.is_some()).then_some(())
        });
        (name, type_id)
    }

    /// The number of an attribute that is a constant without a sign.
    pub(super) fn number(entry: &Entry<'a>, name: gimli::DwAt) -> Option<u64> {
        match entry.attr_value(name)? {
            AttributeValue::FileIndex(file) => Some(file),
            value => value
                .udata_value()
                .or_else(|| value.sdata_value().map(|value| value as u64)),
        }
    }

    /// Whether an attribute is there and says yes.
    pub(super) fn flag(entry: &Entry<'a>, name: gimli::DwAt) -> bool {
        matches!(entry.attr_value(name), Some(AttributeValue::Flag(true)))
    }

    /// The code of an entry (2.17): its range, or its ranges with that of the entry point first.
    pub(super) fn ranges(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
        budget: &mut Budget,
    ) -> Result<Vec<Range<u64>>> {
        let at = unit.range.start.saturating_add(entry.offset().0);
        let wrong = |error| self.wrong(at, error);
        if let Some(value) = entry.attr_value(dw::DW_AT_ranges) {
            let list = self.inner.attr_ranges(&unit.inner, value).map_err(wrong)?;
            let Some(mut list) = list else {
                return Ok(Vec::new());
            };
            let mut ranges = Vec::new();
            while let Some(range) = list.next().map_err(wrong)? {
                budget
                    .spend(1)
                    .map_err(|error| self.bad(at, error.to_string()))?;
                if range.begin < range.end {
                    ranges.push(range.begin..range.end);
                }
            }
            return Ok(ranges);
        }
        let Some(low) = entry.attr_value(dw::DW_AT_low_pc) else {
            return Ok(Vec::new());
        };
        let low = self.inner.attr_address(&unit.inner, low).map_err(wrong)?;
        let high = match entry.attr_value(dw::DW_AT_high_pc) {
            Some(value) => match value.udata_value() {
                Some(size) => low.map(|low| low.saturating_add(size)),
                None => self.inner.attr_address(&unit.inner, value).map_err(wrong)?,
            },
            None => None,
        };
        let range = low.zip(high).map(|(low, high)| low..high);
        Ok(range
            .filter(|range| range.start < range.end)
            .into_iter()
            .collect())
    }
}
