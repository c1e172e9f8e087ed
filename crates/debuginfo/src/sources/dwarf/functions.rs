//! Functions, what is inlined into them, their variables and calls: chapters 3 and 4.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arch::Reg;
use base::Budget;
use gimli::{AttributeValue, UnitOffset, constants as dw};

use super::entry::Entry;
use super::location::Frame;
use super::{Dwarf, MOST_RANGES, Unit};
use crate::error::Result;
use crate::function::{CallSite, Function, Scope, ScopeKind, SourceLine, Variable, Where};
use crate::types::Kind;

/// Places of the variables of one function: lists of places may be shared, and so grow out of all proportion
/// to the file.
const MOST_PLACES: u64 = 1 << 18;

/// A function of a unit: where its code is and where its entry.
#[derive(Debug)]
pub(super) struct Place {
    ranges: Vec<Range<u64>>,
    pub(super) entry: UnitOffset,
}

impl<'a> Dwarf<'a> {
    /// All functions with code of a unit.
    pub(super) fn places_of_functions<'u>(&self, unit: &'u Unit<'a>) -> &'u [Place] {
        unit.functions.get_or_init(|| {
            let mut places = Vec::new();
            // What is read before damage stands.
            if let Err(error) = self.read_places(unit, &mut places) {
                self.note_damage(error);
            }
            places
        })
    }

    fn read_places(&self, unit: &Unit<'a>, places: &mut Vec<Place>) -> Result<()> {
        let mut budget = Budget::new("ranges of the functions of one unit", MOST_RANGES);
        let mut entries = self.entries(unit, None)?;
        while !entries.is_empty() {
            let at = entries.next_offset();
            let wrong = |error| self.wrong(unit.range.start.saturating_add(at.0), error);
            let Some(abbreviation) = entries.read_abbreviation().map_err(wrong)? else {
                continue;
            };
            let specs = abbreviation.attributes();
            entries.skip_attributes(specs).map_err(wrong)?;
            let has_code = |spec: &gimli::AttributeSpecification| {
                spec.name() == dw::DW_AT_low_pc || spec.name() == dw::DW_AT_ranges
            };
            if abbreviation.tag() == dw::DW_TAG_subprogram && specs.iter().any(has_code) {
                let ranges = self.ranges(unit, &self.entry(unit, at)?, &mut budget)?;
                if !ranges.is_empty() {
                    places.push(Place { ranges, entry: at });
                }
            }
        }
        Ok(())
    }

    pub(super) fn has_function_at(&self, unit: &Unit<'a>, address: u64) -> bool {
        let places = self.places_of_functions(unit).iter();
        places
            .flat_map(|place| &place.ranges)
            .any(|range| range.contains(&address))
    }

    /// The function with code at `address`, and its unit.
    pub(crate) fn function_at(&self, address: u64) -> Result<Option<(Arc<Unit<'a>>, UnitOffset)>> {
        let Some(unit) = self.unit_with_code(address)? else {
            return Ok(None);
        };
        let holds = |place: &&Place| place.ranges.iter().any(|range| range.contains(&address));
        let found = self
            .places_of_functions(&unit)
            .iter()
            .find(holds)
            .map(|place| place.entry);
        Ok(found.map(|entry| (unit, entry)))
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
                calls: Vec::new(),
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
        // What each entry around the current one is: a scope, a call, or something of no interest.
        let mut around = vec![Around::Scope(0)];
        while !entries.is_empty() && entries.next_depth() > 0 {
            if !self.read_entry(unit, &mut entries, &mut entry)? {
                continue;
            }
            around.truncate(usize::try_from(entry.depth()).unwrap_or(0));
            let parent = around.last().copied().unwrap_or(Around::Nothing);
            let is = self.child(&mut reading, parent, &entry)?;
            if entry.has_children() {
                around.push(is);
            }
        }
        reading
            .function
            .calls
            .sort_by_key(|call| call.return_address);
        Ok(reading.function)
    }

