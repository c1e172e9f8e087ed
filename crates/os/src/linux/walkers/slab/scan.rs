//! One pass over the map of memory, then the lists: every slab, where it is kept, and what of it is free.

use std::collections::{BTreeMap, HashMap, HashSet};

use base::{Budget, Gap, Partial, ReadError, VirtAddr};

use super::free::{self, Code};
use super::shape::{Read, Shape};
use super::{Slab, SlabPlace, Slabs};
use crate::linux::Kernel;
use crate::linux::list::walk_list;
use crate::linux::walkers::memory_map::MemoryMap;
use crate::linux::walkers::pages::{PageShape, number};
use crate::linux::walkers::structures::Gaps;

/// Caches; a system with a thousand containers has some ten thousand.
const MOST_CACHES: u64 = 1 << 18;

/// Slabs; those of 128 GiB of the usual ones.
const MOST_SLABS: u64 = 1 << 22;

/// Sheaves of free objects, and objects of one.
const MOST_SHEAVES: u64 = 1 << 20;
const MOST_IN_SHEAF: u64 = 1 << 12;

struct Scan<'k, 'a> {
    kernel: &'k Kernel<'a>,
    map: &'k MemoryMap,
    shape: Shape,
    caches: Vec<Read>,
    places: BTreeMap<VirtAddr, usize>,
    slabs: Vec<Slab>,
    /// The free list of each slab, until it is walked.
    lists: Vec<u64>,
    /// Where a slab is in `slabs`.
    at: HashMap<u64, usize>,
    gaps: Gaps,
}

const WHAT: &str = "slab caches";

impl Kernel<'_> {
    pub(super) fn scan_slabs(&self) -> Result<Partial<Slabs>, Gap> {
        let shape = Shape::new(&self.types())?;
        let pages = self.page_shape().as_ref().map_err(Clone::clone)?;
        let map = self.memory_map().as_ref().map_err(Clone::clone)?;
        let mut scan = Scan {
            kernel: self,
            map,
            shape,
            caches: Vec::new(),
            places: BTreeMap::new(),
            slabs: Vec::new(),
            lists: Vec::new(),
            at: HashMap::new(),
            gaps: Gaps::default(),
        };
        let mut gaps = scan.caches()?;
        gaps.extend(scan.pages(pages));
        scan.partial_lists();
        scan.cpus();
        scan.free_lists();
        scan.sheaves();
        scan.check();
        let mut of: BTreeMap<VirtAddr, Vec<u32>> = BTreeMap::new();
        for (place, slab) in (0..).zip(&scan.slabs) {
            of.entry(slab.cache).or_default().push(place);
        }
        let mut unknown = of.keys().filter(|cache| !scan.places.contains_key(cache));
        if let Some(first) = unknown.next() {
            let count = unknown.count() + 1;
            let why =
                format!("{count} caches that slabs belong to are not among them, {first} for one");
            scan.gaps.push(|| "the list of slab caches".to_owned(), why);
        }
        gaps.extend(scan.gaps.of(WHAT));
        let value = Slabs {
            caches: scan.caches.into_iter().map(|read| read.cache).collect(),
            places: scan.places,
            slabs: scan.slabs,
            of,
        };
        Ok(Partial { value, gaps })
    }
}

impl Scan<'_, '_> {
    fn caches(&mut self) -> Result<Vec<Gap>, Gap> {
        let space = self.kernel.space();
        let (head, _) = self.kernel.global("slab_caches")?;
        let nodes = self.kernel.known("nr_node_ids");
        // A kernel for one node has no number of them.
        let nodes = nodes
            .and_then(|at| space.u32(VirtAddr(at)).ok())
            .unwrap_or(1);
        let mut budget = Budget::new(WHAT, MOST_CACHES);
        let walked = walk_list(space, head, "the list of slab caches", &mut budget);
        for link in walked.value {
            let address = VirtAddr(link.0.wrapping_sub(self.shape.cache.list.offset));
            match self.shape.read(space, address, u64::from(nodes)) {
                Ok(read) => {
                    self.places.insert(address, self.caches.len());
                    self.caches.push(read);
                }
                Err(error) => {
                    self.gaps
                        .push(|| format!("the slab cache at {address}"), error);
                }
            }
        }
        Ok(walked.gaps)
    }

