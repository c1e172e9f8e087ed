//! The tables of call frame information: entries of functions (FDE), each with what is common to many (CIE), found
//! by the header's sorted table or by an index of all entries, which is made once.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use base::{Budget, Exhausted};

use super::cursor::{Cursor, INDIRECT, OMITTED};
use super::program::CfiRow;

/// Entries of a table; the largest programs have some hundred thousand.
const MOST_ENTRIES: u64 = 1 << 22;

/// The form of the header's table that can be searched: `DW_EH_PE_datarel | DW_EH_PE_sdata4`.
const SEARCHABLE: u8 = 0x3b;

/// Bytes of an entry of it: where a function begins and where its FDE is.
const PAIR: usize = 8;

/// Which of the two forms a table has. They differ in how entries name what is common to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CfiForm {
    /// `.eh_frame`, which is loaded with the program.
    Loaded,
    /// `.debug_frame`.
    Debug,
}

/// Why a table does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CfiError {
    /// These bytes of it are not at hand; counted from its start.
    Absent(u64),
    /// The entry there makes no sense; bytes from the start.
    Entry(u64),
    /// The instructions of an entry make no sense.
    Program,
    /// Rules are put aside and not taken back.
    TooDeep,
    /// It is larger than any that is sound.
    Exhausted(Exhausted),
}

impl fmt::Display for CfiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CfiError::Absent(at) => {
                write!(f, "the unwind table is not at hand at its byte {at:#x}")
            }
            CfiError::Entry(at) => write!(f, "the unwind table is damaged at its byte {at:#x}"),
            CfiError::Program => f.write_str("the instructions of the unwind table are damaged"),
            CfiError::TooDeep => f.write_str("the unwind table puts aside more than it takes back"),
            CfiError::Exhausted(exhausted) => write!(f, "the unwind table: {exhausted}"),
        }
    }
}

impl std::error::Error for CfiError {}

/// What is common to many functions (CIE).
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'t> {
    pub(super) code_align: u64,
    pub(super) data_align: i64,
    pub(super) return_register: u16,
    pub(super) is_signal: bool,
    /// The form of addresses in the entries.
    form: u8,
    /// Entries have data of their own before their instructions.
    is_augmented: bool,
    pub(super) program: &'t [u8],
    /// Where the instructions that read a pointer lie in the section cannot be told from their slice, so only
    /// pointers that need it not are read there.
    is_absolute: bool,
}

impl Common<'_> {
    /// The operand of `DW_CFA_set_loc`.
    pub(super) fn pointer(&self, code: &mut Cursor<'_>) -> Option<u64> {
        self.is_absolute.then(|| code.value(self.form)).flatten()
    }
}

/// The header of a loaded table (`.eh_frame_hdr`).
#[derive(Clone, Debug)]
pub struct CfiHeader<'a> {
    /// Where it begins.
    pub address: u64,
    /// Its bytes.
    pub bytes: Cow<'a, [u8]>,
}

impl CfiHeader<'_> {
    /// Where it says that the table is, and where its own sorted table begins, with the number of its entries.
    fn read(&self) -> Option<(u64, Option<(usize, usize)>)> {
        let mut cursor = Cursor::new(&self.bytes, 0);
        let (version, table, count, pairs) =
            (cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
        if version != 1 || table == OMITTED {
            return None;
        }
        let table = cursor.pointer(table, self.address, Some(self.address))?;
        if count == OMITTED || pairs != SEARCHABLE {
            return Some((table, None));
        }
        let count = cursor.pointer(count, self.address, Some(self.address));
        let sorted = count.and_then(|count| {
            let count = usize::try_from(count).ok()?;
            (count.checked_mul(PAIR)? <= cursor.rest().len()).then_some((cursor.at(), count))
        });
        Some((table, sorted))
    }

    /// Where the table is that it is the header of.
    pub fn table(&self) -> Option<u64> {
        self.read().map(|(table, _)| table)
    }
}

/// Start and end of a function, and where its entry is.
type Indexed = (u64, u64, u64);

/// A table of call frame information. All addresses are those that it was linked for.
#[derive(Debug)]
pub struct CfiTable<'a> {
    form: CfiForm,
    address: u64,
    bytes: Cow<'a, [u8]>,
    absent: Vec<Range<u64>>,
    /// The header's table: its bytes begin there, and it has so many entries.
    sorted: Option<(CfiHeader<'a>, usize, usize)>,
    index: OnceLock<Result<Vec<Indexed>, CfiError>>,
}

impl<'a> CfiTable<'a> {
    /// The table whose bytes lie at `address`.
    pub fn new(form: CfiForm, address: u64, bytes: Cow<'a, [u8]>) -> Self {
        CfiTable {
            form,
            address,
            bytes,
            absent: Vec::new(),
            sorted: None,
            index: OnceLock::new(),
        }
    }

