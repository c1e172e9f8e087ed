//! An address space: virtual addresses of a target, read through its page tables.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use arch::{Page, Paging};
use base::{Endian, Memory, PhysAddr, ReadError, VirtAddr};

/// Translations that are kept. Stacks, lists and tables of a walk rarely touch more pages at a time.
const KEPT: usize = 512;

/// Bytes that one read may ask for; more is a damaged length.
const MOST_BYTES: u64 = 1 << 28;

/// Longest text that is read at an address.
const LONGEST_TEXT: usize = 1 << 12;

/// Where the tables of an address space begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// The first table.
    pub table: PhysAddr,
    /// How many levels there are.
    pub levels: u8,
}

/// Virtual addresses that lie in one piece in physical memory, as the image of a kernel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first virtual address.
    pub start: VirtAddr,
    /// Bytes.
    pub size: u64,
    /// Where the first one lies.
    pub physical: PhysAddr,
}

impl Window {
    /// The physical address of `address` and how many bytes follow.
    fn find(&self, address: u64) -> Option<(u64, u64)> {
        let within = address.checked_sub(self.start.0)?;
        let left = self.size.checked_sub(within).filter(|left| *left > 0)?;
        // A window may be larger than what lies in it: its start may be below all memory.
        Some((self.physical.0.wrapping_add(within), left))
    }
}

/// The memory of a target by virtual addresses.
pub struct AddressSpace<'m> {
    memory: &'m dyn Memory,
    endian: Endian,
    paging: Paging,
    windows: Vec<Window>,
    root: Option<Root>,
    kept: Mutex<Vec<Option<Page>>>,
    walks: AtomicU64,
}

impl std::fmt::Debug for AddressSpace<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AddressSpace({:?}, {:?})", self.root, self.windows)
    }
}

impl<'m> AddressSpace<'m> {
    /// An address space that maps nothing yet.
    pub fn new(memory: &'m dyn Memory, endian: Endian, paging: Paging) -> Self {
        AddressSpace {
            memory,
            endian,
            paging,
            windows: Vec::new(),
            root: None,
            kept: Mutex::new(vec![None; KEPT]),
            walks: AtomicU64::new(0),
        }
    }

