//! What walks over the structures of a dump cost, each the first time in a process that has read nothing before:
//! `WHY_DUMP=vmcore cargo bench -p os --bench structures`. Without a dump there is nothing to measure.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "this tells figures to whoever runs it"
)]

use std::time::Instant;

use base::{Budget, VirtAddr};
use debuginfo::Store;
use os::linux::{Kernel, ObjectState, XArray};

fn main() {
    let Some(path) = std::env::var_os("WHY_DUMP") else {
        println!("WHY_DUMP names no dump");
        return;
    };
    let file = std::fs::File::open(path).unwrap();
    #[allow(unsafe_code, reason = "nobody writes to the dump of a bench")]
    // SAFETY: see the reason.
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let image = image::Image::open(Box::new(map)).unwrap();
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let tasks = kernel.tasks().value.len();
    let started = std::cell::Cell::new(Instant::now());
    let told = |what: &str| {
        let took = started.get().elapsed().as_secs_f64();
        println!("  {:>8.1} ms  {what}", took * 1e3);
        started.set(Instant::now());
    };
    let slabs = &kernel.slabs().value;
    told(&format!(
        "{} slabs of {} caches",
        slabs.slabs().len(),
        slabs.caches().len()
    ));
    let objects = || slabs.caches().iter().flat_map(|cache| slabs.objects(cache));
    let free = objects()
        .filter(|(_, state)| *state == ObjectState::Free)
        .count();
    told(&format!(
        "{} objects, of which {free} are free",
        objects().count()
    ));
    told(&format!(
        "{} areas of vmalloc",
        kernel.vmalloc_areas().value.len()
    ));
    let pages = (0..1_u64 << 17)
        .filter(|pfn| kernel.page(*pfn).is_ok())
        .count();
    told(&format!("{pages} pages one by one, and what each is for"));
    let xarray = XArray::new(&kernel.types()).unwrap();
    let inodes = slabs
        .caches()
        .iter()
        .filter(|cache| cache.name.ends_with("inode_cache"));
    let inode = kernel.types().layout("struct inode").unwrap();
    let data = inode.find("i_data.i_pages").unwrap();
    let (mut maps, mut entries) = (0, 0);
    for (at, _) in inodes.flat_map(|cache| slabs.objects(cache)) {
        let mut budget = Budget::new("nodes", 1 << 20);
        let found = xarray.walk(kernel.space(), data.at(at), "pages", &mut budget);
        (maps, entries) = (maps + 1, entries + found.value.len());
    }
    told(&format!(
        "{entries} entries of {maps} XArrays, some of them no inode's"
    ));
    let queues = kernel.run_queues().value.len();
    told(&format!("queues of {queues} CPUs"));
    let identifier = kernel.identifier();
    told(&format!("{tasks} tasks to identify addresses by"));
    let found = objects()
        .step_by(7)
        .map(|(at, _)| identifier.identify(VirtAddr(at.0 + 3)).value.len());
    let (mut addresses, mut answers) = (0, 0);
    found.for_each(|count| (addresses, answers) = (addresses + 1, answers + count));
    told(&format!("{addresses} addresses are {answers} things"));
}
