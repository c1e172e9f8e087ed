//! Words in all memory of a dump, beside a bare loop over the same mapping: `WHY_DUMP=vmcore.elf cargo bench -p image
//! --bench words`. Without a dump there is nothing to measure.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "this tells figures to whoever runs it"
)]

use std::hint::black_box;
use std::time::Instant;

use image::{Image, search};
use rayon::prelude::*;

/// Rounds; in each everything is done once, so that a machine that is slow for a while is so for all.
const ROUNDS: usize = 9;

/// A word that is nowhere.
const WORD: u64 = 0xffff_ffff_dead_4321;

fn main() {
    let Some(path) = std::env::var_os("WHY_DUMP") else {
        println!("WHY_DUMP names no dump");
        return;
    };
    let file = std::fs::File::open(path).unwrap();
    #[allow(unsafe_code, reason = "nobody writes to the dump of a bench")]
    // SAFETY: see the reason.
    let map = || unsafe { memmap2::Mmap::map(&file).unwrap() };
    let (bare, image) = (map(), Image::open(Box::new(map())).unwrap());
    // Pointers of one kind, spread over what such pointers are.
    let words: Vec<u64> = (0..64)
        .map(|n| 0xffff_8c7b_0000_0007 + n * 0x41_1238)
        .collect();
    let mut times = [const { Vec::new() }; 3];
    let mut first = Vec::new();
    // The first round also maps the pages, as a process that asks once has to.
    for round in 0..=ROUNDS {
        let runs: [&dyn Fn() -> usize; 3] = [
            &|| count(&bare),
            &|| search(&image, &[WORD], 1000).found.len(),
            &|| search(&image, &words, 1000).found.len(),
        ];
        for (run, times) in runs.iter().zip(&mut times) {
            let start = Instant::now();
            black_box(run());
            let took = start.elapsed().as_secs_f64();
            match round {
                0 => first.push(took),
                _ => times.push(took),
            }
        }
    }
    let medians = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(ROUNDS / 2).copied().unwrap()
    });
    let whats = ["a bare loop", "one word", "64 words"];
    for ((what, median), first) in whats.iter().zip(medians).zip(first) {
        let rate = bare.len() as f64 / 1e9 / median;
        let [loop_alone, ..] = medians;
        let part = 100.0 * loop_alone / median;
        println!(
            "  {:>8.1} ms {rate:>6.1} GB/s  {what}, {part:.0} % of the bare loop; the first time {:.1} ms",
            median * 1e3,
            first * 1e3
        );
    }
}

/// The loop that anybody would write who has the file as it is, on all processors too.
fn count(bytes: &[u8]) -> usize {
    let chunks = bytes.par_chunks(4 << 20).with_max_len(1);
    chunks
        .map(|chunk| {
            let (words, _) = chunk.as_chunks::<8>();
            let hits = words
                .iter()
                .filter(|word| u64::from_ne_bytes(**word) == WORD);
            hits.count()
        })
        .sum()
}
