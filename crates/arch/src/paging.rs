//! Page tables: from a virtual address to the physical one, by tables that an architecture describes.

use base::{Memory, PhysAddr, ReadError, VirtAddr};

/// Levels that no known architecture exceeds.
const MOST_LEVELS: u8 = 6;

/// How an architecture maps virtual memory, where that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Bits of an address within the smallest page.
    pub page_bits: u8,
    /// Bits of an address that each table decides.
    pub index_bits: u8,
    /// Depths that a kernel may have been started with, the usual one first.
    pub levels: &'static [u8],
    /// Set in an entry that leads somewhere.
    pub present: u64,
    /// Set in an entry that maps a page before the last level.
    pub large: u64,
    /// The last level, counted from the pages, that may map a page.
    pub large_levels: u8,
    /// Bits of an entry that are an address.
    pub frame: u64,
    /// Set in an entry that may be written through.
    pub writable: u64,
    /// Set in an entry that user space may use.
    pub user: u64,
}

/// A page that an address lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its first virtual address.
    pub start: VirtAddr,
    /// Where it lies in physical memory.
    pub physical: PhysAddr,
    /// Its size in bytes.
    pub size: u64,
    /// The kernel may write to it.
    pub is_writable: bool,
    /// User space may use it.
    pub is_user: bool,
}

impl Paging {
    /// Whether `address` is one that `levels` levels can map: the bits above repeat the highest.
    pub fn is_canonical(&self, levels: u8, address: VirtAddr) -> bool {
        let bits = u32::from(self.page_bits) + u32::from(self.index_bits) * u32::from(levels);
        let spare = 64_u32.saturating_sub(bits);
        let signed = address.0.cast_signed();
        signed.wrapping_shl(spare).wrapping_shr(spare) == signed
    }

    /// The page of `address`, by the tables that begin at `root`.
    ///
    /// It reads one entry a level, so it ends whatever the tables hold.
    pub fn walk(
        &self,
        memory: &dyn Memory,
        root: PhysAddr,
        levels: u8,
        address: VirtAddr,
    ) -> Result<Page, ReadError> {
        let unmapped = ReadError::Unmapped(address);
        if !self.is_canonical(levels, address) {
            return Err(unmapped);
        }
        let (mut table, mut is_writable, mut is_user) = (root.0, true, true);
        for level in (1..=levels.min(MOST_LEVELS)).rev() {
            let shift =
                u32::from(self.page_bits) + u32::from(self.index_bits) * u32::from(level - 1);
            let mask = (1_u64 << self.index_bits) - 1;
            let at = table.checked_add((address.0.wrapping_shr(shift) & mask) * 8);
            let mut entry = [0; 8];
            memory.read_physical(PhysAddr(at.ok_or(unmapped)?), &mut entry)?;
            let entry = u64::from_le_bytes(entry);
            if entry & self.present == 0 {
                // An entry for a page that says anything at all says where the page is instead (swap entries). The
                // kernel's own memory has none.
                let is_elsewhere = level == 1 && entry != 0 && address.0 >> 63 == 0;
                return Err(match is_elsewhere {
                    true => ReadError::NotPresent(address),
                    false => unmapped,
                });
            }
            is_writable &= entry & self.writable != 0;
            is_user &= entry & self.user != 0;
            let maps = level == 1 || level <= self.large_levels && entry & self.large != 0;
            if maps {
                let size = 1_u64 << shift;
                // The lowest bits of a large page's address hold other things.
                let physical = PhysAddr(entry & self.frame & !(size - 1));
                let start = VirtAddr(address.0 & !(size - 1));
                return Ok(Page {
                    start,
                    physical,
                    size,
                    is_writable,
                    is_user,
                });
            }
            table = entry & self.frame;
        }
        Err(unmapped)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Tables {
        words: Vec<(u64, u64)>,
        reads: AtomicU32,
    }

    impl Memory for Tables {
        fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let word = self.words.iter().find(|(at, _)| *at == address.0);
            let (_, value) = word.ok_or(ReadError::NotMemory(address))?;
            into.copy_from_slice(&value.to_le_bytes());
            Ok(())
        }

        fn physical_bytes(&self, _: PhysAddr, _: usize) -> Option<&[u8]> {
            None
        }

        fn physical_ranges(&self) -> Vec<Range<u64>> {
            Vec::new()
        }
    }