    /// The same, of which some bytes are not at hand: whatever stands there is not read. Counted from its start,
    /// in order.
    #[must_use]
    pub fn without(mut self, absent: Vec<Range<u64>>) -> Self {
        self.absent = absent;
        self
    }

    /// The same, searched by its header, where that can be.
    #[must_use]
    pub fn with_header(mut self, header: CfiHeader<'a>) -> Self {
        if let Some((table, Some((at, count)))) = header.read()
            && table == self.address
        {
            self.sorted = Some((header, at, count));
        }
        self
    }

    /// The rules at `pc`; none where it does not tell of that place.
    pub fn find(&self, pc: u64) -> Result<Option<CfiRow<'_>>, CfiError> {
        let Some(at) = self.entry_for(pc)? else {
            return Ok(None);
        };
        let Some(Entry::Function(function)) = self.entry(at)?.map(|(entry, _)| entry) else {
            return Err(CfiError::Entry(at));
        };
        if !(function.start..function.end).contains(&pc) {
            return Ok(None);
        }
        CfiRow::at(&function.common, function.program, function.start, pc).map(Some)
    }

    /// Every function that it tells of: start, end. Damage ends the list.
    pub fn functions(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let index = self.index().as_ref().map(Vec::as_slice).unwrap_or_default();
        index.iter().map(|(start, end, _)| (*start, *end))
    }

    /// Where the entry is that would be of `pc`.
    fn entry_for(&self, pc: u64) -> Result<Option<u64>, CfiError> {
        let Some((header, at, count)) = &self.sorted else {
            let index = self.index().as_ref().map_err(|error| *error)?;
            let end = index.partition_point(|(start, ..)| *start <= pc);
            let found = end.checked_sub(1).and_then(|last| index.get(last));
            return Ok(found.map(|(.., at)| *at));
        };
        let pairs = header.bytes.get(*at..).unwrap_or_default();
        let word = |place: usize| {
            let bytes: [u8; 4] = pairs.get(place..place + 4)?.try_into().ok()?;
            Some(
                header
                    .address
                    .wrapping_add_signed(i64::from(i32::from_le_bytes(bytes))),
            )
        };
        let damaged = CfiError::Entry(0);
        let (mut low, mut high) = (0, *count);
        while low < high {
            let middle = low + (high - low) / 2;
            if word(PAIR * middle).ok_or(damaged)? <= pc {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(last) = low.checked_sub(1) else {
            return Ok(None);
        };
        let entry = word(PAIR * last + 4).ok_or(damaged)?;
        Ok(Some(entry.wrapping_sub(self.address)))
    }

    /// All functions in the order of their addresses.
    fn index(&self) -> &Result<Vec<Indexed>, CfiError> {
        self.index.get_or_init(|| {
            let mut budget = Budget::new("entries of an unwind table", MOST_ENTRIES);
            let (mut found, mut at) = (Vec::new(), 0_u64);
            while at < self.bytes.len() as u64 {
                budget.spend(1).map_err(CfiError::Exhausted)?;
                match self.entry(at) {
                    Ok(Some((entry, next))) => {
                        if let Entry::Function(function) = entry {
                            found.push((function.start, function.end, at));
                        }
                        at = next;
                    }
                    // The end that a linker writes.
                    Ok(None) => break,
                    // Of an entry that makes no sense its length may.
                    Err(error) => match self.span(at).filter(|(_, _, end)| *end > at) {
                        Some((_, _, end)) if !matches!(error, CfiError::Absent(_)) => at = end,
                        // What comes behind a hole cannot be found: nobody knows where an entry begins.
                        _ if found.is_empty() => return Err(error),
                        _ => break,
                    },
                }
            }
            found.sort_unstable();
            Ok(found)
        })
    }

    /// Where the entry at `at` has its first word behind its length, bytes of its offsets, and where it ends.
    fn span(&self, at: u64) -> Option<(u64, u64, u64)> {
        let mut cursor = Cursor::new(&self.bytes, usize::try_from(at).ok()?);
        let (size, offsets) = match cursor.number(4)? {
            0xffff_ffff => (cursor.number(8)?, 8),
            size => (size, 4),
        };
        let start = cursor.at() as u64;
        let end = start.checked_add(size)?;
        (size > 0 && end <= self.bytes.len() as u64).then_some((start, offsets, end))
    }

    /// Whether all of these bytes are at hand.
    fn is_here(&self, range: Range<u64>) -> Result<(), CfiError> {
        let next = self.absent.partition_point(|hole| hole.end <= range.start);
        match self.absent.get(next) {
            Some(hole) if hole.start < range.end => Err(CfiError::Absent(hole.start)),
            _ => Ok(()),
        }
    }

    /// The entry at `at` and where the next one begins; none at the end of the table.
    fn entry(&self, at: u64) -> Result<Option<(Entry<'_>, u64)>, CfiError> {
        self.is_here(at..at.saturating_add(4))?;
        let wrong = CfiError::Entry(at);
        let place = usize::try_from(at).map_err(|_| wrong)?;
        if self
            .bytes
            .get(place..)
            .is_some_and(|rest| rest.starts_with(&[0; 4]))
        {
            return Ok(None);
        }
        let (start, offsets, end) = self.span(at).ok_or(wrong)?;
        self.is_here(at..end)?;
        let bytes = self.bytes.get(..end as usize).ok_or(wrong)?;
        let mut cursor = Cursor::new(bytes, start as usize);
        let word = cursor.number(offsets).ok_or(wrong)?;
        let is_common = match self.form {
            CfiForm::Loaded => word == 0,
            CfiForm::Debug => word == u64::MAX >> (64 - 8 * offsets),
        };
        if is_common {
            return Ok(Some((Entry::Common, end)));
        }
        let common = match self.form {
            CfiForm::Loaded => start.checked_sub(word).ok_or(wrong)?,
            CfiForm::Debug => word,
        };
        let common = self.common(common)?;
        let function = self.function(cursor, common).ok_or(wrong)?;
        Ok(Some((Entry::Function(function), end)))
    }

    fn function<'t>(&'t self, mut cursor: Cursor<'t>, common: Common<'t>) -> Option<Function<'t>> {
        let start = cursor.pointer(common.form, self.address, None)?;
        let size = cursor.value(common.form)?;
        if common.is_augmented {
            let size = cursor.uleb()?;
            cursor.take(size)?;
        }
        Some(Function {
            start,
            end: start.checked_add(size)?,
            common,
            program: cursor.rest(),
        })
    }

    fn common(&self, at: u64) -> Result<Common<'_>, CfiError> {
        let wrong = CfiError::Entry(at);
        self.is_here(at..at.saturating_add(12))?;
        let (start, offsets, end) = self.span(at).ok_or(wrong)?;
        self.is_here(at..end)?;
        let bytes = self.bytes.get(..end as usize).ok_or(wrong)?;
        let cursor = Cursor::new(bytes, start as usize);
        self.read_common(cursor, offsets).ok_or(wrong)
    }

    fn read_common<'t>(&'t self, mut cursor: Cursor<'t>, offsets: u64) -> Option<Common<'t>> {
        let word = cursor.number(offsets)?;
        let mark = match self.form {
            CfiForm::Loaded => 0,
            CfiForm::Debug => u64::MAX >> (64 - 8 * offsets),
        };
        let version = cursor.u8()?;
        if word != mark || !matches!(version, 1 | 3 | 4) {
            return None;
        }
        let size = cursor.rest().iter().position(|byte| *byte == 0)?;
        let augmentation = cursor.take(size as u64)?;
        cursor.u8()?;
        // Version 4 tells the sizes of addresses and of segment selectors.
        if version == 4 && (cursor.u8()?, cursor.u8()?) != (8, 0) {
            return None;
        }
        let (code_align, data_align) = (cursor.uleb()?, cursor.sleb()?);
        let return_register = match version {
            1 => u16::from(cursor.u8()?),
            _ => u16::try_from(cursor.uleb()?).ok()?,
        };
        let mut common = Common {
            code_align,
            data_align,
            return_register,
            is_signal: false,
            form: 0,
            is_augmented: false,
            program: &[],
            is_absolute: true,
        };
        if let Some((first, letters)) = augmentation.split_first() {
            // Without its size nobody knows where the data of unknown letters ends.
            if *first != b'z' {
                return None;
            }
            let size = cursor.uleb()?;
            let data = cursor;
            cursor.take(size)?;
            let mut data = data;
            for letter in letters {
                match letter {
                    b'R' => common.form = data.u8()?,
                    b'L' => {
                        data.u8()?;
                    }
                    b'P' => {
                        let form = data.u8()?;
                        data.value(form)?;
                    }
                    b'S' => common.is_signal = true,
                    // Pointer authentication of arm64 ('B', 'G') has no data.
                    b'B' | b'G' => {}
                    _ => return None,
                }
            }
            common.is_augmented = true;
        }
        if common.form & INDIRECT != 0 {
            return None;
        }
        common.is_absolute = common.form & 0xf0 == 0;
        common.program = cursor.rest();
        Some(common)
    }
}

enum Entry<'t> {
    Common,
    Function(Function<'t>),
}

struct Function<'t> {
    start: u64,
    end: u64,
    common: Common<'t>,
    program: &'t [u8],
}
