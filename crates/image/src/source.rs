//! The bytes of a dump, whether they lie in order or in pieces (flattened).

use std::borrow::Cow;
use std::ops::Range;

use base::Gap;

/// The bytes of a file, wherever they are kept.
pub type Bytes = Box<dyn AsRef<[u8]> + Send + Sync>;

/// A run of a dump's bytes in a file that holds them in another order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where they belong.
    pub(crate) range: Range<u64>,
    /// Where they lie.
    pub(crate) from: u64,
}

/// The bytes of a dump by their offsets in it.
pub(crate) struct Source {
    bytes: Bytes,
    /// In order and disjoint; none where the bytes lie as they belong.
    pieces: Option<Vec<Piece>>,
    /// How many bytes there are in front of each piece.
    before: Vec<u64>,
    len: u64,
    cut: Option<Gap>,
}

impl Source {
    /// Bytes that lie as they belong.
    pub(crate) fn plain(bytes: Bytes) -> Self {
        let len = (*bytes).as_ref().len() as u64;
        Source {
            bytes,
            pieces: None,
            before: Vec::new(),
            len,
            cut: None,
        }
    }

    /// The same bytes, which belong elsewhere: `pieces` are in order and disjoint. `cut` is what is known to be
    /// missing.
    pub(crate) fn rearranged(self, pieces: Vec<Piece>, cut: Option<Gap>) -> Self {
        let len = pieces.last().map_or(0, |piece| piece.range.end);
        let mut there = 0;
        let before = pieces.iter().map(|piece| {
            let before = there;
            there += piece.range.end - piece.range.start;
            before
        });
        Source {
            before: before.collect(),
            pieces: Some(pieces),
            len,
            cut,
            ..self
        }
    }

    /// Where the last byte ends. Bytes in front of it may be absent.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the bytes were rearranged.
    pub(crate) fn is_rearranged(&self) -> bool {
        self.pieces.is_some()
    }

    /// What is known to be missing at its end.
    pub(crate) fn cut(&self) -> Option<&Gap> {
        self.cut.as_ref()
    }

    /// The bytes of the file, as they lie.
    pub(crate) fn raw(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// Bytes that lie in one piece.
    pub(crate) fn slice(&self, at: u64, size: usize) -> Option<&[u8]> {
        let from = match &self.pieces {
            None => at,
            Some(_) => {
                let (from, room) = self.run(at)?;
                (room >= size as u64).then_some(from)?
            }
        };
        let from = usize::try_from(from).ok()?;
        self.raw().get(from..from.checked_add(size)?)
    }

    /// Where the byte at `at` lies in the file, and how many from there on lie behind each other.
    fn run(&self, at: u64) -> Option<(u64, u64)> {
        let Some(pieces) = &self.pieces else {
            return (at < self.len).then(|| (at, self.len - at));
        };
        let after = pieces.partition_point(|piece| piece.range.start <= at);
        let piece = pieces.get(after.checked_sub(1)?)?;
        let inside = at - piece.range.start;
        (at < piece.range.end).then(|| (piece.from + inside, piece.range.end - at))
    }

    /// Fills `into`; fails with the first offset that is absent.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<(), u64> {
        let mut at = at;
        let mut left = into;
        while !left.is_empty() {
            let (from, room) = self.run(at).ok_or(at)?;
            let size = usize::try_from(room).unwrap_or(usize::MAX).min(left.len());
            let from = usize::try_from(from).map_err(|_| at)?;
            let bytes = from
                .checked_add(size)
                .and_then(|to| self.raw().get(from..to))
                .ok_or(at)?;
            let (now, later) = left.split_at_mut(size);
            now.copy_from_slice(bytes);
            left = later;
            at = at.checked_add(size as u64).ok_or(at)?;
        }
        Ok(())
    }

