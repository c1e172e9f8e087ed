//! What a page of memory is for, by its `struct page`.

use std::ops::Range;

use base::{Budget, Gap, Partial, ReadError, VirtAddr};
use value::{Field, Types};

use super::memory_map::MemoryMap;
use super::structures::Gaps;
use crate::linux::Kernel;
use crate::linux::vmcoreinfo::Vmcoreinfo;

/// Pages that one walk over all of them looks at: those of 4 TiB.
const MOST_PAGES: u64 = 1 << 30;

/// Pieces of the map that page tables do not lead to and that are passed: those of half a TiB.
const MOST_HOLES: u64 = 1 << 21;

/// Bytes of `struct page`s that are looked at in one piece.
const PIECE: u64 = 2 << 20;

/// `MAX_PAGE_ORDER`, and more than any architecture has by default.
const HIGHEST_ORDER: u32 = 13;

/// Bits of `mapping` that are no address: 1 of an anonymous page, 2 of one that can be moved, both of one of KSM.
const MAPPING: u64 = 3;

/// What a page is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// Objects of a slab cache, whose `struct kmem_cache` is there.
    Slab(VirtAddr),
    /// Free: in a block of two to the power of `order` pages which begins with page `first`.
    Free {
        /// The first page of the block.
        first: u64,
        /// How large it is.
        order: u32,
    },
    /// It has no user, and is in no free block: on a list of a CPU, or on its way.
    Unused,
    /// Memory of processes that no file is behind; the `struct anon_vma` is there.
    Anonymous(VirtAddr),
    /// Memory of processes that is the same in several of them (KSM).
    Shared(VirtAddr),
    /// A part of a file, or of swap space; the `struct address_space` is there.
    File(VirtAddr),
    /// Memory of a driver that can be moved.
    Movable,
    /// Set aside at boot: the kernel's image, the firmware's memory, holes.
    Reserved,
    /// Of a kind that the kernel has a name for (`enum pagetype`: `table`, `offline`, `hugetlb` …).
    Typed(String),
    /// Allocated by the kernel; for what is not told.
    Kernel,
}

/// A page of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its number (PFN).
    pub pfn: u64,
    /// Its `struct page`.
    pub address: VirtAddr,
    /// The first page of the compound page that it is in, where it is not the first itself.
    pub head: Option<u64>,
    /// Bits of `flags`, those of the zone and the node as well.
    pub flags: u64,
    /// The flags by their names in `enum pageflags`, without `PG_`.
    pub flag_names: Vec<String>,
    /// How often it is referred to (`_refcount`); of a tail that of its head counts.
    pub references: i64,
    /// What it is for.
    pub kind: PageKind,
}

/// How slabs are told from other pages.
#[derive(Clone, Copy, Debug)]
enum SlabMark {
    /// A bit of the flags.
    Flag(u64),
    /// The page's type.
    Type(u64),
}

/// How a `struct page` lies in memory.
#[derive(Debug)]
pub(crate) struct PageShape {
    flags: Field,
    kind: Field,
    compound: Field,
    mapping: Field,
    private: Field,
    references: Field,
    slab_cache: Field,
    names: Vec<(u32, String)>,
    slab: SlabMark,
    /// The type of the first page of a free block.
    free: Option<u64>,
    /// Types by their highest byte.
    types: Vec<(u64, String)>,
    /// A tail holds a mask which leads to its head, not the head's address.
    has_mask: bool,
}

/// A number in the bytes of a structure; 0 where they end before.
pub(crate) fn number(bytes: &[u8], field: &Field) -> u64 {
    let (start, size, bits) = match field.bits {
        None => (field.offset, field.size.min(8), None),
        Some((first, count)) => {
            let bytes = (first % 8 + count).div_ceil(8).min(8);
            (first / 8, bytes, Some((first % 8, count)))
        }
    };
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let found = bytes.get(start..start.saturating_add(size as usize));
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(found.unwrap_or_default()) {
        *to = *from;
    }
    let word = u64::from_le_bytes(word);
    match bits {
        None => word,
        Some((shift, count)) => {
            let mask = u64::MAX.checked_shr(64 - (count as u32).clamp(1, 64));
            word.wrapping_shr(shift as u32) & mask.unwrap_or(0)
        }
    }
}