    /// Every slab, by the map of memory.
    fn pages(&mut self, pages: &PageShape) -> Vec<Gap> {
        let (map, shape) = (self.map, &self.shape.slab);
        let mut budget = Budget::new("slabs", MOST_SLABS);
        let (mut slabs, mut lists): (Vec<Slab>, Vec<u64>) = (Vec::new(), Vec::new());
        // Pages of a slab but the first follow it.
        let mut last = None;
        let mut is_spent = false;
        let visited = self.kernel.visit_pages(map, &mut |pfn, page| {
            if pages.is_tail(page) {
                if last == pfn.checked_sub(1)
                    && let Some(slab) = slabs.last_mut()
                {
                    slab.bytes += 1 << map.page_bits;
                    last = Some(pfn);
                }
                return;
            }
            if !pages.is_slab(page) {
                last = None;
                return;
            }
            if budget.spend(1).is_err() {
                (last, is_spent) = (None, true);
                return;
            }
            slabs.push(Slab {
                address: map.page(pfn),
                start: map.address(pfn),
                bytes: 1 << map.page_bits,
                cache: VirtAddr(number(page, &shape.cache)),
                objects: number(page, &shape.objects) as u32,
                in_use: number(page, &shape.in_use) as u32,
                place: SlabPlace::Full,
                is_whole: true,
                free: Vec::new(),
            });
            lists.push(number(page, &shape.freelist));
            last = Some(pfn);
        });
        if is_spent {
            let why = format!("stopped after {MOST_SLABS} slabs");
            self.gaps.push(|| "the rest of the slabs".to_owned(), why);
        }
        for (place, slab) in slabs.iter_mut().enumerate() {
            let known = self.places.get(&slab.cache);
            if let Some(read) = known.and_then(|place| self.caches.get(*place)) {
                // As many as fit, whatever the counter says.
                let room = slab.bytes.checked_div(read.cache.size).unwrap_or(0);
                if u64::from(slab.objects) > room {
                    let (says, at) = (slab.objects, slab.address);
                    let name = &read.cache.name;
                    self.gaps.push(
                        || format!("the slab at {at} of {name}"),
                        format!("it says that it has {says} objects, and {room} fit"),
                    );
                    slab.objects = room as u32;
                    slab.is_whole = false;
                }
            } else {
                slab.objects = 0;
            }
            slab.free = vec![0; (slab.objects as usize).div_ceil(64)];
            self.at.insert(slab.address.0, place);
        }
        (self.slabs, self.lists) = (slabs, lists);
        visited.gaps
    }

    fn slab_mut(&mut self, address: VirtAddr) -> Option<&mut Slab> {
        let place = self.at.get(&address.0)?;
        self.slabs.get_mut(*place)
    }

    /// Puts a slab where a list has it; a slab that is none is a gap.
    fn put(&mut self, address: VirtAddr, place: SlabPlace, cache: VirtAddr, name: &str) -> bool {
        let is_its = match self.slab_mut(address) {
            Some(slab) if slab.cache == cache => {
                slab.place = place;
                true
            }
            _ => false,
        };
        if !is_its {
            let why = format!("{address} is no slab of it");
            self.gaps.push(|| format!("a list of slabs of {name}"), why);
        }
        is_its
    }

    fn partial_lists(&mut self) {
        let space = self.kernel.space();
        let mut budget = Budget::new("slabs in lists", MOST_SLABS);
        for place in 0..self.caches.len() {
            let Some(read) = self.caches.get(place) else {
                break;
            };
            let (cache, name) = (read.cache.address, read.cache.name.clone());
            for (number, node, _) in read.nodes.clone() {
                let head = self.shape.node.partial.at(node);
                let what = format!("the partial slabs of {name}");
                let walked = walk_list(space, head, &what, &mut budget);
                for gap in walked.gaps {
                    self.gaps.push(|| gap.what, gap.why);
                }
                for link in walked.value {
                    let slab = VirtAddr(link.0.wrapping_sub(self.shape.slab.list.offset));
                    self.put(slab, SlabPlace::Partial(number), cache, &name);
                }
            }
        }
    }

