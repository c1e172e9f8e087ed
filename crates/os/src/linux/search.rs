//! Physical memory in large pieces, for searches: what cannot be read is zeroes in a piece.

use std::borrow::Cow;
use std::ops::Range;

use base::{Memory, PhysAddr};

/// Bytes of a piece, and how many of them the next one has again: what is looked for lies in one piece then.
const PIECE: u64 = 256 << 20;
const SHARED: u64 = 64 << 20;

/// Bytes that are searched in all; a kernel lies below, however much memory there is.
const MOST: u64 = 64 << 30;

/// Bytes that are read at a time where memory has to be copied.
const PAGE: usize = 1 << 12;

/// The pieces of the target's memory, in the order of addresses.
pub(crate) fn pieces(memory: &dyn Memory) -> Vec<Range<u64>> {
    let mut pieces = Vec::new();
    let mut left = MOST;
    for range in memory.physical_ranges() {
        let mut start = range.start;
        while start < range.end && left > 0 {
            let end = range.end.min(start.saturating_add(PIECE));
            pieces.push(start..end);
            left = left.saturating_sub(end - start);
            if end == range.end {
                break;
            }
            start = end - SHARED;
        }
    }
    pieces
}

/// The bytes of a piece.
pub(crate) fn bytes(memory: &dyn Memory, piece: Range<u64>) -> Cow<'_, [u8]> {
    let size = usize::try_from(piece.end.saturating_sub(piece.start)).unwrap_or(0);
    let size = size.min(PIECE as usize);
    if let Some(bytes) = memory.physical_bytes(PhysAddr(piece.start), size) {
        return Cow::Borrowed(bytes);
    }
    let mut bytes = vec![0; size];
    let mut at = piece.start;
    for page in bytes.chunks_mut(PAGE) {
        if memory.read_physical(PhysAddr(at), page).is_err() {
            page.fill(0);
        }
        at = at.wrapping_add(PAGE as u64);
    }
    Cow::Owned(bytes)
}