impl PageShape {
    fn new(types: &Types<'_, '_>, told: Option<Vmcoreinfo<'_>>) -> Result<Self, Gap> {
        let page = types.layout("struct page")?;
        let enumerators = types.enumerators("enum pageflags")?;
        let mut names: Vec<(u32, String)> = Vec::new();
        let mut slab = None;
        for (name, number) in enumerators {
            let (Some(bare), Ok(bit @ 0..64)) = (name.strip_prefix("PG_"), u32::try_from(number))
            else {
                continue;
            };
            if bare == "slab" {
                slab = Some(SlabMark::Flag(1 << bit));
            }
            // Later names of the same bit are other meanings of it.
            if !names.iter().any(|(known, _)| *known == bit) {
                names.push((bit, bare.to_owned()));
            }
        }
        // Since 46df8e73a4a3 ("mm: free up PG_slab", 6.10) slabs are told by the page's type.
        let value = |name: &str| told.and_then(|told| told.number(name));
        let value = |name: &str| value(name).map(|value| value & u64::from(u32::MAX));
        if let Some(told) = value("PAGE_SLAB_MAPCOUNT_VALUE") {
            slab = Some(SlabMark::Type(told));
        }
        let slab = slab.ok_or_else(|| {
            let why = "neither a flag nor VMCOREINFO tells what a slab is";
            Gap::new("the marks of slabs", why)
        })?;
        // Since 4ffca5a96678 ("mm: support only one page_type per page", 6.12) the highest byte is the type.
        let typed = types.enumerators("enum pagetype").unwrap_or_default();
        let typed = typed.into_iter().filter_map(|(name, number)| {
            let name = name.strip_prefix("PGTY_")?;
            let number = u64::try_from(number)
                .ok()
                .filter(|n| (0x80..0xff).contains(n))?;
            (!name.starts_with("mapcount")).then(|| (number, name.to_owned()))
        });
        // Since 8c846c879e22 ("mm: rework compound_head() for power-of-2 sizeof(struct page)", 7.1).
        let is_masked = types
            .layout("struct zone")
            .is_ok_and(|zone| zone.find("vmemmap_tails").is_some());
        let slab_cache = match types.layout("struct slab") {
            // Since d122019bf061 ("mm: Split slab into its own type", 5.17).
            Ok(slab) => slab.any(&["slab_cache"])?,
            Err(_) => page.any(&["slab_cache"])?,
        };
        Ok(PageShape {
            // In a structure of their own since 53fbef56e07d ("mm: introduce memdesc_flags_t", 6.18).
            flags: page.any(&["flags.f", "flags"])?,
            kind: page.any(&["page_type", "_mapcount.counter"])?,
            // Renamed by d50569612c29 ("mm: rename the 'compound_head' field …", 7.1).
            compound: page.any(&["compound_info", "compound_head"])?,
            mapping: page.any(&["mapping"])?,
            private: page.any(&["private"])?,
            references: page.any(&["_refcount.counter", "_refcount"])?,
            slab_cache,
            names,
            slab,
            free: value("PAGE_BUDDY_MAPCOUNT_VALUE"),
            types: typed.collect(),
            has_mask: is_masked && page.size().is_power_of_two(),
        })
    }

    pub(crate) fn is_slab(&self, page: &[u8]) -> bool {
        if self.is_tail(page) {
            return false;
        }
        match self.slab {
            SlabMark::Flag(mask) => number(page, &self.flags) & mask != 0,
            SlabMark::Type(value) => number(page, &self.kind) == value,
        }
    }

    pub(crate) fn is_tail(&self, page: &[u8]) -> bool {
        number(page, &self.compound) & 1 != 0
    }

    /// The `struct page` of the head of the tail at `address`.
    fn head(&self, page: &[u8], address: VirtAddr) -> Option<VirtAddr> {
        let told = number(page, &self.compound);
        if told & 1 == 0 {
            return None;
        }
        Some(VirtAddr(if self.has_mask {
            address.0 & told
        } else {
            told - 1
        }))
    }

    fn free_order(&self, page: &[u8]) -> Option<u32> {
        let is_free = self.free == Some(number(page, &self.kind));
        let order = u32::try_from(number(page, &self.private)).ok();
        order.filter(|order| is_free && *order <= HIGHEST_ORDER)
    }

    /// What a page that is no tail is for, as far as itself tells.
    fn kind(&self, page: &[u8]) -> PageKind {
        let kind = number(page, &self.kind);
        if self.is_slab(page) {
            return PageKind::Slab(VirtAddr(number(page, &self.slab_cache)));
        }
        let known = self.types.iter().find(|(number, _)| *number == kind >> 24);
        if let Some((_, name)) = known
            && name != "buddy"
        {
            return PageKind::Typed(name.clone());
        }
        let flags = number(page, &self.flags);
        let reserved = self.names.iter().find(|(_, name)| name == "reserved");
        if reserved.is_some_and(|(bit, _)| flags >> bit & 1 != 0) {
            return PageKind::Reserved;
        }
        if number(page, &self.references) == 0 {
            return PageKind::Unused;
        }
        let mapping = number(page, &self.mapping);
        let place = VirtAddr(mapping & !MAPPING);
        match mapping & MAPPING {
            _ if mapping == 0 => PageKind::Kernel,
            0 => PageKind::File(place),
            1 => PageKind::Anonymous(place),
            2 => PageKind::Movable,
            _ => PageKind::Shared(place),
        }
    }

