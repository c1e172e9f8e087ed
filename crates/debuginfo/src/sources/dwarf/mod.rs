//! DWARF 2 to 5: units are found and read one by one, when a question needs them.
//!
//! References are to "DWARF Debugging Information Format Version 5".

mod calls;
mod chain;
mod entry;
mod frames;
mod functions;
mod index;
mod lines;
mod location;
mod types;
mod units;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};

use base::Budget;
use gimli::{EndianSlice, RunTimeEndian, SectionId};

use crate::error::{Error, Result};
use crate::machines::{self, Machine};
use crate::object::Object;
use crate::threads;
use crate::types::ObjectId;

pub(crate) use frames::Frames;
use units::Headers;
pub(crate) use units::Unit;

/// Bytes of a section, and where in it they are.
pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// Ranges of code of one unit, and of one function: lists of ranges may be shared, and so grow out of all
/// proportion to the file.
const MOST_RANGES: u64 = 1 << 18;

/// Kinds of damage that are kept; a broken file has it everywhere.
const MOST_DAMAGE: usize = 16;

/// Steps from one entry to another that says more about the same thing; more is a loop.
const MOST_STEPS: usize = 8;

/// The debug info of one object.
#[derive(Debug)]
pub(crate) struct Dwarf<'a> {
    label: Arc<str>,
    pub(crate) object: ObjectId,
    /// The object with what this one shares with others (5.0, 7.5.4 "supplementary object files").
    shared: Option<Arc<Dwarf<'a>>>,
    inner: gimli::Dwarf<Slice<'a>>,
    /// `.debug_info`.
    info: &'a [u8],
    /// `.debug_abbrev`.
    abbreviation_bytes: &'a [u8],
    /// `.debug_line`.
    line_bytes: &'a [u8],
    /// `.debug_str`.
    text_bytes: &'a [u8],
    machine: Option<&'static Machine>,
    is_64: bool,
    endian: base::Endian,
    headers: OnceLock<Headers<'a>>,
    address_ranges: OnceLock<AddressRanges>,
    units: Mutex<BTreeMap<usize, Arc<Unit<'a>>>>,
    /// Bytes of abbreviations read so far.
    abbreviations_used: AtomicU64,
    names: OnceLock<index::Index>,
    /// The variables that were asked for, by address.
    variables: Mutex<BTreeMap<u64, Option<index::FoundVariable<'a>>>>,
    /// Where `.debug_info` tells the address of a variable, by address; made when it has been gone through often.
    variable_places: OnceLock<Vec<(u64, usize)>>,
    damage: Mutex<Vec<Error>>,
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
        shared: Option<Arc<Dwarf<'a>>>,
    ) -> Result<Option<Self>> {
        let Some(file) = object.dwarf_file() else {
            return Ok(None);
        };
        let label = Arc::clone(&file.label);
        let mut loaded = Sections::load(object)?;
        if let Some(shared) = &shared {
            // For the texts of entries here; entries there are read as those of an object of their own.
            loaded.all.set_sup(gimli::Dwarf {
                debug_str: gimli::DebugStr::new(shared.text_bytes, run_time(shared.endian)),
                ..gimli::Dwarf::default()
            });
        }
        Ok(Some(Dwarf {
            label,
            object: id,
            shared,
            inner: loaded.all,
            info: loaded.info,
            abbreviation_bytes: loaded.abbreviations,
            line_bytes: loaded.lines,
            text_bytes: loaded.texts,
            machine: machines::find(file.machine),
            is_64: file.is_64,
            endian: file.endian(),
            headers: OnceLock::new(),
            address_ranges: OnceLock::new(),
            units: Mutex::new(BTreeMap::new()),
            abbreviations_used: AtomicU64::new(0),
            names: OnceLock::new(),
            variables: Mutex::default(),
            variable_places: OnceLock::new(),
            damage: Mutex::new(Vec::new()),
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

    /// Keeps what is wrong with a part, where the rest is of use without it.
    fn note_damage(&self, error: Error) {
        let mut damage = match self.damage.lock() {
            Ok(damage) => damage,
            Err(poisoned) => poisoned.into_inner(),
        };
        if damage.len() < MOST_DAMAGE && !damage.contains(&error) {
            damage.push(error);
        }
    }

    /// What kept parts of the debug info from being read so far.
    pub(crate) fn damage(&self) -> Vec<Error> {
        let noted = match self.damage.lock() {
            Ok(damage) => damage.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        };
        let mut all: Vec<_> = self.stopped().into_iter().cloned().chain(noted).collect();
        all.sort_by_key(ToString::to_string);
        all
    }

    /// What we found wrong at `at` in `.debug_info`.
    fn bad(&self, at: usize, what: impl Into<String>) -> Error {
        Error::section(&self.label, ".debug_info", at as u64, what)
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
        for unit in units.iter().filter(|_| units.len() > 1) {
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
        let mut known: Vec<_> = told.iter().map(|(_, _, unit)| *unit).collect();
        known.sort_unstable();
        known.dedup();
        let units = self.headers().units.iter();
        let left_out: Vec<_> = units
            .filter(|(at, _)| known.binary_search(at).is_err())
            .collect();
        // Units may share their lists of ranges.
        let parts: Vec<_> = left_out.chunks(16).collect();
        let ranges = threads::map(&parts, |units| -> Vec<_> {
            let ranges = units.iter().flat_map(|(at, header)| {
                let ranges = self
                    .read_unit(*at, *header)
                    .and_then(|unit| self.ranges_of_unit(&unit));
                let ranges = ranges.unwrap_or_default().into_iter();
                ranges.map(|range| (range.start, range.end, *at))
            });
            ranges.collect()
        });
        let mut ranges = ranges.concat();
        ranges.sort_unstable();
        ranges
    }

    fn ranges_of_unit(&self, unit: &Unit<'a>) -> Result<Vec<Range<u64>>> {
        let root = unit.inner.header.root_offset();
        let mut budget = Budget::new("ranges of one unit", MOST_RANGES);
        self.ranges(unit, &self.entry(unit, root)?, &mut budget)
    }

    fn run_time_endian(&self) -> RunTimeEndian {
        run_time(self.endian)
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

/// The sections of DWARF, and those by themselves of which we read something before gimli does.
struct Sections<'a> {
    all: gimli::Dwarf<Slice<'a>>,
    info: &'a [u8],
    abbreviations: &'a [u8],
    lines: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Sections<'a> {
    fn load(object: &Object<'a>) -> Result<Self> {
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
        let endian = run_time(object.endian());
        // Unpacking and relocating takes its time; sections do not depend on each other.
        let contents = threads::map(&WANTED, |id| Ok((*id, object.debug_section(id.name())?)));
        let contents: Vec<_> = contents.into_iter().collect::<Result<_>>()?;
        let bytes = |id: SectionId| {
            let found = contents.iter().find(|(other, _)| *other == id);
            found.map_or(&[][..], |(_, bytes)| *bytes)
        };
        let load = |id: SectionId| -> std::result::Result<Slice<'a>, std::convert::Infallible> {
            Ok(EndianSlice::new(bytes(id), endian))
        };
        let all = match gimli::Dwarf::load(load) {
            Ok(dwarf) => dwarf,
            Err(never) => match never {},
        };
        Ok(Sections {
            all,
            info: bytes(SectionId::DebugInfo),
            abbreviations: bytes(SectionId::DebugAbbrev),
            lines: bytes(SectionId::DebugLine),
            texts: bytes(SectionId::DebugStr),
        })
    }
}

fn run_time(endian: base::Endian) -> RunTimeEndian {
    match endian {
        base::Endian::Little => RunTimeEndian::Little,
        base::Endian::Big => RunTimeEndian::Big,
    }
}
