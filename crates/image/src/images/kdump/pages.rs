//! The pages of a dump: found by their descriptors, unpacked, and told apart where they are absent.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};

use base::{Budget, Endian, Gap, PhysAddr, ReadError};

use super::bitmap::{Bitmap, MOST_RANGES};
use super::cache::Cache;
use super::header::Header;
use crate::codecs;
use crate::fields::Fields;
use crate::source::Source;
use crate::{Error, Result};

/// Bytes of a page's descriptor (`struct page_desc`): offset, size, flags, and the page's own flags.
const DESCRIPTOR: u64 = 24;
/// Descriptors that are looked at from the end, at most and at least, to find out whether the file was cut.
const LOOKED_AT: u64 = 1 << 22;
const ENOUGH: usize = 1024;
/// Descriptors that are counted where it was.
const COUNTED: u64 = 1 << 24;

const SINGLE: &str = "this dump does not tell pages that were left out from what is no memory";
const ELSEWHERE: &str = "the page lies in another part of the split dump";

/// The pages of a dump.
pub(super) struct Pages {
    source: Source,
    endian: Endian,
    /// Bytes of a page.
    size: u32,
    /// One more than the number of the last page.
    max_pfn: u64,
    /// Which pages are memory; none where the dump has only the other bitmap.
    valid: Option<Bitmap>,
    /// Which pages are in the dump.
    dumped: Bitmap,
    /// The pages of this part of a split dump.
    part: Option<Range<u64>>,
    /// How many pages are in the parts before it.
    before: u64,
    /// Where the descriptors are.
    table: u64,
    ranges: Vec<Range<u64>>,
    cache: Cache,
}

/// Where a page lies.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    at: u64,
    size: u32,
    flags: u32,
}

impl Pages {
    pub(super) fn new(source: Source, header: &Header, gaps: &mut Vec<Gap>) -> Result<Pages> {
        let block = u64::from(header.block_size);
        let (start, room) = (
            header.bitmaps.start,
            header.bitmaps.end - header.bitmaps.start,
        );
        let needed = header.max_pfn.div_ceil(8);
        let max_address = header.max_pfn.checked_mul(block);
        if header.max_pfn == 0 || needed > room || max_address.is_none() {
            let what = format!("bitmaps of {room} bytes for {} pages", header.max_pfn);
            return Err(Error::damaged(start, what));
        }
        // One bitmap where there is no room for two (makedumpfile and crash tell it so).
        let two = room / block >= 2 * needed.div_ceil(block);
        let second = if two { start + room / 2 } else { start };
        let valid = two.then(|| Bitmap::read(&source, start, header.max_pfn));
        let dumped = Bitmap::read(&source, second, header.max_pfn);
        let told = valid
            .as_ref()
            .map_or(dumped.pages, |valid| valid.pages.min(dumped.pages));
        if told < header.max_pfn {
            let what = format!(
                "which pages there are from {told:#x} to {:#x}",
                header.max_pfn
            );
            gaps.push(
                Gap::new(what, "the file does not have all of the bitmaps")
                    .supply("the whole dump"),
            );
        }
        let (runs, more) = valid.as_ref().unwrap_or(&dumped).runs(&source);
        if more {
            let why = format!("there are more than {MOST_RANGES} of them");
            gaps.push(Gap::new("the last holes between ranges of memory", why));
        }
        if let Some(part) = &header.part {
            let what = format!("the pages outside {:#x} to {:#x}", part.start, part.end);
            gaps.push(Gap::new(what, "they are in other parts of the split dump"));
        }
        if !two {
            gaps.push(Gap::new("which pages were left out", SINGLE));
        }
        let in_bytes = |run: Range<u64>| run.start * block..run.end * block;
        let before = header
            .part
            .as_ref()
            .map_or(0, |part| dumped.before(&source, part.start));
        Ok(Pages {
            endian: header.endian,
            size: header.block_size,
            max_pfn: header.max_pfn,
            valid,
            dumped,
            part: header.part.clone(),
            before,
            table: header.bitmaps.end,
            ranges: runs.into_iter().map(in_bytes).collect(),
            cache: Cache::new(header.block_size),
            source,
        })
    }

