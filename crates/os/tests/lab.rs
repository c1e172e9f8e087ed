//! What walks over the structures of a dump find, against what the guest's kernel said of them just before it died:
//! `cargo xtask lab dump-structures dump-structures-newest && cargo test -p os --test lab`. Moments pass between the two, so where
//! something may have changed since, it says how much.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

#[macro_use]
#[path = "common/over.rs"]
mod over;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use base::{Budget, Memory, PhysAddr, ReadError, VirtAddr};
use debuginfo::Store;
use image::Image;
use os::linux::{AddressIs, Held, Idr, Kernel, MapleTree, ObjectState, PageKind, SlabPlace};
use value::Field;

const OLD: &str = "dump-structures";
const NEWEST: &str = "dump-structures-newest";

fn left(specimen: &str, name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../../target/lab").join(specimen).join(name)
}

fn image(specimen: &str) -> Image {
    let bytes = std::fs::read(left(specimen, "vmcore.elf"));
    Image::open(Box::new(bytes.expect(
        "run 'cargo xtask lab dump-structures dump-structures-newest' first",
    )))
    .unwrap()
}

/// The lines that the console has under a heading.
fn said(specimen: &str, heading: &str) -> Vec<String> {
    let bytes = std::fs::read(left(specimen, "console.log")).unwrap();
    let text = String::from_utf8_lossy(&bytes).replace('\r', "");
    let lines = text
        .lines()
        .skip_while(|line| *line != format!("=== {heading}"));
    let lines = lines.skip(1).take_while(|line| !line.starts_with("==="));
    // The kernel may speak at any time.
    let lines = lines.filter(|line| !line.starts_with('['));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    assert!(
        !lines.is_empty(),
        "the console has nothing under '{heading}'"
    );
    lines
}

