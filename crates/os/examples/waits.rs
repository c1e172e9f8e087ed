//! Who waits for what in a dump, as JSON: the facts before anybody judges them.
#![allow(clippy::print_stdout, reason = "an example is its own renderer")]
#![allow(clippy::unwrap_used, reason = "a program of the laboratory")]

use std::path::PathBuf;

use debuginfo::Store;
use os::linux::Kernel;

fn main() {
    let path = PathBuf::from(std::env::args_os().nth(1).unwrap());
    let file = std::fs::File::open(path).unwrap();
    // SAFETY: nobody writes to the dump of a laboratory.
    #[allow(unsafe_code, reason = "a mapping is a dump that nobody has to copy")]
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let image = image::Image::open(Box::new(map)).unwrap();
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    println!(
        "{}",
        serde_json::to_string_pretty(&kernel.wait_facts()).unwrap()
    );
}
