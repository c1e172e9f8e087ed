//! DWARF 2 to 5: units are found and read one by one, when a question needs them.
//!
//! References are to "DWARF Debugging Information Format Version 5".

mod entry;
mod functions;
mod index;
mod lines;
mod location;
mod types;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use gimli::{EndianSlice, RunTimeEndian, SectionId, UnitHeader};

use crate::error::{Error, Result};
use crate::machines::{self, Machine};
use crate::object::Object;
use crate::types::ObjectId;

pub(crate) use index::NameKind;

/// Bytes of a section, and where in it they are.
pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// Units that are kept once they are read; more are read again when they are asked for again.
const UNITS_KEPT: usize = 256;

/// Steps from one entry to another that says more about the same thing; more is a loop.
const MOST_STEPS: usize = 16;

/// The debug info of one object.
#[derive(Debug)]
pub(crate) struct Dwarf<'a> {
    label: Arc<str>,
    pub(crate) object: ObjectId,
    /// The object with what this one shares with others (5.0, 7.5.4 "supplementary object files").
    shared: Option<ObjectId>,
    inner: gimli::Dwarf<Slice<'a>>,
    /// `.debug_info`.
    info: &'a [u8],
    machine: Option<&'static Machine>,
    is_64: bool,
    endian: base::Endian,
    headers: OnceLock<Headers<'a>>,
    address_ranges: OnceLock<AddressRanges>,
    units: Mutex<BTreeMap<usize, Arc<Unit<'a>>>>,
    names: OnceLock<index::Index>,
}

/// A unit: what the compiler made of one source file.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    /// Where in `.debug_info` it is.
    pub(super) range: Range<usize>,
    pub(super) inner: gimli::Unit<Slice<'a>>,
    functions: OnceLock<Vec<functions::Place>>,
    lines: OnceLock<lines::Lines<'a>>,
}

/// The headers of all units, and what stopped the reading of more.
#[derive(Debug)]
struct Headers<'a> {
    units: Vec<(usize, UnitHeader<Slice<'a>>)>,
    stopped: Option<Error>,
}

/// Which unit has code where: start, end and the unit's place in `.debug_info`.
#[derive(Debug, Default)]
struct AddressRanges {
    /// Of `.debug_aranges` (6.1.2), sorted.
    told: Vec<(u64, u64, usize)>,
    /// Of the units that it leaves out, which some compilers do with all.
    found: OnceLock<Vec<(u64, u64, usize)>>,
}