/// Both kernels.
fn each(check: fn(&str)) {
    for specimen in [OLD, NEWEST] {
        println!("{specimen}:");
        check(specimen);
    }
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

fn field(kernel: &Kernel<'_>, layout: &'static str, path: &str) -> Field {
    kernel.types().layout(layout).unwrap().any(&[path]).unwrap()
}

#[test]
fn what_the_first_process_has_mapped_is_what_proc_said() {
    each(mapped);
}

fn mapped(specimen: &str) {
    let (image, store) = (image(specimen), Store::new());
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let space = kernel.space();
    let tasks = kernel.tasks().value;
    let init = tasks.iter().find(|task| task.pid == 1).unwrap();
    let mm = field(&kernel, "struct task_struct", "mm")
        .pointer(space, init.address)
        .unwrap();
    let tree = field(&kernel, "struct mm_struct", "mm_mt").at(mm);
    let maple = MapleTree::new(&kernel.types()).unwrap();
    let mut budget = Budget::new("nodes", 1000);
    let found = maple.walk(space, tree, "its memory", &mut budget);
    assert_eq!(found.gaps, []);
    let (start, end) = (
        field(&kernel, "struct vm_area_struct", "vm_start"),
        field(&kernel, "struct vm_area_struct", "vm_end"),
    );
    let mut ours = Vec::new();
    for entry in &found.value {
        let area = VirtAddr(entry.held);
        let (start, end) = (
            start.read(space, area).unwrap(),
            end.read(space, area).unwrap(),
        );
        // The tree and the area tell the same range.
        assert_eq!((entry.first, entry.last), (start, end - 1));
        ours.push((start, end));
    }
    let lines = said(specimen, "maps")
        .into_iter()
        .filter(|line| !line.ends_with("[vsyscall]"));
    let told = lines.map(|line| {
        let (range, _) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        (hex(start), hex(end))
    });
    assert_eq!(ours, told.collect::<Vec<_>>());
    assert!(ours.len() >= 8, "{ours:x?}");
}

#[test]
fn the_numbers_of_processes_are_those_in_proc() {
    each(numbers);
}

fn numbers(specimen: &str) {
    let (image, store) = (image(specimen), Store::new());
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let (namespace, _) = kernel.global("init_pid_ns").unwrap();
    let at = field(&kernel, "struct pid_namespace", "idr").at(namespace);
    let idr = Idr::new(&kernel.types()).unwrap();
    let found = idr.walk(
        kernel.space(),
        at,
        "numbers",
        &mut Budget::new("nodes", 100),
    );
    assert_eq!(found.gaps, []);
    assert!(
        found
            .value
            .iter()
            .all(|(_, held)| matches!(held, Held::Pointer(_)))
    );
    let ours: BTreeSet<u64> = found.value.iter().map(|(number, _)| *number).collect();
    let told: BTreeSet<u64> = said(specimen, "pids")
        .iter()
        .filter_map(|line| line.parse().ok())
        .collect();
    // `ls` itself is gone; `provoke` has come.
    let gone = told.difference(&ours).count();
    assert!(
        told.len() > 40 && gone <= 1,
        "{gone} of {told:?} are gone: {ours:?}"
    );
    assert!(ours.difference(&told).count() <= 6, "{ours:?} {told:?}");
}

#[test]
fn pages_are_for_what_the_kernel_said() {
    each(pages);
}

fn pages(specimen: &str) {
    const SLAB: u64 = 1 << 7;
    const FREE: u64 = 1 << 10;
    const TAIL: u64 = 1 << 16;
    const RESERVED: u64 = 1 << 32;
    let (image, store) = (image(specimen), Store::new());
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let mut told = Vec::new();
    for line in said(specimen, "kpageflags") {
        let (count, flags) = line.trim().split_once("  ").unwrap();
        told.resize(told.len() + count.parse::<usize>().unwrap(), hex(flags));
    }
    assert_eq!(told.len(), 8192);
    let (mut other, mut seen) = (0, BTreeMap::new());
    for (pfn, told) in (0..).zip(told) {
        let page = kernel.page(pfn).unwrap();
        let ours = match page.kind {
            PageKind::Slab(_) => "slab",
            PageKind::Free { .. } => "free",
            PageKind::Reserved => "reserved",
            _ => "other",
        };
        // The flag is that of the first page of a slab.
        let theirs = match told {
            told if told & FREE != 0 => "free",
            told if told & SLAB != 0 => "slab",
            told if told & RESERVED != 0 => "reserved",
            told if told & TAIL != 0 && ours == "slab" => "slab",
            _ => "other",
        };
        *seen.entry(theirs).or_insert(0) += 1;
        other += u32::from(ours != theirs || (told & TAIL != 0) != page.head.is_some());
    }
    for (kind, least) in [
        ("slab", 1000),
        ("free", 3000),
        ("other", 500),
        ("reserved", 50),
    ] {
        assert!(
            seen.get(kind).is_some_and(|count| *count >= least),
            "{seen:?}"
        );
    }
    // The commands that said so took and gave back some.
    assert!(other <= 120, "{other} pages are others: {seen:?}");
}

#[test]
fn areas_of_vmalloc_are_those_that_the_kernel_said() {
    each(areas);
}

fn areas(specimen: &str) {
    let (image, store) = (image(specimen), Store::new());
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let areas = kernel.vmalloc_areas();
    assert_eq!(areas.gaps, []);
    let identifier = kernel.identifier();
    let (mut same, mut named, mut told) = (0, 0, 0);
    for line in said(specimen, "vmallocinfo") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = words[0].split_once('-').unwrap();
        let (start, end) = (VirtAddr(hex(start)), VirtAddr(hex(end)));
        told += 1;
        let area = kernel.vmalloc_area_at(start);
        let area = area.filter(|area| (area.start, area.end) == (start, end));
        let Some(area) = area else {
            // Stacks go with the commands that have ended since, and what was given back already.
            let caller = words.get(2).and_then(|word| word.split('+').next());
            let may_go = |caller: &str| STACKS.contains(&caller) || caller == "unpurged";
            assert!(caller.is_some_and(may_go), "{line}");
            continue;
        };
        same += 1;
        let Some(owner) = area.owner else { continue };
        let pages = words.iter().find_map(|word| word.strip_prefix("pages="));
        let pages = pages.map_or(0, |pages| pages.parse().unwrap());
        let physical = words.iter().find_map(|word| word.strip_prefix("phys="));
        let caller = kernel.name(owner.caller).map(|name| name.symbol);
        let is_said = words
            .get(2)
            .is_some_and(|word| word.split('+').next() == caller.as_deref());
        assert_eq!(owner.physical, physical.map_or(0, hex), "{line}");
        let is = identifier.identify(start).value;
        let is_area =
            |is: &AddressIs| matches!(is, AddressIs::Vmalloc { area: found, .. } if found == area);
        assert!(is.iter().any(is_area), "{line}: {is:?}");
        named += u32::from(is_said && owner.pages == pages);
    }
    assert!(
        told > 50 && 4 * same > 3 * told && named + 4 >= same,
        "{told} {same} {named}"
    );
}

/// Who asks for the stacks of tasks.
const STACKS: &[&str] = &["kernel_clone", "copy_process", "dup_task_struct"];

#[test]
fn slab_caches_are_those_that_the_kernel_said() {
    each(caches);
}

fn caches(specimen: &str) {
    let (image, store) = (image(specimen), Store::new());
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let slabs = kernel.slabs();
    assert_eq!(slabs.gaps, []);
    let slabs = &slabs.value;
    let (mut told, mut same) = (0, 0);
    for line in said(specimen, "slabinfo") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(number) = words.get(1).and_then(|word| word.parse::<u64>().ok()) else {
            continue;
        };
        let all = |place: usize| words[place].parse::<u64>().unwrap();
        let cache = slabs.named(words[0]).unwrap();
        let objects = slabs.objects(cache).count() as u64;
        let allocated = slabs.objects(cache);
        let allocated = allocated.filter(|(_, state)| *state == ObjectState::Allocated);
        let allocated = allocated.count() as u64;
        told += 1;
        assert_eq!(cache.size, all(3), "{line}");
        // What a CPU keeps for itself counts as in use there; a few slabs come and go.
        let few = 4 * all(4);
        assert!(objects.abs_diff(all(2)) <= few, "{line}: {objects}");
        assert!(allocated <= number + few, "{line}: {allocated}");
        same += u32::from(objects == all(2));
    }
    assert_eq!(told, slabs.caches().len());
    assert!(
        told > 100 && same as usize * 10 >= told * 9,
        "{same} of {told}"
    );
}

