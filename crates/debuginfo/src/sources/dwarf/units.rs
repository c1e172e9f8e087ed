//! Units: where they are, and reading one.
//!
//! gimli does the reading. What it would follow without bound is looked at before: tables of abbreviations
//! that many units share or whose entries take no room, and the headers of line tables.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, OnceLock};

use base::Exhausted;
use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, EntriesRaw, UnitHeader,
    UnitOffset, constants as dw,
};

use super::entry::Entry;
use super::{Dwarf, Slice, functions, index, lines};
use crate::error::{Error, Result};

/// Units that are kept once they are read; more are read again when they are asked for again.
const UNITS_KEPT: usize = 256;

/// Attributes of one entry; compilers write less than 40. Some forms take no room in the entry, so that
/// a few bytes could claim millions of them.
const MOST_ATTRIBUTES: usize = 100;

/// Bytes of the abbreviations of one unit; compilers write some thousands.
const LARGEST_ABBREVIATIONS: usize = 1 << 20;

/// A unit: what the compiler made of one source file.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    /// Where in `.debug_info` it is.
    pub(super) range: Range<usize>,
    /// Its header, abbreviations and bases; the line table is not read with it.
    pub(super) inner: gimli::Unit<Slice<'a>>,
    /// Where in `.debug_line` its line table is.
    pub(super) line_table: Option<usize>,
    /// Its functions, without those within others.
    pub(super) functions: OnceLock<Vec<functions::Place>>,
    pub(super) all_functions: OnceLock<Vec<functions::Place>>,
    pub(super) lines: OnceLock<lines::Lines<'a>>,
    pub(super) names: OnceLock<Vec<index::Named>>,
}

/// The headers of all units, and what stopped the reading of more.
#[derive(Debug)]
pub(super) struct Headers<'a> {
    pub(super) units: Vec<(usize, UnitHeader<Slice<'a>>)>,
    stopped: Option<Error>,
}