    /// Reads an entry of a function's body and tells what it is to its children.
    fn child(
        &self,
        reading: &mut Reading<'_, 'a>,
        parent: Around,
        entry: &Entry<'a>,
    ) -> Result<Around> {
        let unit = reading.frame.unit;
        match (parent, entry.tag()) {
            (Around::Scope(parent), dw::DW_TAG_lexical_block) => {
                let outer = reading.function.scopes.get(parent);
                let name = outer.map_or("", |scope| scope.name);
                let ranges = self.ranges(unit, entry, &mut reading.ranges)?;
                Ok(reading.scope(Scope {
                    kind: ScopeKind::Block,
                    parent: Some(parent),
                    name,
                    ranges,
                }))
            }
            (Around::Scope(parent), dw::DW_TAG_inlined_subroutine) => {
                let scope = Scope {
                    kind: ScopeKind::Inlined(self.call_line(unit, entry)),
                    parent: Some(parent),
                    name: self.name(unit, entry),
                    ranges: self.ranges(unit, entry, &mut reading.ranges)?,
                };
                Ok(reading.scope(scope))
            }
            (Around::Scope(scope), dw::DW_TAG_formal_parameter | dw::DW_TAG_variable) => {
                let is_parameter = entry.tag() == dw::DW_TAG_formal_parameter;
                let number = reading.parameters.entry(scope).or_insert(0);
                let parameter = is_parameter.then_some(*number);
                *number += usize::from(is_parameter);
                let variable = Variable {
                    name: self.name(unit, entry),
                    type_id: self
                        .along(unit, entry, |dwarf, unit, entry| dwarf.type_of(unit, entry)),
                    parameter,
                    scope,
                    places: self.places(&reading.frame, entry, &mut reading.places)?,
                };
                // A declaration of a variable of another place (`extern int x;` in a block).
                if !variable.name.is_empty() && !Self::flag(entry, dw::DW_AT_declaration) {
                    reading.function.variables.push(variable);
                }
                Ok(Around::Nothing)
            }
            (Around::Scope(_), dw::DW_TAG_call_site | dw::DW_TAG_GNU_call_site) => {
                match self.call(&reading.frame, entry)? {
                    Some(call) => {
                        reading.function.calls.push(call);
                        Ok(Around::Call(reading.function.calls.len() - 1))
                    }
                    None => Ok(Around::Nothing),
                }
            }
            (
                Around::Call(call),
                dw::DW_TAG_call_site_parameter | dw::DW_TAG_GNU_call_site_parameter,
            ) => {
                if let Some(argument) = self.argument(&reading.frame, entry)
                    && let Some(call) = reading.function.calls.get_mut(call)
                {
                    call.arguments.push(argument);
                }
                Ok(Around::Nothing)
            }
            _ => Ok(Around::Nothing),
        }
    }

    fn call(&self, frame: &Frame<'_, 'a>, entry: &Entry<'a>) -> Result<Option<CallSite<'a>>> {
        let unit = frame.unit;
        // GNU's names for DWARF 4 and the later ones of version 5 (3.4.1).
        let address = [
            dw::DW_AT_call_return_pc,
            dw::DW_AT_low_pc,
            dw::DW_AT_call_pc,
        ]
        .into_iter()
        .find_map(|name| entry.attr_value(name));
        let Some(address) = address else {
            return Ok(None);
        };
        let wrong = |error| self.wrong(unit.range.start.saturating_add(entry.offset().0), error);
        let Some(address) = self
            .inner
            .attr_address(&unit.inner, address)
            .map_err(wrong)?
        else {
            return Ok(None);
        };
        let target = [dw::DW_AT_call_target, dw::DW_AT_GNU_call_site_target]
            .into_iter()
            .find_map(|name| entry.attr_value(name));
        let target = match target {
            Some(AttributeValue::Exprloc(expression)) => Some(self.computed(frame, &expression)),
            _ => None,
        };
        let callee = self.along(unit, entry, |dwarf, unit, entry| {
            let origin = dwarf.reference(unit, entry, dw::DW_AT_call_origin)?;
            let (home, at) = dwarf.home(origin)?;
            let unit = home.unit_of(at).ok()?;
            let name = home.name(&unit, &home.entry_at(&unit, at).ok()?);
            (!name.is_empty()).then_some(name)
        });
        let named = self.name(unit, entry);
        Ok(Some(CallSite {
            return_address: address,
            callee: callee.or((!named.is_empty()).then_some(named)),
            target,
            is_tail: Self::flag(entry, dw::DW_AT_call_tail_call)
                || Self::flag(entry, dw::DW_AT_GNU_tail_call),
            arguments: Vec::new(),
        }))
    }

    /// The register of an argument and what it holds (3.4.2).
    fn argument(&self, frame: &Frame<'_, 'a>, entry: &Entry<'a>) -> Option<(Reg, Where)> {
        let AttributeValue::Exprloc(location) = entry.attr_value(dw::DW_AT_location)? else {
            return None;
        };
        let Where::Register(register) = self.place(frame, &location) else {
            return None;
        };
        let value = [dw::DW_AT_call_value, dw::DW_AT_GNU_call_site_value]
            .into_iter()
            .find_map(|name| entry.attr_value(name))?;
        let AttributeValue::Exprloc(value) = value else {
            return None;
        };
        let value = self.computed(frame, &value);
        Some((register, value))
    }

    /// Where an entry is written.
    fn declared(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<SourceLine> {
        self.along(unit, entry, |dwarf, unit, entry| {
            let file = Self::number(entry, dw::DW_AT_decl_file)?;
            let line = Self::number(entry, dw::DW_AT_decl_line)?;
            let column = Self::number(entry, dw::DW_AT_decl_column).unwrap_or(0);
            Some(dwarf.source_line(unit, file, line, column))
        })
    }

    pub(super) fn call_line(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> Option<SourceLine> {
        let file = Self::number(entry, dw::DW_AT_call_file)?;
        let line = Self::number(entry, dw::DW_AT_call_line)?;
        let column = Self::number(entry, dw::DW_AT_call_column).unwrap_or(0);
        Some(self.source_line(unit, file, line, column))
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
    fn scope(&mut self, scope: Scope<'a>) -> Around {
        self.function.scopes.push(scope);
        Around::Scope(self.function.scopes.len() - 1)
    }
}

/// What an entry is to its children.
#[derive(Clone, Copy)]
enum Around {
    Scope(usize),
    Call(usize),
    Nothing,
}