    /// What the CPUs allocate from; until 32c894c7274b ("slab: remove struct kmem_cache_cpu", 7.0).
    fn cpus(&mut self) {
        let kernel = self.kernel;
        let space = kernel.space();
        let Some(of_cpu) = self.shape.cache.current else {
            return;
        };
        let mut budget = Budget::new("slabs of CPUs", MOST_SLABS);
        for place in 0..self.caches.len() {
            let Some(read) = self.caches.get(place) else {
                break;
            };
            let (cache, name) = (read.cache.address, read.cache.name.clone());
            let Ok(base) = of_cpu.read(space, cache) else {
                continue;
            };
            for cpu in &kernel.cpus().value {
                let current = VirtAddr(base.wrapping_add(cpu.offset));
                if let Err(error) = self.cpu(cpu.number, current, (cache, &name), &mut budget) {
                    let part = || format!("what CPU {} has of {name}", cpu.number);
                    self.gaps.push(part, error);
                }
            }
        }
    }

    fn cpu(
        &mut self,
        cpu: u32,
        current: VirtAddr,
        (cache, name): (VirtAddr, &str),
        budget: &mut Budget,
    ) -> Result<(), ReadError> {
        let space = self.kernel.space();
        let Some(shape) = &self.shape.current else {
            return Ok(());
        };
        let slab = shape.slab.pointer(space, current)?;
        let first = shape.freelist.read(space, current)?;
        let mut partial = match &shape.partial {
            Some(field) => field.read(space, current)?,
            None => 0,
        };
        if slab.0 != 0 && self.put(slab, SlabPlace::Current(cpu), cache, name) {
            // Its own list is one more of the same slab.
            self.mark(slab, first);
        }
        let mut seen = HashSet::new();
        while partial != 0 {
            let part = || format!("the partial slabs of {name} of CPU {cpu}");
            if budget.spend(1).is_err() || !seen.insert(partial) {
                self.gaps.push(part, "their list has no end");
                break;
            }
            let slab = VirtAddr(partial);
            if !self.put(slab, SlabPlace::CpuPartial(cpu), cache, name) {
                break;
            }
            partial = match &self.shape.slab.next {
                Some(next) => next.read(space, slab)?,
                None => 0,
            };
        }
        Ok(())
    }

    /// Marks what a list has as free.
    fn mark(&mut self, slab: VirtAddr, first: u64) {
        let Some(slab) = self
            .at
            .get(&slab.0)
            .and_then(|place| self.slabs.get_mut(*place))
        else {
            return;
        };
        let read = self.places.get(&slab.cache);
        let Some(read) = read.and_then(|place| self.caches.get(*place)) else {
            return;
        };
        let space = self.kernel.space();
        let code = match read.random {
            // One list tells; where it does not, the newer code is as good.
            Some(_) => free::code(space, slab, (&read.cache, read.random), first),
            None => None,
        };
        let with = (&read.cache, read.random, code.unwrap_or(Code::Turned));
        if let Err(why) = free::mark(space, slab, with, first) {
            slab.is_whole = false;
            let (at, name) = (slab.address, &read.cache.name);
            let part = || format!("free objects of the slab at {at} of {name}");
            self.gaps.push(part, why);
        }
    }

    fn free_lists(&mut self) {
        let lists = std::mem::take(&mut self.lists);
        for (place, first) in lists.into_iter().enumerate() {
            if let Some(slab) = self.slabs.get(place) {
                self.mark(slab.address, first);
            }
        }
        // What a slab counts as in use must be what is on no list, unless it is a CPU's.
        for slab in &mut self.slabs {
            let free = slab.free_count();
            let counts = slab.in_use.checked_add(free) == Some(slab.objects);
            if slab.is_whole && !counts && !matches!(slab.place, SlabPlace::Current(_)) {
                let read = self.places.get(&slab.cache);
                let Some(read) = read.and_then(|place| self.caches.get(*place)) else {
                    continue;
                };
                slab.is_whole = false;
                let (at, name) = (slab.address, &read.cache.name);
                let why = format!(
                    "{} of {} are in use, it says, and {free} are free",
                    slab.in_use, slab.objects
                );
                self.gaps.push(
                    || format!("free objects of the slab at {at} of {name}"),
                    why,
                );
            }
        }
    }

