//! One page of a real dump is damaged, a thousand times another one: `cargo xtask lab dump-panic && cargo test --release
//! -p os --test damage`. What is asked of the memory is counted, and what is said with a page absent must be what is
//! said without.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "tests may fail loudly"
)]

#[macro_use]
#[path = "common/over.rs"]
mod over;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Memory, PhysAddr, ReadError};
use debuginfo::Store;
use image::Image;
use os::linux::Kernel;

const PAGE: u64 = 4096;
const ROUNDS: u64 = 1000;

/// What is done to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// As in a dump that was filtered.
    Absent,
    Zeroes,
    Ones,
    /// Another page of the same dump.
    Another(u64),
    Noise(u64),
    /// One bit, at this place of the page.
    Bit(u64),
}

/// A dump with one page damaged, which counts the bytes that are asked for.
struct Damaged<'i> {
    image: &'i Image,
    page: u64,
    damage: Option<Damage>,
    bytes: AtomicU64,
    /// The pages that were asked for, where that is of interest.
    pages: Option<Mutex<BTreeSet<u64>>>,
}

/// A number that follows from two others in no order that anybody would guess.
fn mix(seed: u64, at: u64) -> u64 {
    let mut word =
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ at.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^= word >> 29;
    word = word.wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 32
}

impl Damaged<'_> {
    fn touches(&self, start: u64, size: u64) -> bool {
        let page = self.page * PAGE;
        self.damage.is_some() && start < page + PAGE && start.saturating_add(size) > page
    }

    fn count(&self, start: u64, size: u64) {
        self.bytes.fetch_add(size, Ordering::Relaxed);
        if let Some(pages) = &self.pages {
            let last = start.saturating_add(size.saturating_sub(1)) / PAGE;
            pages.lock().unwrap().extend(start / PAGE..=last);
        }
    }

    fn damaged(&self, at: u64, byte: u8) -> u8 {
        let within = at % PAGE;
        match self.damage {
            _ if at / PAGE != self.page => byte,
            Some(Damage::Zeroes) => 0,
            Some(Damage::Ones) => 0xff,
            Some(Damage::Another(page)) => {
                let mut other = [0];
                let read = self
                    .image
                    .read_physical(PhysAddr(page * PAGE + within), &mut other);
                read.map_or(0, |()| other[0])
            }
            Some(Damage::Noise(seed)) => (mix(seed, at >> 3) >> (8 * (at & 7))) as u8,
            Some(Damage::Bit(bit)) if bit / 8 == within => byte ^ 1 << (bit % 8),
            _ => byte,
        }
    }
}

impl Memory for Damaged<'_> {
    fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
        self.count(address.0, into.len() as u64);
        let is_touched = self.touches(address.0, into.len() as u64);
        if is_touched && self.damage == Some(Damage::Absent) {
            return Err(ReadError::Filtered(address));
        }
        self.image.read_physical(address, into)?;
        if is_touched {
            for (at, byte) in (address.0..).zip(into.iter_mut()) {
                *byte = self.damaged(at, *byte);
            }
        }
        Ok(())
    }

    fn physical_bytes(&self, address: PhysAddr, size: usize) -> Option<&[u8]> {
        if self.touches(address.0, size as u64) {
            return None;
        }
        self.count(address.0, size as u64);
        self.image.physical_bytes(address, size)
    }

    fn physical_ranges(&self) -> Vec<Range<u64>> {
        self.image.physical_ranges()
    }

    fn visit_physical(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(PhysAddr, &[u8]) -> ControlFlow<()>,
    ) -> u64 {
        let mut absent = 0;
        let mut goes_on = true;
        for start in (range.start..range.end).step_by(PAGE as usize) {
            let size = (range.end - start).min(PAGE);
            let mut page = [0; PAGE as usize];
            let piece = page.get_mut(..size as usize).unwrap();
            match self.read_physical(PhysAddr(start), piece) {
                Ok(()) => goes_on = visit(PhysAddr(start), piece).is_continue(),
                Err(_) => absent += size,
            }
            if !goes_on {
                break;
            }
        }
        absent
    }
}

all_but_memory!(Damaged);

/// What is said of a dump.
#[derive(Default)]
struct Said {
    /// Of each task, by its address: number, name, and the addresses of its stack's frames that are no guesses.
    tasks: BTreeMap<u64, (u32, String, Vec<u64>)>,
    /// Whole lines of the log.
    lines: BTreeSet<String>,
    gaps: usize,
    /// Of all memory, in bytes.
    asked: u64,
    walks: u64,
}