    /// The same, with a piece of which is known without page tables where it lies.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.windows.push(window);
        self
    }

    /// The same, with page tables.
    #[must_use]
    pub fn root(mut self, root: Root) -> Self {
        self.root = Some(root);
        self
    }

    /// The order of bytes in its words.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// The physical memory behind it.
    pub fn memory(&self) -> &'m dyn Memory {
        self.memory
    }

    /// How often page tables were walked so far.
    pub fn walks(&self) -> u64 {
        self.walks.load(Ordering::Relaxed)
    }

    /// Where `address` lies, and how many bytes follow it there.
    pub fn translate(&self, address: VirtAddr) -> Result<(PhysAddr, u64), ReadError> {
        let window = self.windows.iter().find_map(|w| w.find(address.0));
        if let Some((physical, left)) = window {
            return Ok((PhysAddr(physical), left));
        }
        let page = self.page(address)?;
        let within = address.0 - page.start.0;
        Ok((PhysAddr(page.physical.0 | within), page.size - within))
    }

    /// The page of `address`, by the tables alone.
    pub fn page(&self, address: VirtAddr) -> Result<Page, ReadError> {
        let slot = (address.0 >> self.paging.page_bits) as usize % KEPT;
        if let Some(Some(page)) = lock(&self.kept).get(slot)
            && address.0.wrapping_sub(page.start.0) < page.size
        {
            return Ok(*page);
        }
        let root = self.root.ok_or(ReadError::Unmapped(address))?;
        self.walks.fetch_add(1, Ordering::Relaxed);
        let page = self
            .paging
            .walk(self.memory, root.table, root.levels, address)?;
        if let Some(kept) = lock(&self.kept).get_mut(slot) {
            *kept = Some(page);
        }
        Ok(page)
    }

    /// Fills `into` from `address` on.
    pub fn read(&self, address: VirtAddr, into: &mut [u8]) -> Result<(), ReadError> {
        let mut at = address.0;
        let mut rest = into;
        while !rest.is_empty() {
            let (physical, left) = self.translate(VirtAddr(at))?;
            let size = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
            let (now, later) = rest.split_at_mut(size);
            self.memory.read_physical(physical, now)?;
            rest = later;
            at = at.wrapping_add(size as u64);
        }
        Ok(())
    }

    /// `size` bytes from `address` on: those of the target where they lie in one piece there, else copied.
    pub fn bytes(&self, address: VirtAddr, size: u64) -> Result<Cow<'m, [u8]>, ReadError> {
        let length = usize::try_from(size)
            .ok()
            .filter(|_| size <= MOST_BYTES)
            .ok_or(ReadError::NotSupported("more bytes than anything here has"))?;
        let (physical, left) = self.translate(address)?;
        if left >= size
            && let Some(bytes) = self.memory.physical_bytes(physical, length)
        {
            return Ok(Cow::Borrowed(bytes));
        }
        // Grows as it is read: a damaged length must not take memory for what is not there.
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let start = bytes.len();
            let at = VirtAddr(address.0.wrapping_add(start as u64));
            let (_, left) = self.translate(at)?;
            let step = left.min(1 << 21).min((length - start) as u64) as usize;
            bytes.resize(start + step, 0);
            self.read(at, bytes.get_mut(start..).unwrap_or_default())?;
        }
        Ok(Cow::Owned(bytes))
    }

    /// The number of `size` bytes at `address`; 1, 2, 4 or 8.
    pub fn number(&self, address: VirtAddr, size: u64) -> Result<u64, ReadError> {
        let mut word = [0; 8];
        let size = usize::try_from(size).unwrap_or(8).min(8);
        match self.endian {
            Endian::Little => {
                self.read(address, word.get_mut(..size).unwrap_or_default())?;
                Ok(u64::from_le_bytes(word))
            }
            Endian::Big => {
                self.read(address, word.get_mut(8 - size..).unwrap_or_default())?;
                Ok(u64::from_be_bytes(word))
            }
        }
    }

    /// The word of 64 bits at `address`.
    pub fn u64(&self, address: VirtAddr) -> Result<u64, ReadError> {
        self.number(address, 8)
    }

    /// The word of 32 bits at `address`.
    pub fn u32(&self, address: VirtAddr) -> Result<u32, ReadError> {
        self.number(address, 4).map(|word| word as u32)
    }

    /// The text at `address` up to its NUL, of at most `most` bytes; what is not UTF-8 is replaced.
    pub fn text(&self, address: VirtAddr, most: usize) -> Result<String, ReadError> {
        let most = most.min(LONGEST_TEXT);
        let mut bytes = vec![0; most];
        let mut have = 0;
        while have < most {
            let at = VirtAddr(address.0.wrapping_add(have as u64));
            let (_, left) = self.translate(at)?;
            let step = usize::try_from(left)
                .unwrap_or(most)
                .min(64)
                .min(most - have);
            let piece = bytes.get_mut(have..have + step).unwrap_or_default();
            self.read(at, piece)?;
            if let Some(end) = piece.iter().position(|byte| *byte == 0) {
                have += end;
                break;
            }
            have += step;
        }
        bytes.truncate(have);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        // A page is put in whole: what a failed thread left behind is sound.
        Err(poisoned) => poisoned.into_inner(),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    struct Flat(Vec<u8>);

    impl Memory for Flat {
        fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
            let bytes = self.physical_bytes(address, into.len());
            into.copy_from_slice(bytes.ok_or(ReadError::NotMemory(address))?);
            Ok(())
        }

        fn physical_bytes(&self, address: PhysAddr, size: usize) -> Option<&[u8]> {
            self.0.get(address.0 as usize..)?.get(..size)
        }

        fn physical_ranges(&self) -> Vec<Range<u64>> {
            std::iter::once(0..self.0.len() as u64).collect()
        }
    }

    /// Page 0 of the space lies at 0x6000 and page 1 at 0x5000; tables are at 0x1000 and on.
    fn memory() -> Flat {
        let mut bytes = vec![0; 0x7000];
        let mut put = |at: usize, word: u64| bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        put(0x1000, 0x2003);
        put(0x2000, 0x3003);
        put(0x3000, 0x4003);
        put(0x4000, 0x6003);
        put(0x4008, 0x5003);
        put(0x6ff8, 0x1111_1111_1111_1111);
        put(0x5000, 0x2222_2222_2222_2222);
        bytes[0x5008..0x500d].copy_from_slice(b"text\0");
        Flat(bytes)
    }

    fn paging() -> Paging {
        arch::find("x86_64").unwrap().0.paging.unwrap()
    }

    #[test]
    fn reads_cross_pages_and_walk_each_once() {
        let memory = memory();
        let root = Root {
            table: PhysAddr(0x1000),
            levels: 4,
        };
        let space = AddressSpace::new(&memory, Endian::Little, paging()).root(root);
        assert_eq!(space.u64(VirtAddr(0xffc)), Ok(0x2222_2222_1111_1111));
        let bytes = space.bytes(VirtAddr(0xff8), 16).unwrap();
        assert_eq!((bytes[0], bytes[8]), (0x11, 0x22));
        assert!(matches!(bytes, Cow::Owned(_)));
        assert!(matches!(space.bytes(VirtAddr(8), 16), Ok(Cow::Borrowed(_))));
        assert_eq!(space.text(VirtAddr(0x1008), 16).unwrap(), "text");
        assert_eq!(space.text(VirtAddr(0x1008), 2).unwrap(), "te");
        assert_eq!(space.walks(), 2);
        let beyond = VirtAddr(0x2000);
        assert_eq!(
            space.u64(VirtAddr(0x1ffc)),
            Err(ReadError::Unmapped(beyond))
        );
        assert!(space.bytes(VirtAddr(0), u64::MAX).is_err());
        assert!(space.bytes(VirtAddr(0), MOST_BYTES).is_err());
    }

    #[test]
    fn a_window_needs_no_tables() {
        let memory = memory();
        let window = Window {
            start: VirtAddr(0xffff_ffff_8000_0000),
            size: 0x2000,
            physical: PhysAddr(0x5000),
        };
        let space = AddressSpace::new(&memory, Endian::Little, paging()).window(window);
        assert_eq!(space.number(window.start, 2), Ok(0x2222));
        assert!(space.u64(VirtAddr(0xffff_ffff_8000_2000)).is_err());
        assert_eq!(space.walks(), 0);
    }
}