    /// Bytes that must all be there; copied where they lie in several pieces. What is copied is there, so that
    /// no more memory is taken than the file is long.
    pub(crate) fn fetch(&self, at: u64, size: u64) -> Option<Cow<'_, [u8]>> {
        let bytes = usize::try_from(size).ok()?;
        if let Some(slice) = self.slice(at, bytes) {
            return Some(Cow::Borrowed(slice));
        }
        if self.pieces.is_none() || self.absent(at, size) != 0 {
            return None;
        }
        let mut copy = vec![0; bytes];
        self.read(at, &mut copy).ok()?;
        Some(Cow::Owned(copy))
    }

    /// How many of these bytes are there before the first that is absent.
    pub(crate) fn available(&self, at: u64, size: u64) -> u64 {
        let mut there = 0;
        while there < size {
            match self.run(at.saturating_add(there)) {
                Some((_, room)) => there += room.min(size - there),
                None => break,
            }
        }
        there
    }

    /// How many of these bytes the file does not have.
    pub(crate) fn absent(&self, at: u64, size: u64) -> u64 {
        let end = at.saturating_add(size);
        size - (self.there(end) - self.there(at)).min(size)
    }

    /// How many bytes there are in front of an offset. It is asked for each of a great many segments, so that it
    /// must not look at each of a great many pieces.
    fn there(&self, at: u64) -> u64 {
        let Some(pieces) = &self.pieces else {
            return at.min(self.len);
        };
        let after = pieces.partition_point(|piece| piece.range.start < at);
        let last = after.checked_sub(1);
        let last = last.and_then(|last| Some((pieces.get(last)?, self.before.get(last)?)));
        last.map_or(0, |(piece, before)| {
            before + at.min(piece.range.end) - piece.range.start
        })
    }

    /// The first offset at or behind `at` whose byte is there.
    pub(crate) fn next(&self, at: u64) -> Option<u64> {
        let Some(pieces) = &self.pieces else {
            return (at < self.len).then_some(at);
        };
        let after = pieces.partition_point(|piece| piece.range.end <= at);
        pieces.get(after).map(|piece| piece.range.start.max(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Source {
        let piece = |range, from| Piece { range, from };
        Source::plain(Box::new((0..100u8).collect::<Vec<_>>())).rearranged(
            vec![piece(0..10, 50), piece(10..20, 0), piece(30..40, 80)],
            None,
        )
    }

    #[test]
    fn pieces_are_read_as_one() {
        let source = pieces();
        assert_eq!(source.len(), 40);
        assert_eq!(source.slice(8, 2), Some(&[58, 59][..]));
        assert_eq!(source.slice(8, 3), None);
        assert_eq!(source.fetch(8, 4).unwrap(), vec![58, 59, 0, 1]);
        let mut into = [0; 4];
        assert_eq!(source.read(18, &mut into), Err(20));
        assert_eq!(source.read(36, &mut into), Ok(()));
        assert_eq!(into, [86, 87, 88, 89]);
        assert_eq!(source.absent(15, 20), 10);
        assert_eq!(source.available(5, 100), 15);
        assert_eq!(
            (
                source.absent(20, 10),
                source.absent(35, 1),
                source.absent(0, 40)
            ),
            (10, 0, 10)
        );
        assert_eq!(
            [5, 20, 29, 31].map(|at| source.next(at)),
            [Some(5), Some(30), Some(30), Some(31)]
        );
        assert_eq!(source.next(40), None);
        assert_eq!(source.absent(25, 100), 90);
        assert_eq!(source.fetch(18, u64::MAX), None);
    }

    #[test]
    fn what_lies_in_order_is_not_copied() {
        let source = Source::plain(Box::new(vec![7u8; 100]));
        assert!(matches!(source.fetch(90, 10), Some(Cow::Borrowed(_))));
        assert_eq!(source.fetch(90, 11), None);
        assert_eq!(source.absent(90, 11), 1);
        assert_eq!(source.absent(u64::MAX, 2), 2);
        assert_eq!(source.read(99, &mut [0; 2]), Err(100));
    }
}
