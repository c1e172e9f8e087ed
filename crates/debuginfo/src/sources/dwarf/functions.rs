//! Functions, what is inlined into them and their variables: chapters 3 and 4.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use base::Budget;
use gimli::{AttributeValue, UnitOffset, constants as dw};

use super::entry::Entry;
use super::location::Frame;
use super::{Dwarf, MOST_RANGES, Unit};
use crate::error::Result;
use crate::function::{Function, Scope, ScopeKind, SourceLine, ToldLine, Variable};
use crate::types::Kind;

/// Places of the variables of one function: lists of places may be shared, and so grow out of all proportion
/// to the file.
const MOST_PLACES: u64 = 1 << 18;

/// Entries whose children seldom are functions with code: only GNU C has functions within functions.
const ENCLOSED: [gimli::DwTag; 6] = [
    dw::DW_TAG_subprogram,
    dw::DW_TAG_structure_type,
    dw::DW_TAG_union_type,
    dw::DW_TAG_enumeration_type,
    dw::DW_TAG_array_type,
    dw::DW_TAG_subroutine_type,
];

/// Entries of a function's body that say nothing of its scopes and variables: most of them are of its calls.
const OF_CALLS: [gimli::DwTag; 4] = [
    dw::DW_TAG_call_site,
    dw::DW_TAG_GNU_call_site,
    dw::DW_TAG_call_site_parameter,
    dw::DW_TAG_GNU_call_site_parameter,
];

/// A function of a unit: where its code is and where its entry.
#[derive(Debug)]
pub(super) struct Place {
    ranges: Vec<Range<u64>>,
    pub(super) entry: UnitOffset,
}

impl<'a> Dwarf<'a> {
    /// The function of a unit with code at `address`.
    fn place_in<'u>(&self, unit: &'u Unit<'a>, address: u64) -> Option<&'u Place> {
        let places = |is_quick| {
            let mut places = Vec::new();
            // What is read before damage stands.
            if let Err(error) = self.read_places(unit, is_quick, &mut places) {
                self.note_damage(error);
            }
            places
        };
        let holds = |place: &&Place| place.ranges.iter().any(|range| range.contains(&address));
        let outer = unit.functions.get_or_init(|| places(true)).iter();
        outer.into_iter().find(holds).or_else(|| {
            // A function may lie within another one's text, and its code elsewhere.
            let all = unit.all_functions.get_or_init(|| places(false)).iter();
            all.into_iter().find(holds)
        })
    }

    /// The functions with code of a unit; quickly those that do not lie within what can be stepped over as a whole.
    fn read_places(&self, unit: &Unit<'a>, is_quick: bool, places: &mut Vec<Place>) -> Result<()> {
        let mut budget = Budget::new("ranges of the functions of one unit", MOST_RANGES);
        let mut entries = self.entries(unit, None)?;
        while !entries.is_empty() {
            let at = entries.next_offset();
            let wrong = |error| self.wrong(unit.range.start.saturating_add(at.0), error);
            let Some(abbreviation) = entries.read_abbreviation().map_err(wrong)? else {
                continue;
            };
            let specs = abbreviation.attributes();
            let tag = abbreviation.tag();
            let has_code = |spec: &gimli::AttributeSpecification| {
                spec.name() == dw::DW_AT_low_pc || spec.name() == dw::DW_AT_ranges
            };
            let sibling = self.step_over(&mut entries, abbreviation).map_err(wrong)?;
            let sibling = sibling.filter(|_| is_quick && ENCLOSED.contains(&tag));
            if tag == dw::DW_TAG_subprogram && specs.iter().any(has_code) {
                let ranges = self.ranges(unit, &self.entry(unit, at)?, &mut budget)?;
                if !ranges.is_empty() {
                    places.push(Place { ranges, entry: at });
                }
            }
            if let Some(next) = sibling {
                entries = self.entries(unit, Some(next))?;
            }
        }
        Ok(())
    }

    pub(super) fn has_function_at(&self, unit: &Unit<'a>, address: u64) -> bool {
        self.place_in(unit, address).is_some()
    }