impl<'a> Dwarf<'a> {
    /// Loads the sections of the object's debug info; nothing is read from them yet.
    pub(crate) fn load(
        object: &Object<'a>,
        id: ObjectId,
        shared: Option<(ObjectId, &Object<'a>)>,
    ) -> Result<Option<Self>> {
        let Some(file) = object.dwarf_file() else {
            return Ok(None);
        };
        let label = Arc::clone(&file.label);
        let (mut inner, info) = sections(object)?;
        if let Some((_, shared)) = shared {
            inner.set_sup(sections(shared)?.0);
        }
        Ok(Some(Dwarf {
            label,
            object: id,
            shared: shared.map(|(id, _)| id),
            inner,
            info,
            machine: machines::find(file.machine),
            is_64: file.is_64,
            endian: file.endian(),
            headers: OnceLock::new(),
            address_ranges: OnceLock::new(),
            units: Mutex::new(BTreeMap::new()),
            names: OnceLock::new(),
        }))
    }

    /// What gimli found wrong while it read at `at` in `.debug_info`.
    fn wrong(&self, at: usize, error: gimli::Error) -> Error {
        let (section, offset) = match error {
            gimli::Error::UnexpectedEof(place) => match self.inner.lookup_offset_id(place) {
                Some((_, section, offset)) => (section, offset),
                None => (SectionId::DebugInfo, at),
            },
            _ => (SectionId::DebugInfo, at),
        };
        Error::section(
            &self.label,
            section.name(),
            offset as u64,
            error.to_string(),
        )
    }

    /// What we found wrong at `at` in `.debug_info`.
    fn bad(&self, at: usize, what: impl Into<String>) -> Error {
        Error::section(&self.label, ".debug_info", at as u64, what)
    }

    fn headers(&self) -> &Headers<'a> {
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
    pub(crate) fn stopped(&self) -> Option<&Error> {
        self.headers().stopped.as_ref()
    }

    /// The unit whose header is at `at`.
    fn unit(&self, at: usize) -> Result<Arc<Unit<'a>>> {
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

    fn read_unit(&self, at: usize, header: UnitHeader<Slice<'a>>) -> Result<Unit<'a>> {
        let end = at.saturating_add(header.length_including_self());
        let inner = gimli::Unit::new(&self.inner, header).map_err(|error| self.wrong(at, error))?;
        Ok(Unit {
            range: at..end,
            inner,
            functions: OnceLock::new(),
            lines: OnceLock::new(),
        })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, Arc<Unit<'a>>>> {
        match self.units.lock() {
            Ok(units) => units,
            // A unit is complete before it is put in; what a failed thread left behind is sound.
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// The unit that holds the entry at `at`.
    fn unit_of(&self, at: usize) -> Result<Arc<Unit<'a>>> {
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
        match behind.checked_sub(1).and_then(|before| headers.get(before)) {
            Some((start, _)) => {
                let unit = self.unit(*start)?;
                if unit.range.contains(&at) {
                    Ok(unit)
                } else {
                    Err(self.bad(at, "a reference leads out of all units"))
                }
            }
            None => Err(self.bad(at, "a reference leads out of all units")),
        }
    }

    /// The unit with code at `address`; none where no unit has.
    fn unit_with_code(&self, address: u64) -> Result<Option<Arc<Unit<'a>>>> {
        let ranges = self.address_ranges.get_or_init(|| AddressRanges {
            told: self.told_ranges(),
            found: OnceLock::new(),
        });
        // Ranges may overlap, as those of functions that the linker has dropped: then units tell by functions.
        let mut units: Vec<_> = candidates(&ranges.told, address).collect();
        units.dedup();
        for unit in units.iter().skip(1).rev() {
            let unit = self.unit(*unit)?;
            if self.has_function_at(&unit, address) {
                return Ok(Some(unit));
            }
        }
        if let Some(first) = units.first() {
            return self.unit(*first).map(Some);
        }
        let found = ranges.found.get_or_init(|| self.found_ranges(&ranges.told));
        match candidates(found, address).next() {
            Some(unit) => self.unit(unit).map(Some),
            None => Ok(None),
        }
    }

    fn told_ranges(&self) -> Vec<(u64, u64, usize)> {
        let mut ranges = Vec::new();
        let mut headers = self.inner.debug_aranges.headers();
        // A damaged table is no loss: the units that it leaves out are looked at.
        while let Ok(Some(header)) = headers.next() {
            let unit = header.debug_info_offset().0;
            let mut entries = header.entries();
            while let Ok(Some(entry)) = entries.next() {
                let range = entry.range();
                if range.begin < range.end {
                    ranges.push((range.begin, range.end, unit));
                }
            }
        }
        ranges.sort_unstable();
        ranges
    }

    fn found_ranges(&self, told: &[(u64, u64, usize)]) -> Vec<(u64, u64, usize)> {
        use rayon::prelude::*;
        let mut known: Vec<_> = told.iter().map(|(_, _, unit)| *unit).collect();
        known.sort_unstable();
        known.dedup();
        let left_out = self.headers().units.par_iter().with_max_len(16);
        let left_out = left_out.filter(|(at, _)| known.binary_search(at).is_err());
        let mut ranges: Vec<_> = left_out
            .flat_map_iter(|(at, header)| {
                let ranges = self
                    .read_unit(*at, *header)
                    .and_then(|unit| self.ranges_of_unit(&unit));
                let ranges = ranges.unwrap_or_default().into_iter();
                ranges.map(|range| (range.start, range.end, *at))
            })
            .collect();
        ranges.sort_unstable();
        ranges
    }

    fn ranges_of_unit(&self, unit: &Unit<'a>) -> Result<Vec<Range<u64>>> {
        let root = unit.inner.header.root_offset();
        self.ranges(unit, &self.entry(unit, root)?)
    }

    /// The name of a register of this machine by its number in DWARF.
    pub(super) fn register(&self, register: gimli::Register) -> Option<arch::Reg> {
        let machine = self.machine?;
        (machine.register)(register.0, self.is_64).map(arch::Reg)
    }
}

/// The units that claim `address`, of sorted ranges.
fn candidates(ranges: &[(u64, u64, usize)], address: u64) -> impl Iterator<Item = usize> + '_ {
    let end = ranges.partition_point(|(start, ..)| *start <= address);
    // A range may enclose others, but not many.
    let before = ranges.get(..end).unwrap_or_default().iter().rev().take(64);
    before
        .filter(move |(_, end, _)| address < *end)
        .map(|(.., unit)| *unit)
}

/// The sections of DWARF, and `.debug_info` by itself.
fn sections<'a>(object: &Object<'a>) -> Result<(gimli::Dwarf<Slice<'a>>, &'a [u8])> {
    use rayon::prelude::*;
    const WANTED: [SectionId; 13] = [
        SectionId::DebugAbbrev,
        SectionId::DebugAddr,
        SectionId::DebugAranges,
        SectionId::DebugInfo,
        SectionId::DebugLine,
        SectionId::DebugLineStr,
        SectionId::DebugLoc,
        SectionId::DebugLocLists,
        SectionId::DebugRanges,
        SectionId::DebugRngLists,
        SectionId::DebugStr,
        SectionId::DebugStrOffsets,
        SectionId::DebugTypes,
    ];
    let endian = match object.endian() {
        base::Endian::Little => RunTimeEndian::Little,
        base::Endian::Big => RunTimeEndian::Big,
    };
    // Unpacking and relocating takes its time; sections do not depend on each other.
    let contents: Vec<_> = WANTED
        .par_iter()
        .with_max_len(1)
        .map(|id| Ok((*id, object.debug_section(id.name())?)))
        .collect::<Result<_>>()?;
    let bytes = |id: SectionId| {
        let found = contents.iter().find(|(other, _)| *other == id);
        found.map_or(&[][..], |(_, bytes)| *bytes)
    };
    let load = |id: SectionId| -> std::result::Result<Slice<'a>, std::convert::Infallible> {
        Ok(EndianSlice::new(bytes(id), endian))
    };
    match gimli::Dwarf::load(load) {
        Ok(dwarf) => Ok((dwarf, bytes(SectionId::DebugInfo))),
        Err(never) => match never {},
    }
}