impl<'a> Dwarf<'a> {
    pub(super) fn headers(&self) -> &Headers<'a> {
        self.headers.get_or_init(|| {
            let mut headers = Headers {
                units: Vec::new(),
                stopped: None,
            };
            let mut units = self.inner.units();
            loop {
                match units.next() {
                    Ok(Some(header)) => {
                        let at = header.debug_info_offset().map_or(0, |offset| offset.0);
                        headers.units.push((at, header));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        let end = headers.units.last().map_or(0, |(at, header)| {
                            at.saturating_add(header.length_including_self())
                        });
                        headers.stopped = Some(self.wrong(end, error));
                        break;
                    }
                }
            }
            headers
        })
    }

    /// What kept some units from being read, if anything did.
    pub(super) fn stopped(&self) -> Option<&Error> {
        self.headers().stopped.as_ref()
    }

    /// The unit whose header is at `at`.
    pub(super) fn unit(&self, at: usize) -> Result<Arc<Unit<'a>>> {
        if let Some(unit) = self.kept().get(&at) {
            return Ok(Arc::clone(unit));
        }
        let header = self
            .inner
            .unit_header(gimli::DebugInfoOffset(at))
            .map_err(|error| self.wrong(at, error))?;
        let unit = Arc::new(self.read_unit(at, header)?);
        let mut kept = self.kept();
        if kept.len() >= UNITS_KEPT {
            kept.clear();
        }
        kept.insert(at, Arc::clone(&unit));
        Ok(unit)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Unit<'a>>>> {
        match self.units.lock() {
            Ok(units) => units,
            // A unit is complete before it is put in; what a failed thread left behind is sound.
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// The unit that holds the entry at `at`.
    pub(super) fn unit_of(&self, at: usize) -> Result<Arc<Unit<'a>>> {
        let before = self
            .kept()
            .range(..=at)
            .next_back()
            .map(|(_, unit)| Arc::clone(unit));
        if let Some(unit) = before.filter(|unit| unit.range.contains(&at)) {
            return Ok(unit);
        }
        let headers = &self.headers().units;
        let behind = headers.partition_point(|(start, _)| *start <= at);
        let before = behind.checked_sub(1).and_then(|before| headers.get(before));
        if let Some((start, _)) = before {
            let unit = self.unit(*start)?;
            if unit.range.contains(&at) {
                return Ok(unit);
            }
        }
        Err(self.bad(at, "a reference leads out of all units"))
    }

    /// Reads what is needed to read the entries of a unit (3.1.1).
    pub(super) fn read_unit(&self, at: usize, header: UnitHeader<Slice<'a>>) -> Result<Unit<'a>> {
        let end = at.saturating_add(header.length_including_self());
        let encoding = header.encoding();
        let file_type = self.inner.file_type;
        let root = header.root_offset();
        let abbreviations = Arc::new(self.abbreviations(at, &header)?);
        let mut unit = Unit {
            range: at..end,
            inner: gimli::Unit {
                header,
                abbreviations,
                name: None,
                comp_dir: None,
                low_pc: 0,
                str_offsets_base: gimli::DebugStrOffsetsBase::default_for_encoding_and_file(
                    encoding, file_type,
                ),
                addr_base: gimli::DebugAddrBase(0),
                loclists_base: gimli::DebugLocListsBase::default_for_encoding_and_file(
                    encoding, file_type,
                ),
                rnglists_base: gimli::DebugRngListsBase::default_for_encoding_and_file(
                    encoding, file_type,
                ),
                line_program: None,
                dwo_id: None,
            },
            line_table: None,
            functions: OnceLock::new(),
            all_functions: OnceLock::new(),
            lines: OnceLock::new(),
            names: OnceLock::new(),
        };
        let entry = self.entry(&unit, root)?;
        for attribute in entry.attrs() {
            match (attribute.name(), attribute.value()) {
                (dw::DW_AT_stmt_list, AttributeValue::DebugLineRef(at)) => {
                    unit.line_table = Some(at.0);
                }
                (dw::DW_AT_str_offsets_base, AttributeValue::DebugStrOffsetsBase(base)) => {
                    unit.inner.str_offsets_base = base;
                }
                (
                    dw::DW_AT_addr_base | dw::DW_AT_GNU_addr_base,
                    AttributeValue::DebugAddrBase(base),
                ) => unit.inner.addr_base = base,
                (dw::DW_AT_loclists_base, AttributeValue::DebugLocListsBase(base)) => {
                    unit.inner.loclists_base = base;
                }
                (
                    dw::DW_AT_rnglists_base | dw::DW_AT_GNU_ranges_base,
                    AttributeValue::DebugRngListsBase(base),
                ) => unit.inner.rnglists_base = base,
                _ => {}
            }
        }
        // Texts and addresses may need the bases.
        let text = |name| {
            let value = entry.attr_value(name)?;
            self.inner.attr_string(&unit.inner, value).ok()
        };
        let (name, directory) = (text(dw::DW_AT_name), text(dw::DW_AT_comp_dir));
        let low = match entry.attr_value(dw::DW_AT_low_pc) {
            Some(value) => self
                .inner
                .attr_address(&unit.inner, value)
                .map_err(|error| self.wrong(at, error))?,
            None => None,
        };
        unit.inner.name = name;
        unit.inner.comp_dir = directory;
        unit.inner.low_pc = low.unwrap_or(0);
        Ok(unit)
    }

    /// The abbreviations of a unit (7.5.3), if they are of a size that compilers write.
    pub(super) fn abbreviations(
        &self,
        at: usize,
        header: &UnitHeader<Slice<'a>>,
    ) -> Result<Abbreviations> {
        let offset = header.debug_abbrev_offset().0;
        let section = self.abbreviation_bytes;
        let bad = |what: &str| Error::section(&self.label, ".debug_abbrev", offset as u64, what);
        let rest = section
            .get(offset..)
            .ok_or_else(|| bad("a unit's abbreviations lie behind the end of the section"))?;
        let size = abbreviations_size(rest).map_err(bad)?;
        // Units may share abbreviations, and may claim parts of each other's: all that is read for them is
        // counted together.
        let limit = (1 << 30) + 64 * (section.len() as u64 + self.info.len() as u64);
        let used = self
            .abbreviations_used
            .fetch_add(size as u64, Ordering::Relaxed);
        if used > limit {
            let what = "bytes of abbreviations";
            return Err(bad(&Exhausted { what, limit }.to_string()));
        }
        let bytes = rest.get(..size).unwrap_or_default();
        DebugAbbrev::new(bytes, self.run_time_endian())
            .abbreviations(DebugAbbrevOffset(0))
            .map_err(|error| self.wrong(at, error))
    }

    /// Reads the entry that comes next; whether it is one, and not the end of a list of children.
    pub(super) fn read_entry(
        &self,
        unit: &Unit<'a>,
        entries: &mut EntriesRaw<'_, Slice<'a>>,
        entry: &mut Entry<'a>,
    ) -> Result<bool> {
        let at = unit.range.start.saturating_add(entries.next_offset().0);
        entries
            .read_entry(entry)
            .map_err(|error| self.wrong(at, error))
    }

    /// The entries of a unit from the one at `at` on.
    pub(super) fn entries<'u>(
        &self,
        unit: &'u Unit<'a>,
        at: Option<UnitOffset>,
    ) -> Result<EntriesRaw<'u, Slice<'a>>> {
        let place = at.map_or(unit.range.start, |at| unit.range.start.saturating_add(at.0));
        unit.inner
            .entries_raw(at)
            .map_err(|error| self.wrong(place, error))
    }
}