#[test]
fn the_tasks_that_want_to_run_are_those_of_the_story() {
    let specimen = OLD;
    let (image, store) = (image(specimen), Store::new());
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let queues = kernel.run_queues();
    assert_eq!((queues.gaps, queues.value.len()), (vec![], 2));
    let first = &queues.value[0];
    let name = |task: &VirtAddr| kernel.task(*task).unwrap().comm;
    let fair = first
        .fair
        .iter()
        .filter(|task| name(task) == "queues")
        .count();
    let real_time: Vec<_> = first
        .real_time
        .iter()
        .map(|(at, task)| (*at, name(task)))
        .collect();
    assert_eq!(fair, 2);
    assert_eq!(
        real_time,
        [(79, "queues".to_owned()), (89, "queues".to_owned())]
    );
    for queue in &queues.value {
        let queued = queue.fair.len() + queue.real_time.len() + queue.deadline.len();
        assert_eq!(queue.running, queued as u64, "{queue:?}");
    }
    // CPU 1 ran the task that died.
    assert_eq!(name(&queues.value[1].current), "provoke");
}

/// A dump, some words of which are others.
struct Patched<'i> {
    image: &'i Image,
    words: BTreeMap<u64, u64>,
}

impl Memory for Patched<'_> {
    fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
        self.image.read_physical(address, into)?;
        for (at, byte) in (address.0..).zip(into.iter_mut()) {
            if let Some(word) = self.words.get(&(at & !7)) {
                *byte = word.to_le_bytes()[(at & 7) as usize];
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

all_but_memory!(Patched);

#[test]
fn a_list_of_free_objects_that_was_overwritten_costs_its_slab_alone() {
    each(overwritten);
}

fn overwritten(specimen: &str) {
    let (image, store) = (image(specimen), Store::new());
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let sound = &kernel.slabs().value;
    // A partial slab of which much is free, and a free object of it whose pointer leads to another one.
    let partial = sound.slabs().iter().filter(|slab| {
        let is_partial = matches!(slab.place, SlabPlace::Partial(_) | SlabPlace::CpuPartial(_));
        is_partial && slab.free_count() < slab.objects
    });
    // What is in a sheaf is in use for its slab.
    let slab = partial
        .max_by_key(|slab| slab.objects - slab.in_use)
        .unwrap();
    let cache = sound.cache(slab.cache).unwrap();
    assert!(slab.objects - slab.in_use >= 4, "{}", slab.in_use);
    let head = kernel
        .types()
        .layout("struct slab")
        .unwrap()
        .any(&["freelist"])
        .unwrap();
    let first = head.pointer(kernel.space(), slab.address).unwrap();
    let physical = |at: u64| kernel.space().translate(VirtAddr(at)).unwrap().0.0;
    let place = physical(first.0 + cache.free_pointer);
    let list = physical(head.at(slab.address).0);
    // The pointer in the first free object; then the one to it, which leads to what is allocated, into the middle of
    // an object, and to another slab's memory.
    let allocated = slab
        .each(cache)
        .find(|(_, state)| *state == ObjectState::Allocated);
    let words = [
        (place & !7, 0x6b6b_6b6b_6b6b_6b6b),
        (list, allocated.unwrap().0.0),
        (list, first.0 + 1),
        (list, slab.start.0.wrapping_sub(4096)),
    ];
    for word in words {
        let patched = Patched {
            image: &image,
            words: BTreeMap::from([word]),
        };
        let store = Store::new();
        let kernel = Kernel::open(&patched, &store).unwrap().value;
        let found = kernel.slabs();
        let told: Vec<_> = found.gaps.iter().map(|gap| gap.what.clone()).collect();
        let wanted = format!(
            "free objects of the slab at {} of {}",
            slab.address, cache.name
        );
        assert_eq!(told, [wanted], "{word:x?}: {:?}", found.gaps);
        let (mut unknown, mut others) = (0, 0);
        for (one, other) in found.value.slabs().iter().zip(sound.slabs()) {
            if one.start == slab.start {
                assert!(!one.is_whole);
                let states = one.each(cache);
                unknown += states
                    .filter(|(_, state)| *state == ObjectState::Unknown)
                    .count();
            } else {
                assert_eq!(one, other);
                others += 1;
            }
        }
        assert_eq!(others + 1, sound.slabs().len());
        assert!(unknown > 0, "{word:x?}");
        // An object of it is told as what it is: not known.
        let object = found.value.object_at(slab.start).unwrap();
        assert!(object.state != ObjectState::Allocated, "{word:x?}");
    }
}
