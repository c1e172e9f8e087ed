//! What files of programs hold, out of the kernel's page cache: there the pages of a file are that any process has
//! used, and those that were read ahead. What is not there is absent, which is not the same as zero.

use std::ops::Range;

use base::{Memory, PhysAddr, VirtAddr};
use value::AddressSpace;

/// Bits of an address within a page of the cache.
const PAGE_BITS: u32 = 12;

/// Bytes that are read of one part of a file.
const MOST_BYTES: u64 = 64 << 20;

/// A part of a file.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Its bytes; where some are absent, zeroes.
    pub(super) bytes: Vec<u8>,
    /// Which are absent, counted from its start, in order.
    pub(super) absent: Vec<Range<u64>>,
    /// Why the first of them is.
    pub(super) why: String,
}

impl Piece {
    /// The bytes, where all are there.
    pub(super) fn whole(self) -> Result<Vec<u8>, String> {
        match self.absent.is_empty() {
            true => Ok(self.bytes),
            false => Err(self.why),
        }
    }

    fn lacks(&mut self, size: usize, why: impl FnOnce() -> String) {
        let start = self.bytes.len() as u64;
        let end = start + size as u64;
        if self.absent.is_empty() {
            self.why = why();
        }
        match self.absent.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.absent.push(start..end),
        }
        self.bytes.resize(self.bytes.len() + size, 0);
    }
}

/// Where the bytes of a file are.
pub(super) enum Content<'c, 'm> {
    /// In the page cache: numbers of pages in the file, from the first to the last, and the number of the page in
    /// memory (PFN) of the first; in order.
    Cached {
        memory: &'m dyn Memory,
        pages: Vec<(u64, u64, u64)>,
    },
    /// In the memory of a process, all in one piece, as the kernel's own code for user space (vDSO) is.
    Mapped {
        space: &'c AddressSpace<'m>,
        range: Range<u64>,
    },
}

impl Content<'_, '_> {
    /// The part that begins at `offset`.
    pub(super) fn read(&self, offset: u64, size: u64) -> Piece {
        let mut piece = Piece::default();
        let size = size.min(MOST_BYTES);
        let end = offset.saturating_add(size);
        let mut at = offset;
        while at < end {
            let next = ((at >> PAGE_BITS) + 1) << PAGE_BITS;
            let step = (next.min(end) - at) as usize;
            let start = piece.bytes.len();
            piece.bytes.resize(start + step, 0);
            let into = piece.bytes.get_mut(start..).unwrap_or_default();
            if let Err(why) = self.fill(at, into) {
                piece.bytes.truncate(start);
                piece.lacks(step, || why);
            }
            at = at.saturating_add(step as u64);
        }
        piece
    }

    /// Bytes of one page.
    fn fill(&self, offset: u64, into: &mut [u8]) -> Result<(), String> {
        let read = match self {
            Content::Cached { memory, pages } => {
                let number = offset >> PAGE_BITS;
                let end = pages.partition_point(|(first, ..)| *first <= number);
                let found = end.checked_sub(1).and_then(|last| pages.get(last));
                let Some((first, _, pfn)) = found.filter(|(_, last, _)| number <= *last) else {
                    return Err("it is not in the page cache".to_owned());
                };
                let page = pfn.saturating_add(number - first);
                let within = offset & ((1 << PAGE_BITS) - 1);
                memory.read_physical(PhysAddr(page << PAGE_BITS | within), into)
            }
            Content::Mapped { space, range } => {
                let at = range
                    .start
                    .checked_add(offset)
                    .filter(|at| range.contains(at));
                let at = at.ok_or_else(|| "it is not mapped".to_owned())?;
                space.read(VirtAddr(at), into)
            }
        };
        // Addresses say nothing to a reader here, and would make equal reasons different.
        read.map_err(|error| absence(&error).to_owned())
    }
}

/// Why memory cannot be read, in words that are the same wherever it is.
pub(super) fn absence(error: &base::ReadError) -> &'static str {
    use base::ReadError::{Filtered, NotMemory, NotPresent, NotSupported, Truncated, Unmapped};
    match error {
        Unmapped(_) => "it is not mapped",
        NotPresent(_) => "its page is not in memory (swapped out, or on its way)",
        Filtered(_) => "its page was filtered out of the dump",
        Truncated(_) => "the dump is cut or damaged there",
        NotMemory(_) => "there is no memory where its page should be",
        NotSupported(why) => why,
    }
}