/// Bytes of a table of abbreviations, without its end mark if the section ends before.
fn abbreviations_size(table: &[u8]) -> std::result::Result<usize, &'static str> {
    let mut at = 0;
    let number = |at: &mut usize| {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = *table.get(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    const CUT: &str = "the abbreviations are cut";
    while at < table.len() {
        if at > LARGEST_ABBREVIATIONS {
            return Err("more abbreviations than a compiler writes");
        }
        if number(&mut at).ok_or(CUT)? == 0 {
            break;
        }
        number(&mut at).ok_or(CUT)?;
        // Whether entries have children.
        at += 1;
        for count in 0.. {
            let (name, form) = (number(&mut at).ok_or(CUT)?, number(&mut at).ok_or(CUT)?);
            if form == u64::from(dw::DW_FORM_implicit_const.0) {
                number(&mut at).ok_or(CUT)?;
            }
            if name == 0 && form == 0 {
                break;
            }
            if count >= MOST_ATTRIBUTES {
                return Err("an abbreviation with more attributes than a compiler writes");
            }
        }
    }
    Ok(at.min(table.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_abbreviations_are_measured() {
        // A structure with children, a name and a constant; a member.
        let table = [
            1, 0x13, 1, 3, 8, 0x0b, 0x21, 0x7f, 0, 0, 2, 0x0d, 0, 3, 8, 0, 0, 0, 0xff,
        ];
        assert_eq!(abbreviations_size(&table), Ok(18));
        assert_eq!(abbreviations_size(&table[..17]), Ok(17));
        for cut in [1, 2, 3, 4, 7, 9] {
            assert_eq!(
                abbreviations_size(&table[..cut]),
                Err("the abbreviations are cut"),
                "{cut}"
            );
        }
        assert_eq!(abbreviations_size(&[]), Ok(0));
        assert_eq!(
            abbreviations_size(&[0x80; 20]),
            Err("the abbreviations are cut")
        );
    }

    #[test]
    fn what_no_compiler_writes_is_refused() {
        let mut table = vec![1, 0x34, 0];
        for _ in 0..=MOST_ATTRIBUTES {
            // A flag that is always set takes no room in an entry.
            table.extend([0x3f, 0x19]);
        }
        table.extend([0, 0, 0]);
        assert!(
            abbreviations_size(&table)
                .unwrap_err()
                .contains("attributes")
        );
        let many: Vec<u8> = [1, 0x34, 0, 0, 0].repeat(LARGEST_ABBREVIATIONS / 5 + 2);
        assert!(
            abbreviations_size(&many)
                .unwrap_err()
                .contains("abbreviations")
        );
    }
}
