//! Pages that were unpacked, kept while there is room: a fixed number of bytes, whatever is asked.
//!
//! A page has its place in one of many small sets, each behind a lock of its own, so that threads seldom wait for
//! each other; in a set the oldest page gives way.

use std::sync::{Mutex, PoisonError};

/// Bytes of pages that are kept.
const BYTES: u64 = 32 << 20;
/// Pages of a set.
const WAYS: usize = 4;

/// Unpacked pages by their numbers.
pub(super) struct Cache {
    sets: Vec<Mutex<Set>>,
}

#[derive(Default)]
struct Set {
    pages: Vec<(u64, Box<[u8]>)>,
    oldest: usize,
}

impl Cache {
    pub(super) fn new(page_size: u32) -> Self {
        let sets = BYTES / (WAYS as u64 * u64::from(page_size.max(1)));
        Cache {
            sets: (0..sets.max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    fn set(&self, page: u64) -> Option<&Mutex<Set>> {
        let index = page % self.sets.len() as u64;
        self.sets.get(usize::try_from(index).ok()?)
    }

    /// Copies from `inside` a page that is kept; whether it is.
    pub(super) fn copy(&self, page: u64, inside: usize, into: &mut [u8]) -> bool {
        let set = self
            .set(page)
            .map(|set| set.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = set.as_ref().and_then(|set| {
            let (_, bytes) = set.pages.iter().find(|(number, _)| *number == page)?;
            bytes.get(inside..inside.checked_add(into.len())?)
        });
        if let Some(bytes) = bytes {
            into.copy_from_slice(bytes);
        }
        bytes.is_some()
    }

    /// Keeps a page. The answer is a page that gave way, whose room can be used again.
    pub(super) fn keep(&self, page: u64, bytes: Box<[u8]>) -> Option<Box<[u8]>> {
        let mut set = self
            .set(page)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let set = &mut *set;
        // Another thread may have unpacked it too.
        if set.pages.iter().any(|(number, _)| *number == page) {
            return Some(bytes);
        }
        if set.pages.len() < WAYS {
            set.pages.push((page, bytes));
            return None;
        }
        let slot = set.pages.get_mut(set.oldest)?;
        set.oldest = (set.oldest + 1) % WAYS;
        Some(std::mem::replace(slot, (page, bytes)).1)
    }

    /// Bytes of the pages that are kept.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        let sets = self.sets.iter().map(|set| set.lock().unwrap());
        sets.map(|set| {
            set.pages
                .iter()
                .map(|(_, page)| page.len() as u64)
                .sum::<u64>()
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_keeps_no_more_than_its_room() {
        for size in [4096, 65_536] {
            let cache = Cache::new(size);
            for page in 0..3 * BYTES / u64::from(size) {
                cache.keep(page, vec![page as u8; size as usize].into());
                let mut got = [0; 2];
                assert!(cache.copy(page, 1, &mut got));
                assert_eq!(got, [page as u8; 2]);
            }
            assert_eq!(cache.bytes(), BYTES);
            assert!(!cache.copy(0, 0, &mut [0]));
        }
    }
}
