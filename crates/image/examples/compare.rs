//! Compares the memory of dumps with that of the first: `cargo run --release -p image --example compare DUMP DUMP…`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "this tells whoever runs it"
)]

use std::collections::BTreeMap;

use base::{Memory, PhysAddr, Target};
use image::Image;

const PAGE: usize = 4096;

fn open(path: &str) -> Image {
    Image::open(Box::new(std::fs::read(path).unwrap())).unwrap()
}

fn main() {
    let mut paths = std::env::args().skip(1);
    let first = open(&paths.next().unwrap());
    for path in paths {
        let other = open(&path);
        println!(
            "{path}: {}, release {:?}",
            other.about().format,
            other.release()
        );
        println!(
            "  level {:?}, ranges {:x?}",
            other.about().dump_level,
            other.physical_ranges()
        );
        println!("  registers alike: {}", first.cpus() == other.cpus());
        println!(
            "  VMCOREINFO alike: {}",
            first.vmcoreinfo() == other.vmcoreinfo()
        );
        for gap in other.gaps() {
            println!("  missing: {}: {}", gap.what, gap.why);
        }
        let mut count: BTreeMap<String, u64> = BTreeMap::new();
        let (mut one, mut two) = (vec![0; PAGE], vec![0; PAGE]);
        for at in first
            .physical_ranges()
            .into_iter()
            .flat_map(|range| range.step_by(PAGE))
        {
            first.read_physical(PhysAddr(at), &mut one).unwrap();
            let how = match other.read_physical(PhysAddr(at), &mut two) {
                Ok(()) if one == two => "alike".to_owned(),
                Ok(()) => "OTHERWISE".to_owned(),
                Err(error) => {
                    let zeroes = one.iter().all(|byte| *byte == 0);
                    let what = format!("{error:?}");
                    let what = what.split('(').next().unwrap();
                    format!("{what}, {}", if zeroes { "zeroes" } else { "not zeroes" })
                }
            };
            *count.entry(how).or_default() += 1;
        }
        println!("  pages: {count:?}");
    }
}
