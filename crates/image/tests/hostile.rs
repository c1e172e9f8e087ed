//! Dumps that are cut or corrupt: nothing panics, memory is bounded, and what is read of a cut dump is right.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Memory, PhysAddr, Target};
use common::{SIZE, all, all_there_and_right, open, pages};
use image::search;

/// Counts what is allocated.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "an allocator can be written in no other way")]
// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Asks everything of a dump.
fn ask(bytes: Vec<u8>) {
    let Ok(image) = open(bytes) else { return };
    let ranges = image.physical_ranges();
    let mut page = vec![0; 3 * SIZE as usize];
    for address in ranges
        .iter()
        .take(50)
        .flat_map(|range| [range.start, range.end.wrapping_sub(100)])
    {
        let _ = image.read_physical(PhysAddr(address), &mut page);
        let _ = image.physical_bytes(PhysAddr(address), 16);
    }
    let _ = image.read_physical(PhysAddr(u64::MAX - 10), &mut page);
    let mut visited = 0;
    image.visit_physical(0..u64::MAX, &mut |_, _| {
        visited += 1;
        if visited < 1000 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    let _ = (
        image.gaps(),
        image.vmcoreinfo(),
        image.cpus().len(),
        image.release(),
    );
}

// One test, as allocations are counted for the whole process.
#[test]
fn cut_and_corrupt_dumps() {
    cuts(13);
    single_bytes();
}

#[test]
#[ignore = "slow: every place to cut"]
fn every_cut() {
    cuts(1);
}

fn cuts(step: usize) {
    for (name, bytes) in all() {
        for end in (0..bytes.len()).step_by(step) {
            let Ok(image) = open(bytes[..end].to_vec()) else {
                continue;
            };
            let whole = all_there_and_right(&image, &pages());
            let told = !image.gaps().is_empty();
            // The end mark of a flattened dump may be all that is missing.
            assert!(
                told || whole,
                "{name}: cut at {end} of {} and not said",
                bytes.len()
            );
            assert!(!whole || end + 16 >= bytes.len(), "{name}: {end}");
        }
    }
}

fn single_bytes() {
    // A small generator of numbers: the same corruptions everywhere.
    let mut state = 0x1234_5678_9abc_def1u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    // The cache has 32 MiB, a bitmap that has holes 64 MiB.
    let budget = 128 << 20;
    for (name, bytes) in all() {
        let before = NOW.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        for round in 0..1000u64 {
            let mut corrupt = bytes.clone();
            // Headers are where it hurts.
            let room = if round % 2 == 0 {
                bytes.len()
            } else {
                bytes.len().min(2048)
            };
            let at = (random() % room as u64) as usize;
            corrupt[at] = match round % 3 {
                0 => 0xff,
                1 => 0,
                _ => random() as u8,
            };
            ask(corrupt);
        }
        let most = MOST.load(Ordering::Relaxed) - before;
        assert!(most < budget, "{name}: {most} bytes at once");
    }
    let _ = search(&open(all()[0].1.clone()).unwrap(), &[1], 1);
}
