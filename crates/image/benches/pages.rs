//! What reading a dump costs: `WHY_DUMP=vmcore cargo bench -p image`. Without a dump, one of 256 MiB is made up
//! in each format.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "this tells figures to whoever runs it"
)]

use std::time::Instant;

use base::{Memory, PhysAddr, Target};
use image::{Image, search};

fn time<T>(what: &str, bytes: u64, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let answer = run();
    let took = start.elapsed().as_secs_f64();
    let (ms, rate) = (took * 1e3, bytes as f64 / 1e6 / took);
    println!("  {what:<44} {ms:>9.1} ms {rate:>9.0} MB/s");
    answer
}

fn look(name: &str, bytes: Vec<u8>) {
    let file = bytes.len() as u64;
    println!("{name}: {file} bytes");
    let image = time("open", file, || Image::open(Box::new(bytes)).unwrap());
    println!("  {:?}", image.about());
    let ranges = image.physical_ranges();
    let size: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    println!(
        "  {} ranges, {size} bytes; release {:?}; gaps {:?}",
        ranges.len(),
        image.release(),
        image.gaps()
    );
    let read = |step: u64, start: u64| {
        let mut page = [0; 4096];
        let (mut sum, mut absent) = (0u64, 0);
        for range in &ranges {
            for at in (range.start + start..range.end).step_by(step as usize) {
                match image.read_physical(PhysAddr(at), &mut page[..8]) {
                    Ok(()) => {
                        sum = sum.rotate_left(1) ^ u64::from_le_bytes(*page.first_chunk().unwrap())
                    }
                    Err(_) => absent += 1,
                }
            }
        }
        (sum, absent)
    };
    let cold = time("8 bytes of each page, in order", size, || read(4096, 0));
    println!("  sum {:#x}, {} pages absent", cold.0, cold.1);
    time("64 reads of 8 bytes in each page, in order", size, || {
        read(64, 0)
    });
    let one = time("one word in all memory", size, || {
        search(&image, &[0xffff_ffff_dead_4321], 1000)
    });
    println!("  {} places, {} bytes absent", one.found.len(), one.absent);
    let words: Vec<u64> = (0..1000)
        .map(|n| 0xffff_8c7b_0000_0000 + n * 0x4_1238)
        .collect();
    let many = time("1,000 words in all memory", size, || {
        search(&image, &words, 1000)
    });
    println!("  {} places", many.found.len());
}

fn main() {
    match std::env::var("WHY_DUMP") {
        Ok(path) => look(&path, std::fs::read(&path).unwrap()),
        Err(_) => made_up(),
    }
}

/// Made-up memory in every format.
fn made_up() {
    let page = |number| (number, Some(synth::page(number, 4096)));
    let pages: synth::Pages = (0..1 << 16).map(page).collect();
    for packing in synth::Packing::ALL {
        let kdump = synth::Kdump {
            packing,
            pages: pages.clone(),
            ..synth::Kdump::default()
        };
        look(&format!("kdump {packing:?}"), kdump.write());
    }
    let bytes = pages.into_values().flatten().flatten().collect();
    let segment = synth::Segment {
        physical: 0,
        bytes,
        size: 1 << 28,
    };
    let core = synth::ElfCore {
        segments: vec![segment],
        ..synth::ElfCore::default()
    };
    look("elf", core.write());
}
