//! Dumps of any content: every format, what lies in them, and a search through them.
#![no_main]

use std::ops::ControlFlow;

use base::{Memory, PhysAddr, Target};
use image::{Image, search};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(image) = Image::open(Box::new(data.to_vec())) else {
        return;
    };
    let ranges = image.physical_ranges();
    assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
    let mut bytes = vec![0; 5000];
    for range in ranges.iter().take(64) {
        assert!(range.start < range.end);
        for at in [range.start, range.start + 3, range.end.wrapping_sub(70)] {
            let read = image.read_physical(PhysAddr(at), &mut bytes[..64]);
            // What needs no unpacking says the same.
            if let Some(same) = image.physical_bytes(PhysAddr(at), 64) {
                assert!(read.is_err() || same == &bytes[..64]);
            }
            let _ = image.read_physical(PhysAddr(at), &mut bytes);
        }
    }
    let (mut visits, mut last) = (0, None);
    image.visit_physical(0..u64::MAX, &mut |address, piece| {
        assert!(last < Some(address) && !piece.is_empty());
        last = Some(address);
        visits += 1;
        if visits < 2000 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    // A range of memory may be longer than a round should take.
    let size: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    if size < 1 << 40 {
        assert!(search(&image, &[0, 7, u64::MAX], 100).found.len() <= 100);
    }
    let _ = (image.about(), image.release(), image.gaps(), image.cpus());
});