    pub(super) fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// The number of the page at an address, and where in it that is.
    fn split(&self, address: u64) -> (u64, usize) {
        let size = u64::from(self.size);
        (address / size, (address % size) as usize)
    }

    /// Where a page lies, or why it does not.
    fn find(&self, page: u64) -> std::result::Result<Place, ReadError> {
        let address = PhysAddr(page.saturating_mul(self.size.into()));
        if !self.dumped.has(&self.source, page) {
            let valid = self.valid.as_ref();
            let told = valid.map_or(self.dumped.pages, |valid| {
                valid.pages.min(self.dumped.pages)
            });
            return Err(match &self.valid {
                _ if (told..self.max_pfn).contains(&page) => ReadError::Truncated(address),
                Some(valid) if valid.has(&self.source, page) => ReadError::Filtered(address),
                None if self.in_ranges(address.0) => ReadError::NotSupported(SINGLE),
                _ => ReadError::NotMemory(address),
            });
        }
        if self.part.as_ref().is_some_and(|part| !part.contains(&page)) {
            return Err(ReadError::NotSupported(ELSEWHERE));
        }
        let index = self
            .dumped
            .before(&self.source, page)
            .saturating_sub(self.before);
        self.place(index).ok_or(ReadError::Truncated(address))
    }

    /// Whether an address is below the last page that is known: without a bitmap of memory that is all.
    fn in_ranges(&self, address: u64) -> bool {
        self.ranges.last().is_some_and(|last| address < last.end)
    }

    /// What the descriptor of this index says; none where the file does not have it or it is empty, as in a dump
    /// whose disk was full.
    fn place(&self, index: u64) -> Option<Place> {
        let mut bytes = [0; DESCRIPTOR as usize];
        let at = self.table.checked_add(index.checked_mul(DESCRIPTOR)?)?;
        self.source.read(at, &mut bytes).ok()?;
        let fields = Fields::new(&bytes, self.endian);
        let place = Place {
            at: fields.u64(0)?,
            size: fields.u32(8)?,
            flags: fields.u32(12)?,
        };
        (place.at != 0).then_some(place)
    }

    /// Unpacks a page that lies at `place`; whether that can be.
    fn unpack(&self, place: Place, into: &mut [u8]) -> bool {
        // Packers leave a page that does not shrink as it is.
        if u64::from(place.size) > 2 * u64::from(self.size) {
            return false;
        }
        if place.flags & codecs::flags() == 0 {
            return place.size == self.size && self.source.read(place.at, into).is_ok();
        }
        let packed = self.source.fetch(place.at, place.size.into());
        match (packed, codecs::find(place.flags)) {
            (Some(packed), Some(codec)) => (codec.unpack)(&packed, into),
            _ => false,
        }
    }

    pub(super) fn read(&self, address: u64, into: &mut [u8]) -> std::result::Result<(), ReadError> {
        let (mut at, mut left) = (address, into);
        while !left.is_empty() {
            let (page, inside) = self.split(at);
            let room = self.size as usize - inside;
            let (now, later) = left.split_at_mut(room.min(left.len()));
            if !self.cache.copy(page, inside, now) {
                self.read_page(page, inside, now)?;
            }
            at = at.saturating_add(now.len() as u64);
            left = later;
        }
        Ok(())
    }

    fn read_page(
        &self,
        page: u64,
        inside: usize,
        into: &mut [u8],
    ) -> std::result::Result<(), ReadError> {
        thread_local! {
            /// The room of a page that gave way in the cache.
            static ROOM: RefCell<Option<Box<[u8]>>> = const { RefCell::new(None) };
        }
        let place = self.find(page)?;
        let truncated = ReadError::Truncated(PhysAddr(page.saturating_mul(self.size.into())));
        let size = self.size as usize;
        let room = ROOM.take().filter(|room| room.len() == size);
        let mut bytes = room.unwrap_or_else(|| vec![0; size].into());
        if !self.unpack(place, &mut bytes) {
            ROOM.set(Some(bytes));
            return Err(truncated);
        }
        let wanted = bytes.get(inside..inside + into.len()).ok_or(truncated)?;
        into.copy_from_slice(wanted);
        ROOM.set(self.cache.keep(page, bytes));
        Ok(())
    }

