//! A dump that is damaged anew in each round, in the pages that walks come by: nothing may panic or go on for
//! ever. `torture DUMP [ROUNDS]`; `cargo xtask test drgn` runs it.
#![allow(clippy::print_stdout, reason = "an example is its own renderer")]
#![allow(clippy::unwrap_used, reason = "a program of the laboratory")]

#[macro_use]
#[path = "../tests/common/over.rs"]
mod over;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Memory, PhysAddr, ReadError, VirtAddr};
use debuginfo::Store;
use image::Image;
use os::linux::Kernel;

/// How often as many bytes as all memory has may be asked for in a round; an unharmed one asks for a fraction of them.
const MOST_SEARCHES: u64 = 4;

/// A dump, some words of which are others.
struct Damaged<'i> {
    image: &'i Image,
    seed: u64,
    /// One word in so many is another one; none where it is 0.
    rarity: u64,
    /// Bytes that were asked for so far.
    asked: AtomicU64,
}

/// A number that follows from two others in no order that anybody would guess.
fn mix(seed: u64, at: u64) -> u64 {
    let mut word =
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ at.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^= word >> 29;
    word = word.wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 32
}

impl Memory for Damaged<'_> {
    fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
        self.asked.fetch_add(into.len() as u64, Ordering::Relaxed);
        self.image.read_physical(address, into)?;
        if self.rarity == 0 {
            return Ok(());
        }
        if mix(self.seed, address.0 >> 12).is_multiple_of(self.rarity * 4) {
            return Err(ReadError::Filtered(address));
        }
        for (at, byte) in (address.0..).zip(into.iter_mut()) {
            let word = mix(self.seed, at >> 3);
            if word.is_multiple_of(self.rarity) {
                // Other words, small changes, and nothing.
                *byte = match word >> 40 & 3 {
                    0 => *byte ^ 1,
                    1 => 0,
                    _ => (word >> (8 * (at & 7))) as u8,
                };
            }
        }
        Ok(())
    }

    fn physical_bytes(&self, _: PhysAddr, _: usize) -> Option<&[u8]> {
        None
    }

    fn physical_ranges(&self) -> Vec<Range<u64>> {
        self.image.physical_ranges()
    }
}

all_but_memory!(Damaged);

/// Walks the kernel's structures, and asks what is where in them; the answer is how many gaps there were.
fn structures(kernel: &Kernel<'_>) -> usize {
    let slabs = kernel.slabs();
    let mut addresses = vec![0, 1 << 63, u64::MAX];
    for cache in slabs.value.caches() {
        addresses.extend(slabs.value.objects(cache).take(2).map(|(at, _)| at.0));
    }
    let areas = kernel.vmalloc_areas();
    addresses.extend(areas.value.iter().take(1000).map(|area| area.start.0));
    let identifier = kernel.identifier();
    let found = addresses.iter().take(2_000);
    let found = found.map(|at| identifier.identify(VirtAddr(*at)).gaps.len());
    let found: usize = found.sum();
    let pages = (0..1 << 17).step_by(997);
    let pages = pages.filter(|pfn| kernel.page(*pfn).is_err()).count();
    let waiting = kernel
        .symbol("kauditd_wait")
        .and_then(|at| kernel.waiters(at));
    let waiting = waiting.map_or(1, |waiting| waiting.gaps.len());
    let queues = kernel.run_queues().gaps.len();
    slabs.gaps.len() + areas.gaps.len() + found + pages + waiting + queues
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().unwrap();
    let rounds = arguments
        .next()
        .map_or(100, |text| text.to_str().unwrap().parse().unwrap());
    let image = Image::open(Box::new(std::fs::read(path).unwrap())).unwrap();
    let ranges = image.physical_ranges();
    let memory: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let (mut found, mut frames, mut gaps, mut worst) = (0, 0, 0, 0);
    for round in 0..rounds {
        let damaged = Damaged {
            image: &image,
            seed: round,
            rarity: [0, 1 << 16, 1 << 13, 1 << 10, 1 << 8]
                .get(round as usize % 5)
                .copied()
                .unwrap_or(0),
            asked: AtomicU64::new(0),
        };
        let store = Store::new();
        if let Ok(opened) = Kernel::open(&damaged, &store) {
            let kernel = opened.value;
            found += 1;
            let tasks = kernel.tasks();
            gaps += opened.gaps.len() + tasks.gaps.len();
            for task in &tasks.value {
                match kernel.stack(task) {
                    Ok(stack) => frames += stack.frames.len(),
                    Err(_) => gaps += 1,
                }
            }
            gaps += kernel.log_text().gaps.len() + kernel.modules().gaps.len();
            gaps += structures(&kernel);
            let _ = (
                kernel.banner(),
                kernel.vmcoreinfo(),
                kernel.all_types(),
                kernel.panic_task(),
            );
        }
        let asked = damaged.asked.load(Ordering::Relaxed);
        assert!(
            asked <= MOST_SEARCHES * memory,
            "round {round} asked for {asked} bytes of {memory}"
        );
        worst = worst.max(asked);
    }
    println!(
        "{rounds} rounds: {found} kernels, {frames} frames, {gaps} gaps, {worst} bytes of {memory} asked for at most"
    );
}
