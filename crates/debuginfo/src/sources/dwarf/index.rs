//! Finding entries by name and variables by address, without an index on disk.
//!
//! Names are indexed once for all units, in parallel, and only when a name must be found outside the unit at
//! hand. Variables are found by searching `.debug_info` for the bytes of their address.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError};

use gimli::{AttributeValue, UnitHeader, UnitOffset, constants as dw};
use rayon::prelude::*;

use super::entry::Entry;
use super::{Dwarf, Slice, Unit};
use crate::error::Result;
use crate::threads;
use crate::types::{NameKind, TypeId};

/// A variable: its name and its type.
pub(super) type FoundVariable<'a> = (&'a str, Option<TypeId>);

/// Addresses of variables that are kept of one part of `.debug_info`.
const MOST_VARIABLES: usize = 1 << 18;

/// What an entry's name means, if it is one that is looked for.
fn kind_of(tag: gimli::DwTag) -> Option<NameKind> {
    Some(match tag {
        dw::DW_TAG_structure_type | dw::DW_TAG_class_type => NameKind::Structure,
        dw::DW_TAG_union_type => NameKind::Union,
        dw::DW_TAG_enumeration_type => NameKind::Enumeration,
        dw::DW_TAG_typedef => NameKind::Typedef,
        dw::DW_TAG_base_type => NameKind::Base,
        dw::DW_TAG_subprogram => NameKind::Function,
        _ => return None,
    })
}

/// What all units define under which name.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Sorted.
    names: Vec<Named>,
}

/// Hash of a name, what it means, where in `.debug_info`.
pub(super) type Named = (u64, NameKind, u64);

/// A definition while it is looked for: what, its name, and its size, as source files may define
/// different types of one name.
type Key = (NameKind, NameKey, u64);

/// A name without its text: where in `.debug_str` it is, where linkers keep each text once, else a hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum NameKey {
    Offset(usize),
    Hash(u64),
}

/// Multiplies and shifts: the keys are small numbers, and there are millions of them.
#[derive(Default)]
struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
}

type Found = HashMap<Key, u64, BuildHasherDefault<QuickHasher>>;

impl<'a> Dwarf<'a> {
    /// Everything that any unit defines as a `kind` called `name`; several where they differ in size.
    pub(crate) fn named(&self, kind: NameKind, name: &str) -> Vec<u64> {
        let index = self.names.get_or_init(|| self.index());
        self.pick(&index.names, kind, name).collect()
    }

    /// The definition of a `kind` called `name` in the unit that holds `at`, if it has one.
    pub(crate) fn named_near(&self, at: u64, kind: NameKind, name: &str) -> Option<u64> {
        let unit = self.unit_of(usize::try_from(at).ok()?).ok()?;
        let names = unit.names.get_or_init(|| {
            let mut names = Vec::new();
            let Unit { range, inner, .. } = &*unit;
            let result = self.top_level(
                &inner.header,
                &inner.abbreviations,
                range.start,
                &mut |item| {
                    names.push((hash(self.key_text(&unit, item.name)), item.kind, item.at));
                },
            );
            if let Err(error) = result {
                self.note_damage(error);
            }
            names.sort_unstable();
            names
        });
        self.pick(names, kind, name).next()
    }