    fn walk(words: &[(u64, u64)], levels: u8, address: u64) -> (Result<Page, ReadError>, u32) {
        let tables = Tables {
            words: words.to_vec(),
            reads: AtomicU32::new(0),
        };
        let paging = crate::find("x86_64").unwrap().0.paging.unwrap();
        let page = paging.walk(&tables, PhysAddr(0x1000), levels, VirtAddr(address));
        (page, tables.reads.into_inner())
    }

    const ADDRESS: u64 = 0xffff_8881_2345_6789;

    #[test]
    fn four_levels_lead_to_a_small_page() {
        let words = [
            (0x1000 + 8 * 0x111, 0x2003),
            (0x2000 + 8 * 0x004, 0x3003),
            (0x3000 + 8 * 0x11a, 0x4003),
            // The highest bit forbids execution and is no address.
            (0x4000 + 8 * 0x056, 0x8000_0000_0070_0001),
        ];
        let (page, reads) = walk(&words, 4, ADDRESS);
        let page = page.unwrap();
        assert_eq!((page.physical.0, page.size), (0x70_0000, 0x1000));
        assert_eq!(page.start.0, 0xffff_8881_2345_6000);
        assert!(!page.is_writable && !page.is_user);
        assert_eq!(reads, 4);
    }

    #[test]
    fn large_pages_end_the_walk() {
        let top = (0x1000 + 8 * 0x111, 0x2003);
        // A page of 1 GiB; bit 12 is no address there.
        let (page, _) = walk(&[top, (0x2000 + 8 * 4, 0x4000_1083)], 4, ADDRESS);
        assert_eq!(page.unwrap().physical.0, 0x4000_0000);
        let two = [
            top,
            (0x2000 + 8 * 4, 0x3003),
            (0x3000 + 8 * 0x11a, 0x80_0083),
        ];
        let (page, _) = walk(&two, 4, ADDRESS);
        assert_eq!(page.unwrap().size, 2 << 20);
    }

    #[test]
    fn five_levels_have_one_table_more() {
        let words = [
            (0x1000 + 8 * 0x1ff, 0x9003),
            (0x9000 + 8 * 0x111, 0x2003),
            (0x2000 + 8 * 4, 0x4000_0083),
        ];
        assert_eq!(walk(&words, 5, ADDRESS).0.unwrap().physical.0, 0x4000_0000);
    }

    #[test]
    fn what_leads_nowhere_is_unmapped_and_ends() {
        let unmapped = |address| Err(ReadError::Unmapped(VirtAddr(address)));
        assert_eq!(
            walk(&[(0x1000 + 8 * 0x111, 0)], 4, ADDRESS).0,
            unmapped(ADDRESS)
        );
        let hole = 0x0001_8000_0000_0000;
        assert_eq!(walk(&[], 4, hole), (unmapped(hole), 0));
        // What is swapped out is told from what is nowhere, in user space.
        let swapped = |address: u64, last: u64| {
            let index = |level: u32| 8 * (address >> (12 + 9 * (level - 1)) & 0x1ff);
            let words = [
                (0x1000 + index(4), 0x2007),
                (0x2000 + index(3), 0x3007),
                (0x3000 + index(2), 0x4007),
                (0x4000 + index(1), last),
            ];
            walk(&words, 4, address).0
        };
        let user = 0x7fff_1234_5000;
        let not_present = Err(ReadError::NotPresent(VirtAddr(user)));
        assert_eq!(swapped(user, 0x0800_0000_0000_0200), not_present);
        assert_eq!(swapped(user, 0), unmapped(user));
        assert_eq!(swapped(ADDRESS, 0x200), unmapped(ADDRESS));
        // A table that is its own entry ends like any other.
        let all: Vec<_> = (0..512).map(|n| (0x1000 + 8 * n, 0x1003)).collect();
        assert_eq!(walk(&all, 4, ADDRESS).1, 4);
        assert_eq!(
            walk(&[], 4, ADDRESS).0,
            Err(ReadError::NotMemory(PhysAddr(0x1000 + 8 * 0x111)))
        );
    }
}