fn ask(dump: &Damaged<'_>) -> Said {
    let store = Store::new();
    let mut said = Said::default();
    match Kernel::open(dump, &store) {
        Err(_) => said.gaps += 1,
        Ok(opened) => {
            let kernel = opened.value;
            let tasks = kernel.tasks();
            said.gaps += opened.gaps.len() + tasks.gaps.len();
            for task in &tasks.value {
                let stack = kernel.stack(task);
                let frames = stack.as_ref().map(|stack| {
                    // A guess says of itself that something is missing.
                    let is_guess = stack.frames.iter().any(|frame| frame.is_guess);
                    let is_lost = matches!(stack.end, unwind::End::Lost(_));
                    said.gaps += usize::from(is_lost || is_guess);
                    let sure = stack.frames.iter().take_while(|frame| !frame.is_guess);
                    sure.map(|frame| frame.pc.0).collect()
                });
                said.gaps += usize::from(frames.is_err());
                let told = (task.pid, task.comm.clone(), frames.unwrap_or_default());
                said.tasks.insert(task.address.0, told);
            }
            let log = kernel.log_text();
            said.lines = log.value.lines().map(str::to_owned).collect();
            said.gaps += log.gaps.len() + kernel.modules().gaps.len();
            said.gaps += kernel.all_types().map_or(1, |(_, gaps)| gaps.len());
            let _ = (kernel.banner(), kernel.vmcoreinfo(), kernel.panic_task());
            said.walks = kernel.space().walks();
        }
    }
    said.asked = dump.bytes.load(Ordering::Relaxed);
    said
}

fn dump() -> Image {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../../target/lab/dump-panic/vmcore.elf");
    let bytes = std::fs::read(path).expect("run 'cargo xtask lab dump-panic' first");
    Image::open(Box::new(bytes)).unwrap()
}

#[test]
fn a_thousand_damaged_pages() {
    let image = dump();
    let whole = Damaged {
        image: &image,
        page: 0,
        damage: None,
        bytes: AtomicU64::new(0),
        pages: Some(Mutex::default()),
    };
    let clean = ask(&whole);
    assert_eq!(clean.gaps, 0);
    assert!(clean.tasks.len() > 40 && clean.lines.len() > 300);
    // Damage elsewhere changes nothing: each page is one that is read.
    let pages: Vec<u64> = whole
        .pages
        .unwrap()
        .into_inner()
        .unwrap()
        .into_iter()
        .collect();
    let ranges = image.physical_ranges();
    let memory: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let (mut most_asked, mut most_walks, mut changed, mut gaps) = (0, 0, 0, 0);
    for round in 0..ROUNDS {
        let pick = |salt| pages[(mix(round, salt) % pages.len() as u64) as usize];
        let damage = match round % 6 {
            0 => Damage::Absent,
            1 => Damage::Zeroes,
            2 => Damage::Ones,
            3 => Damage::Another(pick(1)),
            4 => Damage::Noise(round),
            _ => Damage::Bit(mix(round, 2) % (8 * PAGE)),
        };
        let page = pick(0);
        let dump = Damaged {
            image: &image,
            page,
            damage: Some(damage),
            bytes: AtomicU64::new(0),
            pages: None,
        };
        let said = ask(&dump);
        let what = format!("round {round}, {damage:?} at page {page:#x}");
        most_asked = most_asked.max(said.asked);
        most_walks = most_walks.max(said.walks);
        changed += usize::from(said.tasks != clean.tasks || said.lines != clean.lines);
        gaps += said.gaps;
        assert!(
            said.asked <= clean.asked + MOST_SEARCHES * memory,
            "{what}: {} bytes",
            said.asked
        );
        assert!(
            said.walks <= clean.walks + memory / PAGE,
            "{what}: {} walks",
            said.walks
        );
        if damage == Damage::Absent {
            only_less(&clean, &said, &what);
        }
    }
    println!(
        "{ROUNDS} rounds over {} pages: {changed} said something else, {gaps} gaps; at most {most_asked} bytes asked for \
         ({} of {memory} unharmed), {most_walks} walks ({} unharmed)",
        pages.len(),
        clean.asked,
        clean.walks
    );
    assert!(changed > 0 && gaps > 0);
}

/// How often all memory may be looked through where what tells the way is damaged.
const MOST_SEARCHES: u64 = 4;

/// Of a page that is absent it is known that it is: less may be said, nothing else, and that it is less is told.
fn only_less(clean: &Said, said: &Said, what: &str) {
    let mut less = said.tasks.len() < clean.tasks.len() || said.lines.len() < clean.lines.len();
    for (address, (pid, comm, frames)) in &said.tasks {
        let known = clean.tasks.get(address);
        let known = known.unwrap_or_else(|| panic!("{what}: a task at {address:#x} that is none"));
        assert_eq!((*pid, comm), (known.0, &known.1), "{what}");
        assert!(
            known.2.starts_with(frames),
            "{what}: {comm} {frames:x?}, {:x?}",
            known.2
        );
        less |= frames.len() < known.2.len();
    }
    let others: Vec<&String> = said.lines.difference(&clean.lines).collect();
    assert!(others.is_empty(), "{what}: {others:?}");
    assert!(
        !less || said.gaps > 0,
        "{what}: less is said, and not that it is"
    );
}
