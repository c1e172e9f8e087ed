//! What a dump costs until all stacks are known, in a process that has read nothing before:
//! `WHY_DUMP=vmcore cargo bench -p os`. Without a dump there is nothing to measure.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "this tells figures to whoever runs it"
)]

use std::time::Instant;

use debuginfo::Store;
use os::linux::Kernel;

fn main() {
    let Some(path) = std::env::var_os("WHY_DUMP") else {
        println!("WHY_DUMP names no dump");
        return;
    };
    let start = Instant::now();
    let told = |what: &str| {
        let took = start.elapsed().as_secs_f64();
        println!("  {:>8.1} ms  {what}", took * 1e3);
    };
    let file = std::fs::File::open(path).unwrap();
    #[allow(unsafe_code, reason = "nobody writes to the dump of a bench")]
    // SAFETY: see the reason.
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let image = image::Image::open(Box::new(map)).unwrap();
    told("the file is open");
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    told("the kernel is found, with symbols and types");
    let tasks = kernel.tasks().value;
    told(&format!("{} tasks are known", tasks.len()));
    let stacks: Vec<_> = tasks.iter().map(|task| kernel.stack(task)).collect();
    let frames: usize = stacks
        .iter()
        .flatten()
        .map(|stack| stack.frames.len())
        .sum();
    told(&format!("{frames} frames of their stacks are named"));
    let lines = kernel.log_text().value.lines().count();
    told(&format!("{lines} lines of the log are read"));
    println!("  page tables were walked {} times", kernel.space().walks());
    // All that was made is still there, so this is the peak of what lies beyond the mapped file.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let own = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    println!(
        "  resident beyond the mapping: {}",
        own.map_or("?", str::trim)
    );
}