    /// Of sorted names those that are `kind` and `name`.
    fn pick<'n>(
        &'n self,
        names: &'n [Named],
        kind: NameKind,
        name: &'n str,
    ) -> impl Iterator<Item = u64> + 'n {
        let hash = hash(name.as_bytes());
        let start = names.partition_point(|entry| (entry.0, entry.1) < (hash, kind));
        let same = names.get(start..).unwrap_or_default().iter();
        let same = same.take_while(move |entry| (entry.0, entry.1) == (hash, kind));
        let is_named = move |at: &u64| {
            let at = *at as usize;
            let text = self
                .unit_of(at)
                .and_then(|unit| Ok(self.text(&unit, &self.entry_at(&unit, at)?, dw::DW_AT_name)));
            text.is_ok_and(|text| text == name)
        };
        same.map(|entry| entry.2).filter(is_named)
    }

    fn key_text(&self, unit: &Unit<'a>, name: AttributeValue<Slice<'a>>) -> &'a [u8] {
        self.text_of(unit, name).as_bytes()
    }

    fn index(&self) -> Index {
        let units = &self.headers().units;
        // Each part keeps what it has found once, so few parts take little memory; more than there are
        // processors even out units of different sizes.
        let parts = rayon::current_num_threads().max(1) * 2;
        let total: usize = units
            .iter()
            .map(|(_, header)| header.length_including_self())
            .sum();
        let mut cuts = vec![0];
        let mut sum = 0;
        for (number, (_, header)) in units.iter().enumerate() {
            sum += header.length_including_self();
            if sum >= total / parts * cuts.len() && cuts.len() < parts {
                cuts.push(number + 1);
            }
        }
        cuts.push(units.len());
        let ranges: Vec<_> = cuts
            .windows(2)
            .filter_map(|cut| units.get(*cut.first()?..*cut.last()?))
            .collect();
        let found = threads::map(&ranges, |units| self.index_part(units));
        let mut all = Found::default();
        for part in found {
            for (key, at) in part {
                // Whichever part was ready first: the entry that comes first in the file.
                let known = all.entry(key).or_insert(at);
                *known = at.min(*known);
            }
        }
        // Relocatable files keep a text as often as they have source files: by text things come together.
        let mut by_text: HashMap<(NameKind, u64, u64), u64, BuildHasherDefault<QuickHasher>> =
            HashMap::default();
        for ((kind, name, size), at) in all {
            let hash = match name {
                NameKey::Hash(hash) => hash,
                NameKey::Offset(offset) => hash(self.text_at(offset)),
            };
            let known = by_text.entry((kind, hash, size)).or_insert(at);
            *known = at.min(*known);
        }
        let mut names: Vec<_> = by_text
            .into_iter()
            .map(|((kind, hash, _), at)| (hash, kind, at))
            .collect();
        names.sort_unstable();
        Index { names }
    }

    fn index_part(&self, units: &[(usize, UnitHeader<Slice<'a>>)]) -> Found {
        let mut found = Found::default();
        for (start, header) in units {
            let abbreviations = match self.abbreviations(*start, header) {
                Ok(abbreviations) => abbreviations,
                Err(error) => {
                    self.note_damage(error);
                    continue;
                }
            };
            // Only few compilers put names elsewhere than into `.debug_str`; these need the whole unit.
            let mut unit = None;
            let result = self.top_level(header, &abbreviations, *start, &mut |item| {
                let name = match item.name {
                    AttributeValue::DebugStrRef(offset) => NameKey::Offset(offset.0),
                    AttributeValue::String(text) => NameKey::Hash(hash(text.slice())),
                    value => {
                        let unit = unit.get_or_insert_with(|| self.read_unit(*start, *header).ok());
                        let Some(unit) = unit else { return };
                        NameKey::Hash(hash(self.key_text(unit, value)))
                    }
                };
                found.entry((item.kind, name, item.size)).or_insert(item.at);
            });
            // What is read before damage stands.
            if let Err(error) = result {
                self.note_damage(error);
            }
        }
        found
    }

    /// Calls `each` with every named definition at the top level of a unit.
    fn top_level(
        &self,
        header: &UnitHeader<Slice<'a>>,
        abbreviations: &gimli::Abbreviations,
        start: usize,
        each: &mut dyn FnMut(Item<'a>),
    ) -> Result<()> {
        let wrong = |at: UnitOffset, error| self.wrong(start.saturating_add(at.0), error);
        let mut entries = header
            .entries_raw(abbreviations, None)
            .map_err(|error| self.wrong(start, error))?;
        // Depth of the entries that count; those of a namespace lie deeper. Reading that begins anew behind an
        // entry's children counts from 0, so the depth of that place is added.
        let (mut level, mut base) = (1, 0);
        while !entries.is_empty() {
            let (at, depth) = (entries.next_offset(), entries.next_depth() + base);
            let abbreviation = entries.read_abbreviation();
            let Some(abbreviation) = abbreviation.map_err(|error| wrong(at, error))? else {
                level = level.min((entries.next_depth() + base).max(1));
                continue;
            };
            let specs = abbreviation.attributes();
            let tag = abbreviation.tag();
            if depth == level && tag == dw::DW_TAG_namespace && abbreviation.has_children() {
                level += 1;
            }
            let kind = kind_of(tag).filter(|_| depth == level);
            if kind.is_none() && (depth != level || !abbreviation.has_children()) {
                let skipped = entries.skip_attributes(specs);
                skipped.map_err(|error| wrong(at, error))?;
                continue;
            }
            let (mut name, mut size, mut sibling, mut is_declaration) = (None, 0, None, false);
            for spec in specs {
                let attribute = entries.read_attribute_inline(*spec);
                let attribute = attribute.map_err(|error| wrong(at, error))?;
                match attribute.name() {
                    dw::DW_AT_name => name = Some(attribute.value()),
                    dw::DW_AT_byte_size => size = attribute.value().udata_value().unwrap_or(0),
                    dw::DW_AT_sibling => sibling = Some(attribute.value()),
                    dw::DW_AT_declaration => is_declaration = true,
                    _ => {}
                }
            }
            if let (Some(kind), Some(name), false) = (kind, name, is_declaration) {
                each(Item {
                    kind,
                    name,
                    size,
                    at: start as u64 + at.0 as u64,
                });
            }
            // The entry behind the children. It must lie ahead, or this would go on for ever.
            if abbreviation.has_children()
                && depth == level
                && let Some(AttributeValue::UnitRef(next)) = sibling
                && next > entries.next_offset()
            {
                let behind = header.entries_raw(abbreviations, Some(next));
                (entries, base) = (behind.map_err(|error| wrong(at, error))?, depth);
            }
        }
        Ok(())
    }

    /// The variable that starts at `address`: its name and type.
    ///
    /// `beside` is the address of a function of the same source file, where one is known: to look through all
    /// of a kernel takes a hundredth of a second, and reads all of its debug info.
    pub(crate) fn variable(
        &self,
        address: u64,
        beside: Option<u64>,
    ) -> Result<Option<FoundVariable<'a>>> {
        let kept = || {
            self.variables
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(known) = kept().get(&address) {
            return Ok(*known);
        }
        let found = self.look_for_variable(address, beside)?;
        kept().insert(address, found);
        Ok(found)
    }

    fn look_for_variable(
        &self,
        address: u64,
        beside: Option<u64>,
    ) -> Result<Option<FoundVariable<'a>>> {
        let mut needle = vec![dw::DW_OP_addr.0];
        match (self.is_64, self.endian) {
            (true, base::Endian::Little) => needle.extend(address.to_le_bytes()),
            (true, base::Endian::Big) => needle.extend(address.to_be_bytes()),
            (false, base::Endian::Little) => needle.extend((address as u32).to_le_bytes()),
            (false, base::Endian::Big) => needle.extend((address as u32).to_be_bytes()),
        }
        needle.insert(0, needle.len() as u8);
        // A damaged unit is no reason not to look elsewhere.
        let unit = beside.and_then(|beside| self.unit_with_code(beside).ok().flatten());
        if let Some(unit) = unit
            && let Some(found) = self.variable_of(&needle, unit.range.clone())?
        {
            return Ok(Some(found));
        }
        let places = self
            .variable_places
            .get_or_init(|| self.places_of_variables(&needle));
        let start = places.partition_point(|(known, _)| *known < address);
        let own = places.get(start..).unwrap_or_default().iter();
        let own = own.take_while(|(known, _)| *known == address);
        self.variable_at_one_of(own.map(|(_, place)| *place))
    }

    /// Every place that looks like the address of a variable, as `needle` does: to look for one takes as long.
    fn places_of_variables(&self, needle: &[u8]) -> Vec<(u64, usize)> {
        const PART: usize = 4 << 20;
        // Length and operator come first.
        let (head, word) = needle.split_at_checked(2).unwrap_or_default();
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let read = |bytes: &[u8]| match self.endian {
            base::Endian::Little => bytes.iter().rev().fold(0, fold),
            base::Endian::Big => bytes.iter().fold(0, fold),
        };
        let finder = memchr::memmem::Finder::new(head);
        let starts: Vec<usize> = (0..self.info.len()).step_by(PART).collect();
        let parts = threads::map(&starts, |start| {
            let end = self.info.len().min(start + PART + needle.len() - 1);
            let bytes = self.info.get(*start..end).unwrap_or_default();
            let address = |at: usize| {
                let from = at + head.len();
                Some((read(bytes.get(from..from + word.len())?), start + at))
            };
            let found = finder.find_iter(bytes).filter_map(address);
            found.take(MOST_VARIABLES).collect::<Vec<_>>()
        });
        let mut places = parts.concat();
        threads::sort(&mut places);
        places
    }

    /// The variable whose place in memory `needle` tells, in a part of `.debug_info`.
    fn variable_of(
        &self,
        needle: &[u8],
        within: std::ops::Range<usize>,
    ) -> Result<Option<(&'a str, Option<TypeId>)>> {
        const PART: usize = 4 << 20;
        let bytes = self.info.get(within.clone()).unwrap_or_default();
        let finder = memchr::memmem::Finder::new(needle);
        let parts = bytes.len().div_ceil(PART);
        let mut places: Vec<usize> = (0..parts)
            .into_par_iter()
            .flat_map_iter(|part| {
                let start = part * PART;
                // A part ends where a needle that starts in it may still end.
                let end = bytes.len().min(start + PART + needle.len() - 1);
                let part = bytes.get(start..end).unwrap_or_default();
                finder
                    .find_iter(part)
                    .take(64)
                    .map(move |at| start + at)
                    .collect::<Vec<_>>()
            })
            .collect();
        places.sort_unstable();
        self.variable_at_one_of(places.into_iter().map(|place| within.start + place))
    }

    fn variable_at_one_of(
        &self,
        places: impl Iterator<Item = usize>,
    ) -> Result<Option<FoundVariable<'a>>> {
        for place in places.take(64) {
            let Ok(unit) = self.unit_of(place) else {
                continue;
            };
            if let Some(found) = self.variable_around(&unit, place)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The variable whose entry holds the byte at `place`.
    fn variable_around(
        &self,
        unit: &Arc<Unit<'a>>,
        place: usize,
    ) -> Result<Option<(&'a str, Option<TypeId>)>> {
        let wrong = |error| self.wrong(unit.range.start, error);
        let mut entries = self.entries(unit, None)?;
        while !entries.is_empty() {
            let at = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation().map_err(wrong)? else {
                continue;
            };
            let sibling = self.step_over(&mut entries, abbreviation).map_err(wrong)?;
            if unit.range.start + entries.next_offset().0 <= place {
                // It is not among the children of what ends before.
                if let Some(next) = sibling
                    && unit.range.start.saturating_add(next.0) <= place
                {
                    entries = self.entries(unit, Some(next))?;
                }
                continue;
            }
            if abbreviation.tag() != dw::DW_TAG_variable {
                return Ok(None);
            }
            let entry: Entry<'a> = self.entry(unit, at)?;
            let name = self.name(unit, &entry);
            let found = self.along(unit, &entry, |dwarf, unit, entry| {
                dwarf.type_of(unit, entry)
            });
            return Ok((!name.is_empty()).then_some((name, found)));
        }
        Ok(None)
    }

    /// Where in `.debug_info` an entry is.
    pub(crate) fn place_of(&self, unit: &Unit<'a>, at: UnitOffset) -> u64 {
        unit.range.start.saturating_add(at.0) as u64
    }

    /// Where the function whose entry is at `at` is described first.
    pub(crate) fn origin(&self, unit: &Unit<'a>, at: UnitOffset) -> Result<(&Dwarf<'a>, u64)> {
        let entry = self.entry(unit, at)?;
        let mut found = (self, self.place_of(unit, at));
        let mut next = self.reference(unit, &entry, dw::DW_AT_abstract_origin);
        for _ in 0..super::MOST_STEPS {
            let Some((home, origin)) = next.and_then(|next| found.0.home(next)) else {
                break;
            };
            found = (home, origin as u64);
            let unit = home.unit_of(origin)?;
            let entry = home.entry_at(&unit, origin)?;
            next = home.reference(&unit, &entry, dw::DW_AT_abstract_origin);
        }
        Ok(found)
    }
}

/// A named definition.
struct Item<'a> {
    kind: NameKind,
    name: AttributeValue<Slice<'a>>,
    size: u64,
    at: u64,
}

/// FNV-1a.
fn hash(name: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    name.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
