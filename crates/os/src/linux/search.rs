//! Physical memory in large pieces, for searches: what cannot be read is zeroes in a piece.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use base::{Memory, PhysAddr};

/// Bytes of a piece, and how many of them the next one has again: what is looked for lies in one piece then.
const PIECE: u64 = 256 << 20;
const SHARED: u64 = 64 << 20;

/// Bytes that are searched in all; a kernel lies below, however much memory there is.
const MOST: u64 = 64 << 30;

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
    let whole = piece.start..piece.start.saturating_add(size as u64);
    memory.visit_physical(whole, &mut |at, read| {
        let start = usize::try_from(at.0.wrapping_sub(piece.start)).unwrap_or(size);
        let into = bytes.get_mut(start..).unwrap_or_default();
        into.iter_mut().zip(read).for_each(|(to, from)| *to = *from);
        ControlFlow::Continue(())
    });
    Cow::Owned(bytes)
}