    fn names_of(&self, flags: u64) -> Vec<String> {
        let set = self.names.iter().filter(|(bit, _)| flags >> bit & 1 != 0);
        set.map(|(_, name)| name.clone()).collect()
    }
}

impl Kernel<'_> {
    pub(crate) fn page_shape(&self) -> &Result<PageShape, Gap> {
        self.walked.pages.get_or_init(|| {
            let told = self.vmcoreinfo().ok();
            PageShape::new(&self.types(), told.as_deref().map(Vmcoreinfo::new))
        })
    }

    /// The page with this number (PFN): the address in physical memory without the bits within a page.
    pub fn page(&self, pfn: u64) -> Result<Page, Gap> {
        let map = self.memory_map().as_ref().map_err(Clone::clone)?;
        let shape = self.page_shape().as_ref().map_err(Clone::clone)?;
        let address = map.page(pfn);
        let read = |pfn: u64| self.space().bytes(map.page(pfn), map.page_struct);
        let failed = |error: ReadError| {
            Gap::new(
                format!("the struct page of page {pfn:#x}"),
                error.to_string(),
            )
        };
        let own = read(pfn).map_err(failed)?;
        let head = shape.head(&own, address);
        let head = head
            .and_then(|head| map.pfn(head))
            .filter(|head| *head < pfn);
        let first = match head {
            Some(head) => read(head).map_err(failed)?,
            None => own.clone(),
        };
        let mut kind = shape.kind(&first);
        if head.is_none() && matches!(kind, PageKind::Unused) {
            // Only the first page of a free block says so.
            let blocks = (0..=HIGHEST_ORDER).map(|order| (pfn >> order << order, order));
            let free = blocks.filter_map(|(first, order)| {
                let page = read(first).ok()?;
                let size = shape.free_order(&page).filter(|size| *size >= order)?;
                Some(PageKind::Free { first, order: size })
            });
            kind = free.take(1).next().unwrap_or(kind);
        }
        let flags = number(&own, &shape.flags);
        Ok(Page {
            pfn,
            address,
            head,
            flags,
            flag_names: shape.names_of(flags),
            references: i64::from(number(&first, &shape.references) as i32),
            kind,
        })
    }

    /// Hands the bytes of each `struct page` to `visit`, by number. Where no page table leads there is none: the
    /// kernel does not manage that memory. What cannot be read although it is there is a gap.
    pub(crate) fn visit_pages(
        &self,
        map: &MemoryMap,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> Partial<u64> {
        let mut budget = Budget::new("pages of memory", MOST_PAGES);
        let mut holes = Budget::new("holes in the map of memory", MOST_HOLES);
        let mut gaps = Gaps::default();
        let what = "the map of memory";
        for range in self.space().memory().physical_ranges() {
            let range = range.start >> map.page_bits..range.end >> map.page_bits;
            if !self.visit_range(map, range, (&mut budget, &mut holes), &mut gaps, visit) {
                break;
            }
        }
        Partial {
            value: budget.used(),
            gaps: gaps.of(what),
        }
    }

    fn visit_range(
        &self,
        map: &MemoryMap,
        range: Range<u64>,
        (budget, holes): (&mut Budget, &mut Budget),
        gaps: &mut Gaps,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> bool {
        let size = map.page_struct.max(1);
        let mut pfn = range.start;
        while pfn < range.end {
            let at = map.page(pfn);
            let left = self.space().translate(at).map(|(_, left)| left);
            // Whole ones only: one that crosses a page is read by itself.
            let fit = left.unwrap_or(1 << map.page_bits).min(PIECE) / size;
            let count = fit.clamp(1, range.end - pfn);
            let is_hole = u64::from(left.is_err());
            let spent = budget.spend(count).and_then(|()| holes.spend(is_hole));
            if let Err(exhausted) = spent {
                gaps.push(|| format!("pages from {pfn:#x} on"), exhausted);
                return false;
            }
            match left.and_then(|_| self.space().bytes(at, count * size)) {
                Ok(bytes) => {
                    for (pfn, page) in (pfn..).zip(bytes.chunks_exact(size as usize)) {
                        visit(pfn, page);
                    }
                }
                Err(ReadError::Unmapped(_)) => {}
                Err(error) => gaps.push(|| format!("{count} pages from {pfn:#x} on"), error),
            }
            pfn += count;
        }
        true
    }
}
