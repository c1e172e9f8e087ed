//! Slab caches and their objects (SLUB): which object an address is in, and whether it is allocated.
//!
//! Slabs are found by the map of memory, since full ones are in no list; lists tell what is free.

mod free;
mod scan;
mod shape;

use std::collections::BTreeMap;

use base::{Gap, Partial, VirtAddr};

use crate::linux::Kernel;

/// A slab cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Its `struct kmem_cache`.
    pub address: VirtAddr,
    /// Its name; other caches of the same size may have been merged into it.
    pub name: String,
    /// Bytes of an object that its user may use.
    pub object_size: u64,
    /// Bytes from one object to the next: with red zones, what was found out about its users, and padding.
    pub size: u64,
    /// Bytes of the red zone before each object.
    pub red_left_pad: u64,
    /// Bytes from the start of a free object to the pointer to the next free one.
    pub free_pointer: u64,
    /// Caches that are this one, itself among them.
    pub users: u64,
    /// `SLAB_…` flags as the kernel has them.
    pub flags: u64,
    /// Slabs and objects that its nodes count (`CONFIG_SLUB_DEBUG`); none where they do not.
    pub counted: Option<(u64, u64)>,
}

/// Where a slab is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlabPlace {
    /// In no list: all of its objects are allocated, or wait in a sheaf of a CPU.
    Full,
    /// In the list of the partial slabs of this node.
    Partial(u32),
    /// This CPU allocates from it.
    Current(u32),
    /// In the list of the partial slabs of this CPU.
    CpuPartial(u32),
}

/// A slab: pages that objects of one cache lie in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slab {
    /// Its `struct slab`, or `struct page`.
    pub address: VirtAddr,
    /// Where its memory begins.
    pub start: VirtAddr,
    /// Bytes of its memory.
    pub bytes: u64,
    /// The `struct kmem_cache` that it belongs to.
    pub cache: VirtAddr,
    /// Objects that fit.
    pub objects: u32,
    /// Objects that its counter says are in use; of a slab that a CPU allocates from all of them.
    pub in_use: u32,
    /// Where it is kept.
    pub place: SlabPlace,
    /// Whether all that is free is known: a list of free objects that is broken tells of some only.
    pub is_whole: bool,
    /// The objects that are free, a bit each.
    free: Vec<u64>,
}

/// Whether an object is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectState {
    /// It is in use.
    Allocated,
    /// It is on a list of free ones.
    Free,
    /// The list of the free objects of its slab is broken, and it is not on what is left of it.
    Unknown,
}

/// An object, and what of it an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlabObject<'s> {
    /// Its cache.
    pub cache: &'s Cache,
    /// Its slab.
    pub slab: &'s Slab,
    /// Where the object begins.
    pub start: VirtAddr,
    /// Bytes from there to the address; negative in the red zone before it.
    pub offset: i64,
    /// Whether it is allocated.
    pub state: ObjectState,
}

/// All caches and slabs of a kernel.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Slabs {
    caches: Vec<Cache>,
    /// Where each is in `caches`.
    places: BTreeMap<VirtAddr, usize>,
    /// In the order of their memory.
    slabs: Vec<Slab>,
    /// Numbers of the slabs of each cache.
    of: BTreeMap<VirtAddr, Vec<u32>>,
}

impl Slab {
    fn is_free(&self, index: u32) -> bool {
        let word = self.free.get(index as usize / 64);
        word.is_some_and(|word| word >> (index % 64) & 1 != 0)
    }

    /// Marks an object as free; false where it was already.
    fn set_free(&mut self, index: u32) -> bool {
        let bit = 1 << (index % 64);
        match self.free.get_mut(index as usize / 64) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    /// Objects that are free for certain.
    pub fn free_count(&self) -> u32 {
        self.free.iter().map(|word| word.count_ones()).sum()
    }

    fn state(&self, index: u32) -> ObjectState {
        match (self.is_free(index), self.is_whole) {
            (true, _) => ObjectState::Free,
            (false, true) => ObjectState::Allocated,
            (false, false) => ObjectState::Unknown,
        }
    }

    /// Its objects: where each begins, and its state. `cache` is the one that it belongs to.
    pub fn each<'s>(
        &'s self,
        cache: &'s Cache,
    ) -> impl Iterator<Item = (VirtAddr, ObjectState)> + 's {
        let first = self.start.0.wrapping_add(cache.red_left_pad);
        (0..self.objects).map(move |index| {
            let at = first.wrapping_add(u64::from(index).wrapping_mul(cache.size));
            (VirtAddr(at), self.state(index))
        })
    }
}

impl Slabs {
    /// The caches, in the order of the kernel's list: the newest first.
    pub fn caches(&self) -> &[Cache] {
        &self.caches
    }

    /// The cache whose `struct kmem_cache` is at `address`.
    pub fn cache(&self, address: VirtAddr) -> Option<&Cache> {
        self.caches.get(*self.places.get(&address)?)
    }

    /// The cache of this name; of several the newest.
    pub fn named(&self, name: &str) -> Option<&Cache> {
        self.caches.iter().find(|cache| cache.name == name)
    }

    /// All slabs, in the order of their memory.
    pub fn slabs(&self) -> &[Slab] {
        &self.slabs
    }

    /// The slabs of a cache, in the order of their memory.
    pub fn slabs_of(&self, cache: &Cache) -> impl Iterator<Item = &Slab> {
        let places = self.of.get(&cache.address);
        let places = places.map_or(&[][..], Vec::as_slice).iter();
        places.filter_map(|place| self.slabs.get(*place as usize))
    }

    /// The objects of a cache, in the order of memory, with their states.
    pub fn objects<'s>(
        &'s self,
        cache: &'s Cache,
    ) -> impl Iterator<Item = (VirtAddr, ObjectState)> + 's {
        self.slabs_of(cache).flat_map(|slab| slab.each(cache))
    }

    /// The slab whose memory `address` is in.
    pub fn slab_at(&self, address: VirtAddr) -> Option<&Slab> {
        let end = self.slabs.partition_point(|slab| slab.start <= address);
        let slab = self.slabs.get(end.checked_sub(1)?)?;
        (address.0 - slab.start.0 < slab.bytes).then_some(slab)
    }

    /// The object that `address` is in, with its red zone and padding; none in what is left over at the end of a
    /// slab, or of a slab whose cache is not known.
    pub fn object_at(&self, address: VirtAddr) -> Option<SlabObject<'_>> {
        let slab = self.slab_at(address)?;
        let cache = self.cache(slab.cache)?;
        let index = (address.0 - slab.start.0).checked_div(cache.size)?;
        let index = u32::try_from(index)
            .ok()
            .filter(|index| *index < slab.objects)?;
        let start = slab
            .start
            .0
            .wrapping_add(u64::from(index).wrapping_mul(cache.size));
        let start = start.wrapping_add(cache.red_left_pad);
        Some(SlabObject {
            cache,
            slab,
            start: VirtAddr(start),
            offset: address.0.wrapping_sub(start).cast_signed(),
            state: slab.state(index),
        })
    }
}

impl Kernel<'_> {
    /// The slab caches and all of their slabs. What is wrong with them is a gap: lists of free objects that do not
    /// end, counts that do not agree.
    pub fn slabs(&self) -> &Partial<Slabs> {
        self.walked.slabs.get_or_init(|| {
            self.scan_slabs().unwrap_or_else(|gap: Gap| Partial {
                value: Slabs::default(),
                gaps: vec![gap],
            })
        })
    }
}
