//! Words in memory: where one value, or one of many, stands.

use std::ops::{ControlFlow, Range};

use base::{Endian, Memory, PhysAddr, Target};
use rayon::prelude::*;

/// Bytes of memory that one thread looks at in one go.
const CHUNK: u64 = 4 << 20;
/// Chunks that are looked at before it is asked whether enough was found.
const BATCH: usize = 64;
/// Chunks that are looked at: 64 TiB. A dump can claim more memory than there is.
const MOST_CHUNKS: usize = 1 << 24;
/// Words that are compared before anybody asks whether one of them was it.
const BLOCK: usize = 64;

/// The words that are looked for, as they lie in memory.
#[derive(Clone, Debug)]
pub struct Needles {
    /// In order and each once, in the byte order of this machine.
    words: Vec<u64>,
    endian: Endian,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Where a word stands and which, in the order of addresses.
    pub found: Vec<(PhysAddr, u64)>,
    /// Whether the search ended as so many were found.
    pub limited: bool,
    /// Bytes of memory that could not be looked at, as far as it was looked.
    pub absent: u64,
}

impl Needles {
    /// Looks for these words of 64 bits in memory of this byte order.
    pub fn new(words: &[u64], endian: Endian) -> Self {
        let mut words: Vec<u64> = words.iter().map(|word| as_read(*word, endian)).collect();
        words.sort_unstable();
        words.dedup();
        Needles { words, endian }
    }

    /// Calls `found` with the index of each word of `bytes` that is one of the needles, and with the needle.
    /// Words are looked for at multiples of eight bytes from the beginning.
    pub fn find(&self, bytes: &[u8], found: &mut dyn FnMut(usize, u64)) {
        let (words, _) = bytes.as_chunks::<8>();
        match self.words.as_slice() {
            [] => {}
            [one] => blocks(words, |word| word == *one, &mut |at| {
                found(at, as_read(*one, self.endian));
            }),
            // Few words of memory are between the least and the greatest of what is mostly pointers of one kind.
            [least, .., greatest] => {
                let (least, span) = (*least, greatest - least);
                let near = |word: u64| word.wrapping_sub(least) <= span;
                blocks(words, near, &mut |at| {
                    let word = words.get(at).map_or(0, |word| u64::from_ne_bytes(*word));
                    if self.words.binary_search(&word).is_ok() {
                        found(at, as_read(word, self.endian));
                    }
                });
            }
        }
    }
}

/// A word of memory as this machine reads it, and back.
fn as_read(word: u64, endian: Endian) -> u64 {
    match endian {
        Endian::Little => word.to_le(),
        Endian::Big => word.to_be(),
    }
}

/// Calls `found` with the index of each word for which `is` holds. The inner loop has no way out, so that the
/// compiler compares several words at once.
#[inline]
fn blocks(words: &[[u8; 8]], is: impl Fn(u64) -> bool, found: &mut dyn FnMut(usize)) {
    for (index, block) in words.chunks(BLOCK).enumerate() {
        let any = block
            .iter()
            .fold(false, |any, word| any | is(u64::from_ne_bytes(*word)));
        if any {
            let hits = block.iter().enumerate();
            let hits = hits.filter(|(_, word)| is(u64::from_ne_bytes(**word)));
            hits.for_each(|(at, _)| found(index * BLOCK + at));
        }
    }
}

/// Looks at all memory of a target, with all processors; the first `limit` places count.
pub fn search(target: &(impl Target + ?Sized), words: &[u64], limit: usize) -> Searched {
    let needles = Needles::new(words, target.endian());
    search_ranges(
        target,
        target.physical_ranges(),
        &needles,
        limit,
        MOST_CHUNKS,
    )
}

fn search_ranges(
    memory: &(impl Memory + ?Sized),
    ranges: Vec<Range<u64>>,
    needles: &Needles,
    limit: usize,
    most_chunks: usize,
) -> Searched {
    let size: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let chunks = ranges.into_iter().flat_map(|range| {
        let starts = (range.start..range.end).step_by(CHUNK as usize);
        starts.map(move |start| start..start.saturating_add(CHUNK).min(range.end))
    });
    let mut chunks = chunks.take(most_chunks);
    let mut all = Searched::default();
    let mut looked_at = 0;
    loop {
        let batch: Vec<Range<u64>> = chunks.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            all.absent += size - looked_at;
            return all;
        }
        looked_at += batch
            .iter()
            .map(|chunk| chunk.end - chunk.start)
            .sum::<u64>();
        let work = batch.into_par_iter().with_max_len(1);
        let searched: Vec<Searched> = work
            .map(|chunk| one(memory, chunk, needles, limit))
            .collect();
        for mut part in searched {
            all.found.append(&mut part.found);
            all.absent += part.absent;
            all.limited |= part.limited;
        }
        if all.found.len() > limit || all.limited {
            all.limited = true;
            all.found.truncate(limit);
            return all;
        }
    }
}

/// Looks at one chunk.
fn one(
    memory: &(impl Memory + ?Sized),
    chunk: Range<u64>,
    needles: &Needles,
    limit: usize,
) -> Searched {
    let mut part = Searched::default();
    let absent = memory.visit_physical(chunk, &mut |address, bytes| {
        needles.find(bytes, &mut |index, word| {
            if part.found.len() < limit {
                part.found
                    .push((PhysAddr(address.0 + 8 * index as u64), word));
            } else {
                part.limited = true;
            }
        });
        match part.limited {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    // Whoever breaks off does not learn what was absent.
    part.absent = if part.limited { 0 } else { absent };
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_either_order() {
        for endian in [Endian::Little, Endian::Big] {
            let words: Vec<u64> = (0..1000).map(|n| 0xffff_8880_0000_0000 + n * n).collect();
            let bytes: Vec<u8> = words
                .iter()
                .flat_map(|word| as_read(*word, endian).to_ne_bytes())
                .collect();
            for wanted in [
                &[words[77]][..],
                &[words[999], words[0], 7, words[500]],
                &[],
            ] {
                let mut found = Vec::new();
                Needles::new(wanted, endian).find(&bytes, &mut |at, word| found.push((at, word)));
                let mut expected: Vec<_> = words.iter().copied().enumerate().collect();
                expected.retain(|(_, word)| wanted.contains(word));
                assert_eq!(found, expected);
            }
        }
    }

    /// Memory without an end, of which nothing can be read.
    struct Endless;

    impl Memory for Endless {
        fn read_physical(&self, address: PhysAddr, _: &mut [u8]) -> Result<(), base::ReadError> {
            Err(base::ReadError::Filtered(address))
        }

        fn physical_bytes(&self, _: PhysAddr, _: usize) -> Option<&[u8]> {
            None
        }

        fn physical_ranges(&self) -> Vec<Range<u64>> {
            vec![0..1 << 40, 1 << 50..u64::MAX]
        }

        fn visit_physical(
            &self,
            range: Range<u64>,
            _: &mut dyn FnMut(PhysAddr, &[u8]) -> ControlFlow<()>,
        ) -> u64 {
            assert!(range.end - range.start <= CHUNK);
            range.end - range.start
        }
    }

    #[test]
    fn a_search_ends() {
        let needles = Needles::new(&[1], Endian::Little);
        let searched = search_ranges(&Endless, Endless.physical_ranges(), &needles, 10, 1000);
        assert_eq!(searched.absent, (1 << 40) + (u64::MAX - (1 << 50)));
    }
}
