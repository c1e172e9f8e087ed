//! The calls of a function and what is known of their arguments (3.4): few ask for them, and they are most of what is
//! told of a function.

use arch::Reg;
use gimli::{AttributeValue, UnitOffset, constants as dw};

use super::entry::Entry;
use super::location::Frame;
use super::{Dwarf, Unit};
use crate::error::Result;
use crate::function::{CallSite, Where};

impl<'a> Dwarf<'a> {
    /// The calls of the function whose entry is at `at` in `unit`, by address.
    pub(crate) fn calls(&self, unit: &Unit<'a>, at: UnitOffset) -> Result<Vec<CallSite<'a>>> {
        let mut entries = self.entries(unit, Some(at))?;
        let mut entry = Entry::null();
        let mut calls: Vec<CallSite<'a>> = Vec::new();
        self.read_entry(unit, &mut entries, &mut entry)?;
        if !entry.has_children() {
            return Ok(calls);
        }
        let base = match entry.attr_value(dw::DW_AT_frame_base) {
            Some(AttributeValue::Exprloc(expression)) => Some(expression),
            _ => None,
        };
        let frame = Frame { unit, base };
        // What each entry around the current one is.
        let mut around = vec![Around::Scope];
        while !entries.is_empty() && entries.next_depth() > 0 {
            if !self.read_entry(unit, &mut entries, &mut entry)? {
                continue;
            }
            around.truncate(usize::try_from(entry.depth()).unwrap_or(0));
            let is = match (around.last(), entry.tag()) {
                (Some(Around::Scope), dw::DW_TAG_lexical_block | dw::DW_TAG_inlined_subroutine) => {
                    Around::Scope
                }
                (Some(Around::Scope), dw::DW_TAG_call_site | dw::DW_TAG_GNU_call_site) => {
                    match self.call(&frame, &entry)? {
                        Some(call) => {
                            calls.push(call);
                            Around::Call(calls.len() - 1)
                        }
                        None => Around::Nothing,
                    }
                }
                (
                    Some(Around::Call(call)),
                    dw::DW_TAG_call_site_parameter | dw::DW_TAG_GNU_call_site_parameter,
                ) => {
                    if let Some(argument) = self.argument(&frame, &entry)
                        && let Some(call) = calls.get_mut(*call)
                    {
                        call.arguments.push(argument);
                    }
                    Around::Nothing
                }
                _ => Around::Nothing,
            };
            if entry.has_children() {
                around.push(is);
            }
        }
        calls.sort_by_key(|call| call.return_address);
        Ok(calls)
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
}

/// What an entry is to its children.
#[derive(Clone, Copy)]
enum Around {
    Scope,
    Call(usize),
    Nothing,
}