    /// The bytes of a page that is not packed.
    pub(super) fn bytes(&self, address: u64, size: usize) -> Option<&[u8]> {
        let (page, inside) = self.split(address);
        if inside.checked_add(size)? > self.size as usize {
            return None;
        }
        let place = self.find(page).ok()?;
        if place.flags & codecs::flags() != 0 || place.size != self.size {
            return None;
        }
        self.source
            .slice(place.at.checked_add(inside as u64)?, size)
    }

    pub(super) fn visit(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(PhysAddr, &[u8]) -> ControlFlow<()>,
    ) -> u64 {
        let mut absent = range.end.saturating_sub(range.start);
        let size = u64::from(self.size);
        let part = self.part.clone().unwrap_or(0..u64::MAX);
        let mut next = (range.start / size).max(part.start);
        let mut index = self
            .dumped
            .before(&self.source, next)
            .saturating_sub(self.before);
        let (mut bytes, mut unpacked) = (vec![0; self.size as usize], None);
        while let Some(page) = self.dumped.next(&self.source, next) {
            let start = page * size;
            if start >= range.end || page >= part.end {
                break;
            }
            let place = self.place(index);
            (next, index) = (page + 1, index + 1);
            // Pages of zeroes share one place, and lie in long runs.
            if place.is_none() || place != unpacked {
                unpacked = place.filter(|place| self.unpack(*place, &mut bytes));
            }
            if unpacked.is_none() {
                continue;
            }
            let from = range.start.saturating_sub(start);
            let to = (range.end - start).min(size);
            let piece = bytes.get(from as usize..to as usize).unwrap_or_default();
            absent -= (piece.len() as u64).min(absent);
            if visit(PhysAddr(start + from), piece).is_break() {
                break;
            }
        }
        absent
    }

    /// How many pages are in this file by its bitmap.
    fn total(&self) -> u64 {
        let end = self.part.as_ref().map_or(u64::MAX, |part| part.end);
        self.dumped
            .before(&self.source, end)
            .saturating_sub(self.before)
    }

    /// Whether the file has the bytes of a page.
    fn is_there(&self, index: u64) -> bool {
        let place = self.place(index);
        place.is_some_and(|place| self.source.absent(place.at, place.size.into()) == 0)
    }

    /// How many pages the dump should have and the file does not.
    pub(super) fn missing(&self, incomplete: bool) -> Option<Gap> {
        let total = self.total();
        let cut = self.is_cut(total);
        if !incomplete && !cut {
            return None;
        }
        let why = match (incomplete, cut) {
            (true, _) => "the dump says of itself that it is incomplete: its disk was full",
            (false, _) => "the file ends before them: it was cut",
        };
        let mut budget = Budget::new("descriptors of pages", COUNTED);
        let mut missing = 0u64;
        for index in 0..total {
            if budget.spend(1).is_err() {
                break;
            }
            missing += u64::from(!self.is_there(index));
        }
        let of = total.min(COUNTED);
        let first = if of < total { "the first " } else { "" };
        let what = format!("{missing} of {first}{of} pages of the dump");
        Some(Gap::new(what, why).supply("the whole dump"))
    }

    /// Whether the last pages are missing. Pages were written in order, but pages of zeroes share one place at the
    /// beginning; so the search goes back until it has seen others.
    fn is_cut(&self, total: u64) -> bool {
        let first = self.place(total.saturating_sub(1)).map(|place| place.at);
        let mut differs = false;
        for (looked_at, index) in (0..total).rev().take(LOOKED_AT as usize).enumerate() {
            let Some(place) = self.place(index) else {
                return true;
            };
            if self.source.absent(place.at, place.size.into()) != 0 {
                return true;
            }
            differs |= Some(place.at) != first;
            if differs && looked_at >= ENOUGH {
                break;
            }
        }
        false
    }
}
