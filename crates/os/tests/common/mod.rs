//! A small kernel's memory, made by hand: pages, and a description of the types that walks ask for.

pub mod btf;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Endian, Memory, PhysAddr, ReadError, VirtAddr};
use value::{AddressSpace, Window};

/// Where the memory is mapped.
pub const BASE: u64 = 0xffff_8880_0000_0000;

/// Bytes of it.
pub const SIZE: u64 = 1 << 20;

/// Memory that is written word by word; what never was is zeroes, and some pages are not in the dump.
#[derive(Default)]
pub struct Pages {
    words: RwLock<BTreeMap<u64, u64>>,
    filtered: RwLock<BTreeSet<u64>>,
    reads: AtomicU64,
}

impl Pages {
    /// Writes a word at a virtual address.
    pub fn put(&self, address: u64, word: u64) {
        assert_eq!(address % 8, 0, "{address:#x}");
        self.words.write().unwrap().insert(address - BASE, word);
    }

    /// Leaves the page of an address out of the dump.
    pub fn filter(&self, address: u64) {
        self.filtered
            .write()
            .unwrap()
            .insert((address - BASE) >> 12);
    }

    /// How often it was read.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// The memory by virtual address.
    pub fn space(&self) -> AddressSpace<'_> {
        let paging = arch::find("x86_64").unwrap().0.paging.unwrap();
        AddressSpace::new(self, Endian::Little, paging).window(Window {
            start: VirtAddr(BASE),
            size: SIZE,
            physical: PhysAddr(0),
        })
    }
}

impl Memory for Pages {
    fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let (words, filtered) = (self.words.read().unwrap(), self.filtered.read().unwrap());
        for (at, byte) in (address.0..).zip(into) {
            if filtered.contains(&(at >> 12)) {
                return Err(ReadError::Filtered(PhysAddr(at)));
            }
            let word = words.get(&(at & !7)).copied().unwrap_or(0);
            *byte = word.to_le_bytes()[(at & 7) as usize];
        }
        Ok(())
    }

    fn physical_bytes(&self, _: PhysAddr, _: usize) -> Option<&[u8]> {
        None
    }

    fn physical_ranges(&self) -> Vec<Range<u64>> {
        std::iter::once(0..SIZE).collect()
    }
}
