//! The map of memory: where all of physical memory is mapped in one piece, and where the `struct page` of each
//! page is (`CONFIG_SPARSEMEM_VMEMMAP`, with which all of them are one array).

use base::{Gap, PhysAddr, VirtAddr};

use crate::linux::{Kernel, machines};

/// Where memory is mapped, and what describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryMap {
    /// Where physical address 0 is mapped.
    pub linear: VirtAddr,
    /// The `struct page` of page 0.
    pub pages: VirtAddr,
    /// Bytes of a `struct page`.
    pub page_struct: u64,
    /// Bits of an address within a page.
    pub page_bits: u32,
}

impl MemoryMap {
    /// The `struct page` of a page by its number (PFN).
    pub fn page(&self, pfn: u64) -> VirtAddr {
        VirtAddr(
            self.pages
                .0
                .wrapping_add(pfn.wrapping_mul(self.page_struct)),
        )
    }

    /// The number of the page whose `struct page` is at `page`; none where none can begin.
    pub fn pfn(&self, page: VirtAddr) -> Option<u64> {
        let offset = page.0.checked_sub(self.pages.0)?;
        offset
            .is_multiple_of(self.page_struct.max(1))
            .then(|| offset / self.page_struct.max(1))
    }

    /// Where a page is mapped.
    pub fn address(&self, pfn: u64) -> VirtAddr {
        VirtAddr(self.linear.0.wrapping_add(pfn.wrapping_shl(self.page_bits)))
    }
}

impl Kernel<'_> {
    /// The map of memory. It is believed when page tables lead where it says.
    pub fn memory_map(&self) -> &Result<MemoryMap, Gap> {
        self.walked.memory_map.get_or_init(|| self.find_map())
    }

    fn find_map(&self) -> Result<MemoryMap, Gap> {
        let what = "the map of memory";
        let machine = machines::find(self.arch.elf_machine);
        let machine = machine.ok_or_else(|| {
            let why = format!("it is not known for {}", self.arch.name);
            Gap::new(what, why)
        })?;
        let space = self.space();
        let ranges = space.memory().physical_ranges();
        let page_struct = self.types().layout("struct page")?.size();
        if page_struct == 0 {
            return Err(Gap::new(what, "a struct page is of no size"));
        }
        let page_bits = u32::from(self.arch.paging.map_or(12, |paging| paging.page_bits));
        let candidates = |(symbol, usual): (&str, &[u64])| match self.known(symbol) {
            Some(at) => space.u64(VirtAddr(at)).map(|base| vec![base]),
            None => Ok(usual.to_vec()),
        };
        let failed = |error: base::ReadError| Gap::new(what, error.to_string());
        // The kernel itself lies in memory that is mapped so.
        let image = self.image.start.wrapping_sub(self.found().shift);
        let leads = |linear: &u64| {
            let at = VirtAddr(linear.wrapping_add(image));
            let page = space.page(at);
            page.is_ok_and(|page| page.physical.0 | at.0.wrapping_sub(page.start.0) == image)
        };
        let linear = candidates(machine.linear).map_err(failed)?;
        let linear = linear.into_iter().find(leads).ok_or_else(|| {
            let why = "page tables do not lead to the kernel where all memory should be mapped";
            Gap::new(what, why)
        })?;
        let held = |physical: u64| ranges.iter().any(|range| range.contains(&physical));
        let described = |pages: &u64| {
            let at = pages.wrapping_add((image >> page_bits).wrapping_mul(page_struct));
            let place = space.page(VirtAddr(at));
            place.is_ok_and(|page| held(page.physical.0))
        };
        let pages = candidates(machine.pages).map_err(failed)?;
        let pages = pages.into_iter().find(described).ok_or_else(|| {
            let why = "page tables do not lead to the array of struct page";
            Gap::new(what, why)
        })?;
        Ok(MemoryMap {
            linear: VirtAddr(linear),
            pages: VirtAddr(pages),
            page_struct,
            page_bits,
        })
    }

    /// The page that `address` is in, by its number; what the page tables tell.
    pub fn pfn_at(&self, address: VirtAddr) -> Result<u64, base::ReadError> {
        let bits = self.arch.paging.map_or(12, |paging| paging.page_bits);
        let (PhysAddr(physical), _) = self.space().translate(address)?;
        Ok(physical >> bits)
    }
}