    /// The function with code at `address`, and its unit.
    pub(crate) fn function_at(&self, address: u64) -> Result<Option<(Arc<Unit<'a>>, UnitOffset)>> {
        let Some(unit) = self.unit_with_code(address)? else {
            return Ok(None);
        };
        let found = self.place_in(&unit, address);
        let entry = found.map(|place| place.entry);
        Ok(entry.map(|entry| (unit, entry)))
    }

    /// The line of the instruction at `address`.
    pub(crate) fn line(&self, address: u64) -> Result<Option<SourceLine>> {
        match self.unit_with_code(address)? {
            Some(unit) => self.line_at(&unit, address),
            None => Ok(None),
        }
    }

    /// The lines of the code in `range`, all of one unit: where each begins.
    pub(crate) fn lines_of(&self, range: Range<u64>) -> Result<Vec<(u64, SourceLine)>> {
        let unit = self.unit_with_code(range.start)?;
        Ok(unit.map_or_else(Vec::new, |unit| self.lines_in(&unit, range)))
    }

    /// Everything told of the function whose entry is at `at` in `unit`.
    pub(crate) fn function(&self, unit: &Unit<'a>, at: UnitOffset) -> Result<Function<'a>> {
        let root = self.entry(unit, at)?;
        let base = match root.attr_value(dw::DW_AT_frame_base) {
            Some(AttributeValue::Exprloc(expression)) => Some(expression),
            _ => None,
        };
        let mut budget = Budget::new("ranges of one function", MOST_RANGES);
        let ranges = self.ranges(unit, &root, &mut budget)?;
        let mut reading = Reading {
            frame: Frame { unit, base },
            parameters: BTreeMap::new(),
            ranges: budget,
            places: Budget::new("places of the variables of one function", MOST_PLACES),
            function: Function {
                object: self.object,
                name: self.name(unit, &root),
                ranges,
                is_external: self
                    .along(unit, &root, |_, _, entry| {
                        Self::flag(entry, dw::DW_AT_external).then_some(())
                    })
                    .is_some(),
                returns: self.along(unit, &root, |dwarf, unit, entry| dwarf.type_of(unit, entry)),
                signature: Vec::new(),
                is_variadic: false,
                declared: self.declared(unit, &root),
                scopes: Vec::new(),
                variables: Vec::new(),
            },
        };
        let (home, origin) = self.origin(unit, at)?;
        if let Kind::Function {
            parameters,
            is_variadic,
            ..
        } = home.shape(origin)?.kind
        {
            (reading.function.signature, reading.function.is_variadic) = (parameters, is_variadic);
        }
        let Function { name, ranges, .. } = &reading.function;
        let scope = Scope {
            kind: ScopeKind::Function,
            parent: None,
            name,
            ranges: ranges.clone(),
        };
        reading.function.scopes.push(scope);

        let mut entries = self.entries(unit, Some(at))?;
        let mut entry = Entry::null();
        self.read_entry(unit, &mut entries, &mut entry)?;
        if !entry.has_children() {
            return Ok(reading.function);
        }
        // What each entry around the current one is: a scope, or something of no interest.
        let mut around = vec![Some(0)];
        while !entries.is_empty() && entries.next_depth() > 0 {
            let mut ahead = entries.clone();
            let at = unit.range.start.saturating_add(entries.next_offset().0);
            let wrong = |error| self.wrong(at, error);
            if let Some(abbreviation) = ahead.read_abbreviation().map_err(wrong)?
                && OF_CALLS.contains(&abbreviation.tag())
            {
                let depth = usize::try_from(entries.next_depth()).unwrap_or(0);
                let skipped = ahead.skip_attributes(abbreviation.attributes());
                skipped.map_err(wrong)?;
                around.truncate(depth);
                around.extend(abbreviation.has_children().then_some(None));
                entries = ahead;
                continue;
            }
            if !self.read_entry(unit, &mut entries, &mut entry)? {
                continue;
            }
            around.truncate(usize::try_from(entry.depth()).unwrap_or(0));
            let parent = around.last().copied().flatten();
            let is = self.child(&mut reading, parent, &entry)?;
            if entry.has_children() {
                around.push(is);
            }
        }
        Ok(reading.function)
    }

    /// Reads an entry of a function's body in the scope `parent`, and tells which scope it is to its children.
    fn child(
        &self,
        reading: &mut Reading<'_, 'a>,
        parent: Option<usize>,
        entry: &Entry<'a>,
    ) -> Result<Option<usize>> {
        let unit = reading.frame.unit;
        let Some(parent) = parent else {
            return Ok(None);
        };
        match entry.tag() {
            dw::DW_TAG_lexical_block => {
                let outer = reading.function.scopes.get(parent);
                let name = outer.map_or("", |scope| scope.name);
                let ranges = self.ranges(unit, entry, &mut reading.ranges)?;
                Ok(Some(reading.scope(Scope {
                    kind: ScopeKind::Block,
                    parent: Some(parent),
                    name,
                    ranges,
                })))
            }
            dw::DW_TAG_inlined_subroutine => {
                let scope = Scope {
                    kind: ScopeKind::Inlined(self.told_call(unit, entry)),
                    parent: Some(parent),
                    name: self.name(unit, entry),
                    ranges: self.ranges(unit, entry, &mut reading.ranges)?,
                };
                Ok(Some(reading.scope(scope)))
            }
            dw::DW_TAG_formal_parameter | dw::DW_TAG_variable => {
                let is_parameter = entry.tag() == dw::DW_TAG_formal_parameter;
                let number = reading.parameters.entry(parent).or_insert(0);
                let parameter = is_parameter.then_some(*number);
                *number += usize::from(is_parameter);
                let (name, type_id) = self.name_and_type(unit, entry);
                let variable = Variable {
                    name,
                    type_id,
                    parameter,
                    scope: parent,
                    places: self.places(&reading.frame, entry, &mut reading.places)?,
                };
                // A declaration of a variable of another place (`extern int x;` in a block).
                if !variable.name.is_empty() && !Self::flag(entry, dw::DW_AT_declaration) {
                    reading.function.variables.push(variable);
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Where an entry is written.
    fn declared(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<ToldLine> {
        const NAMES: [gimli::DwAt; 3] = [
            dw::DW_AT_decl_file,
            dw::DW_AT_decl_line,
            dw::DW_AT_decl_column,
        ];
        self.along(unit, entry, |dwarf, unit, entry| {
            dwarf.told_line(unit, entry, NAMES)
        })
    }

    /// Where the call is that an entry is inlined at.
    fn told_call(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<ToldLine> {
        const NAMES: [gimli::DwAt; 3] = [
            dw::DW_AT_call_file,
            dw::DW_AT_call_line,
            dw::DW_AT_call_column,
        ];
        self.told_line(unit, entry, NAMES)
    }

    fn told_line(
        &self,
        unit: &Unit<'a>,
        entry: &Entry<'a>,
        [file, line, column]: [gimli::DwAt; 3],
    ) -> Option<ToldLine> {
        Some(ToldLine {
            object: self.object,
            unit: unit.range.start,
            file: Self::number(entry, file)?,
            line: Self::number(entry, line)?,
            column: Self::number(entry, column).unwrap_or(0),
        })
    }

    pub(super) fn call_line(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<SourceLine> {
        let told = self.told_call(unit, entry)?;
        Some(self.source_line(unit, told.file, told.line, told.column))
    }

    /// The line that is told in a unit of this object.
    pub(crate) fn line_told(&self, told: ToldLine) -> Result<SourceLine> {
        let unit = self.unit(told.unit)?;
        Ok(self.source_line(&unit, told.file, told.line, told.column))
    }
}

/// A function while it is read.
struct Reading<'r, 'a> {
    frame: Frame<'r, 'a>,
    /// Parameters so far of each scope.
    parameters: BTreeMap<usize, usize>,
    ranges: Budget,
    places: Budget,
    function: Function<'a>,
}

impl<'a> Reading<'_, 'a> {
    fn scope(&mut self, scope: Scope<'a>) -> usize {
        self.function.scopes.push(scope);
        self.function.scopes.len() - 1
    }
}
