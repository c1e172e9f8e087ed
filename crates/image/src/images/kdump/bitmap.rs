//! A bitmap with a bit for each page, the lowest bit of a byte first, and how many are set before each.

use std::borrow::Cow;
use std::ops::Range;

use crate::source::Source;

/// Bytes that one count stands for.
const STRIDE: usize = 512;
/// Pages that one count stands for.
const PAGES: u64 = STRIDE as u64 * 8;
/// Ranges of memory that are told apart.
pub(super) const MOST_RANGES: usize = 1 << 16;

/// A bitmap, without its bytes where the file has them in one piece.
pub(super) struct Bitmap {
    at: u64,
    /// Of how many pages it tells: fewer than it should where the file does not have all of it, and none behind the
    /// first byte that is absent, as nobody knows then how many are set before.
    pub(super) pages: u64,
    copy: Option<Vec<u8>>,
    /// How many bits are set before each stride.
    counts: Vec<u64>,
}

impl Bitmap {
    pub(super) fn read(source: &Source, at: u64, pages: u64) -> Bitmap {
        let size = source.available(at, pages.div_ceil(8));
        let slice = usize::try_from(size)
            .ok()
            .and_then(|size| source.slice(at, size));
        let copy = match slice {
            Some(_) => None,
            // What is copied is in the file.
            None => source.fetch(at, size).map(Cow::into_owned),
        };
        let mut bitmap = Bitmap {
            at,
            pages: pages.min(size.saturating_mul(8)),
            copy,
            counts: Vec::new(),
        };
        let (mut counts, mut count) = (Vec::new(), 0);
        for stride in bitmap.bits(source).chunks(STRIDE) {
            counts.push(count);
            let bits = stride.iter().map(|byte| u64::from(byte.count_ones()));
            count += bits.sum::<u64>();
        }
        bitmap.counts = counts;
        bitmap
    }

    fn bits<'a>(&'a self, source: &'a Source) -> &'a [u8] {
        match &self.copy {
            Some(copy) => copy,
            None => {
                let size = usize::try_from(self.pages.div_ceil(8)).unwrap_or_default();
                source.slice(self.at, size).unwrap_or_default()
            }
        }
    }

    /// Whether the bit of a page is set.
    pub(super) fn has(&self, source: &Source, page: u64) -> bool {
        let byte = usize::try_from(page / 8).ok();
        let byte = byte.and_then(|byte| self.bits(source).get(byte));
        page < self.pages && byte.is_some_and(|byte| byte >> (page % 8) & 1 != 0)
    }

    /// How many bits are set before that of `page`.
    pub(super) fn before(&self, source: &Source, page: u64) -> u64 {
        let page = page.min(self.pages);
        let stride = usize::try_from(page / PAGES).unwrap_or(usize::MAX);
        let Some(count) = self.counts.get(stride) else {
            return self.total(source);
        };
        count + self.in_stride(source, stride, page % PAGES)
    }

    /// How many bits are set.
    pub(super) fn total(&self, source: &Source) -> u64 {
        let Some(last) = self.counts.len().checked_sub(1) else {
            return 0;
        };
        self.counts.last().copied().unwrap_or_default() + self.in_stride(source, last, PAGES)
    }

    /// How many of the first `pages` bits of a stride are set.
    fn in_stride(&self, source: &Source, stride: usize, pages: u64) -> u64 {
        let bits = self.bits(source).get(stride * STRIDE..).unwrap_or_default();
        let (whole, rest) = ((pages / 8) as usize, pages % 8);
        let (words, bytes) = bits
            .get(..whole.min(bits.len()))
            .unwrap_or_default()
            .as_chunks::<8>();
        let words: u32 = words
            .iter()
            .map(|word| u64::from_ne_bytes(*word).count_ones())
            .sum();
        let bytes: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
        let last = bits
            .get(whole)
            .map_or(0, |byte| u32::from(*byte) & ((1 << rest) - 1));
        u64::from(words + bytes + last.count_ones())
    }

    /// The first set bit at or behind `page`.
    pub(super) fn next(&self, source: &Source, page: u64) -> Option<u64> {
        self.first(source, page, 0)
    }

    /// The first bit at or behind `page` that is not set; the end where all are.
    fn next_clear(&self, source: &Source, page: u64) -> u64 {
        self.first(source, page, 0xff).unwrap_or(self.pages)
    }

    /// The first bit at or behind `page` that is not as those of `skip`.
    fn first(&self, source: &Source, page: u64, skip: u8) -> Option<u64> {
        let bits = self.bits(source);
        let mut at = usize::try_from(page / 8).ok()?;
        let low = 0xffu8 << (page % 8);
        let mut found = (bits.get(at)? ^ skip) & low;
        if found == 0 {
            at += 1;
            let (words, _) = bits.get(at..)?.as_chunks::<8>();
            let same = u64::from_ne_bytes([skip; 8]);
            let skipped = words
                .iter()
                .take_while(|word| u64::from_ne_bytes(**word) == same);
            at += 8 * skipped.count();
            at += bits.get(at..)?.iter().position(|byte| *byte != skip)?;
            found = bits.get(at)? ^ skip;
        }
        let page = at as u64 * 8 + u64::from(found.trailing_zeros());
        (page < self.pages).then_some(page)
    }

    /// The runs of set bits; whether there were more than are told apart: the last one reaches to the end then.
    pub(super) fn runs(&self, source: &Source) -> (Vec<Range<u64>>, bool) {
        let mut runs: Vec<Range<u64>> = Vec::new();
        let mut at = 0;
        while let Some(start) = self.next(source, at) {
            if runs.len() == MOST_RANGES {
                if let Some(last) = runs.last_mut() {
                    last.end = self.pages;
                }
                return (runs, true);
            }
            at = self.next_clear(source, start);
            runs.push(start..at);
        }
        (runs, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(bits: &[u8]) -> (Source, Bitmap) {
        let source = Source::plain(Box::new(bits.to_vec()));
        let bitmap = Bitmap::read(&source, 0, 8 * bits.len() as u64);
        (source, bitmap)
    }

    #[test]
    fn bits_are_counted() {
        let bits: Vec<u8> = (0..3000u32).map(|n| (n * n % 251) as u8).collect();
        let (source, bitmap) = bitmap(&bits);
        let mut count = 0;
        for page in 0..8 * bits.len() as u64 {
            assert_eq!(bitmap.before(&source, page), count, "{page}");
            let set = bits[page as usize / 8] >> (page % 8) & 1 != 0;
            assert_eq!(bitmap.has(&source, page), set);
            count += u64::from(set);
        }
        assert_eq!(bitmap.total(&source), count);
        assert_eq!(bitmap.before(&source, u64::MAX), count);
        assert!(!bitmap.has(&source, u64::MAX));
    }

    #[test]
    fn runs_are_found() {
        let mut bits = vec![0; 100];
        bits[1] = 0b1111_0000;
        bits[2..40].fill(0xff);
        bits[40] = 1;
        bits[99] = 0x80;
        let (source, bitmap) = bitmap(&bits);
        assert_eq!(bitmap.runs(&source), (vec![12..321, 799..800], false));
        assert_eq!(bitmap.next(&source, 13), Some(13));
        assert_eq!(bitmap.next(&source, 321), Some(799));
        assert_eq!(bitmap.next(&source, 800), None);
    }

    #[test]
    fn runs_are_bounded() {
        let (source, bitmap) = bitmap(&vec![0x55; 1 << 16]);
        let (runs, more) = bitmap.runs(&source);
        assert!(more && runs.len() == MOST_RANGES);
        assert_eq!(runs.last().unwrap().end, 8 << 16);
    }
}