    /// Objects in sheaves are free, though their slab does not know.
    fn sheaves(&mut self) {
        let kernel = self.kernel;
        let space = kernel.space();
        let Some(of_cpu) = self.shape.cache.sheaves else {
            return;
        };
        let mut budget = Budget::new("sheaves", MOST_SHEAVES);
        for place in 0..self.caches.len() {
            let Some(read) = self.caches.get(place) else {
                break;
            };
            let (cache, name) = (read.cache.address, read.cache.name.clone());
            let barns: Vec<_> = read.nodes.iter().filter_map(|(.., barn)| *barn).collect();
            let mut found: Vec<u64> = Vec::new();
            let Some(shape) = &self.shape.sheaf else {
                return;
            };
            let base = of_cpu.read(space, cache).unwrap_or(0);
            for cpu in kernel.cpus().value.iter().filter(|_| base != 0) {
                let at = VirtAddr(base.wrapping_add(cpu.offset));
                for field in &shape.of_cpu {
                    match field.read(space, at) {
                        Ok(sheaf) => found.push(sheaf),
                        Err(error) => {
                            self.gaps
                                .push(|| format!("sheaves of {name} of CPU {}", cpu.number), error);
                        }
                    }
                }
            }
            for barn in barns {
                let what = format!("the full sheaves of {name}");
                let walked = walk_list(space, shape.full.at(barn), &what, &mut budget);
                for gap in walked.gaps {
                    self.gaps.push(|| gap.what, gap.why);
                }
                let sheaf = |link: VirtAddr| link.0.wrapping_sub(shape.list.offset);
                found.extend(walked.value.into_iter().map(sheaf));
            }
            for sheaf in found.into_iter().filter(|sheaf| *sheaf != 0) {
                self.sheaf(VirtAddr(sheaf), place, &name);
            }
        }
    }

    fn sheaf(&mut self, sheaf: VirtAddr, place: usize, name: &str) {
        let space = self.kernel.space();
        let Some(shape) = &self.shape.sheaf else {
            return;
        };
        let size = shape.size.read(space, sheaf);
        let size = size.map(|size| size.min(MOST_IN_SHEAF));
        let bytes = size.and_then(|size| space.bytes(shape.objects.at(sheaf), 8 * size));
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                self.gaps
                    .push(|| format!("the sheaf at {sheaf} of {name}"), error);
                return;
            }
        };
        for word in bytes.chunks_exact(8) {
            let object = u64::from_le_bytes(word.try_into().unwrap_or_default());
            // Slabs are in the order of their memory.
            let end = self.slabs.partition_point(|slab| slab.start.0 <= object);
            let slab = end
                .checked_sub(1)
                .and_then(|place| self.slabs.get_mut(place));
            let cache = self.caches.get(place).map(|read| &read.cache);
            let marked = slab.zip(cache).is_some_and(|(slab, cache)| {
                let number = free::index(slab, cache, object);
                slab.cache == cache.address && number.is_some_and(|number| slab.set_free(number))
            });
            if !marked {
                let why = format!(
                    "{} in it is no object of it, or is free twice",
                    VirtAddr(object)
                );
                self.gaps
                    .push(|| format!("the sheaf at {sheaf} of {name}"), why);
            }
        }
    }

    /// What the nodes count must be what was found.
    fn check(&mut self) {
        let mut found: HashMap<VirtAddr, (u64, u64)> = HashMap::new();
        for slab in &self.slabs {
            let sum = found.entry(slab.cache).or_default();
            sum.0 += 1;
            sum.1 += u64::from(slab.objects);
        }
        for Read { cache, .. } in &self.caches {
            let sum = found.get(&cache.address).copied().unwrap_or_default();
            if cache.counted.is_some_and(|counted| counted != sum) {
                let (slabs, objects) = cache.counted.unwrap_or_default();
                let why = format!(
                    "its nodes count {slabs} slabs of {objects} objects, and {} of {} were found",
                    sum.0, sum.1
                );
                let name = &cache.name;
                self.gaps.push(|| format!("the slabs of {name}"), why);
            }
        }
    }
}
