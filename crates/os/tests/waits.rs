//! Who waits for what, and who must bring it about, in dumps of which the stories are known: `cargo xtask lab hang-waits
//! hang-waits-newest && cargo test -p os --test waits`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests may fail loudly"
)]

#[macro_use]
#[path = "common/over.rs"]
mod over;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Memory, Mode, PhysAddr, ReadError, Target, WaitFacts};
use debuginfo::Store;
use image::Image;
use os::linux::Kernel;

/// The second one's guest hangs before its dump now and then, on a machine with little time: it is held against its
/// story where its dump lies.
const SPECIMENS: [&str; 2] = ["hang-waits", "hang-waits-newest"];
const PAGE: u64 = 4096;

fn dump(specimen: &str) -> PathBuf {
    let lab = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/lab");
    lab.join(specimen).join("vmcore.elf")
}

fn image(specimen: &str) -> Image {
    let bytes = std::fs::read(dump(specimen));
    let bytes = bytes.expect("run 'cargo xtask lab hang-waits hang-waits-newest' first");
    Image::open(Box::new(bytes)).unwrap()
}

fn facts(target: &dyn Target) -> Option<WaitFacts> {
    let store = Store::new();
    let opened = Kernel::open(target, &store).ok()?;
    Some(opened.value.wait_facts())
}

/// A thread, the kind of what it waits for, how it wants it, and who has that: names, a `?` behind those that may not.
type Told<'f> = (&'f str, &'f str, Mode, BTreeSet<String>);

fn told(facts: &WaitFacts) -> Vec<Told<'_>> {
    let name = |place: u32| facts.threads[place as usize].thread.comm.as_str();
    let waits = facts.waits.iter().map(|wait| {
        let holds = facts.holds.iter();
        let holds = holds.filter(|hold| hold.resource == wait.resource);
        let holders = holds.map(|hold| {
            let sure = if hold.is_certain { "" } else { "?" };
            // What a worker is called after its number says which work it had last.
            let name = name(hold.thread).split(['/', '+']).next().unwrap();
            format!("{name}{sure}")
        });
        let kind = facts.resources[wait.resource as usize].kind.as_str();
        (name(wait.thread), kind, wait.mode, holders.collect())
    });
    waits.collect()
}

#[test]
fn each_thread_waits_for_what_the_story_says() {
    let there = |specimen: &&str| *specimen == SPECIMENS[0] || dump(specimen).exists();
    for specimen in SPECIMENS.into_iter().filter(there) {
        let image = image(specimen);
        let facts = facts(&image).unwrap();
        // Of what a CPU spins for in the moment of the dump little is in memory.
        let gaps = facts.gaps.iter();
        let gaps: Vec<_> = gaps
            .filter(|gap| !gap.what.starts_with("which spinlock "))
            .collect();
        assert!(gaps.is_empty(), "{specimen}: {gaps:?}");
        assert!(
            facts.oddities.is_empty(),
            "{specimen}: {:?}",
            facts.oddities
        );
        let told = told(&facts);
        for (thread, kind, mode, holders) in [
            ("w-completion", "completion", Mode::Event, &[][..]),
            ("w-flush", "work", Mode::Event, &["kworker"]),
            ("w-flush-pend", "work", Mode::Event, &["kworker"]),
            ("w-cancel", "work", Mode::Event, &["kworker"]),
            ("w-late", "work", Mode::Event, &["kworker"]),
            ("w-flushq", "workqueue", Mode::Event, &["kworker"]),
            ("w-drain", "workqueue", Mode::Event, &["kworker"]),
            ("w-stop", "kthread_exit", Mode::Event, &["stubborn"]),
            ("w-event", "wait_queue", Mode::Event, &[]),
            ("w-bit", "bit_wait", Mode::Event, &[]),
            ("w-page", "folio_lock", Mode::Event, &[]),
            ("w-writeback", "folio_writeback", Mode::Event, &[]),
            ("w-srcu", "srcu_grace_period", Mode::Event, &[]),
            ("ftx-ab", "futex", Mode::Exclusive, &["ftx-ba"]),
            ("ftx-ba", "futex", Mode::Exclusive, &["ftx-ab"]),
            ("pi-waiter", "futex", Mode::Exclusive, &["pi-holder"]),
            ("cond", "futex", Mode::Event, &[]),
            ("vparent", "vfork_child", Mode::Event, &["vchild"]),
            (
                "w-exp",
                "rcu_grace_period",
                Mode::Event,
                &["rcu-sleeper", "rcu-spin"],
            ),
        ] {
            let holders: BTreeSet<String> = holders.iter().map(ToString::to_string).collect();
            let of: Vec<_> = told.iter().filter(|found| found.0 == thread).collect();
            assert_eq!(of, [&(thread, kind, mode, holders)], "{specimen}: {thread}");
        }
        // The grace period may have begun before the second reader did.
        for (thread, first) in [("w-sync", "rcu-sleeper"), ("w-barrier", "rcu-sleeper?")] {
            let of = told.iter().find(|found| found.0 == thread).unwrap();
            assert_eq!(of.1, "rcu_grace_period", "{specimen}: {thread}");
            assert!(of.3.contains(first), "{specimen}: {of:?}");
            let known = ["rcu-sleeper", "rcu-spin"];
            let is_known = |name: &String| known.contains(&name.trim_end_matches('?'));
            assert!(of.3.iter().all(is_known), "{specimen}: {of:?}");
        }
        // Who calls the CPU that has its interrupts off waits for what runs there; nobody may have called by then.
        for call in told.iter().filter(|found| found.1 == "csd") {
            assert!(call.3.contains("off-spin"), "{specimen}: {call:?}");
        }
        // Who has nothing to do does not wait, and who sleeps for a time does not either.
        for thread in [
            "w-idle",
            "stubborn",
            "srcu-reader",
            "rcu-sleeper",
            "kthreadd",
            "vchild",
        ] {
            assert!(
                !told.iter().any(|found| found.0 == thread),
                "{specimen}: {thread}"
            );
        }
        let named = |kind: &str, name: &str| {
            let mut all = facts.resources.iter();
            all.any(|of| of.kind == kind && of.name.as_deref() == Some(name))
        };
        assert!(named("work", "stuck [whywait]") && named("work", "quick [whywait]"));
        assert!(named("workqueue", "narrow") && named("workqueue", "dying"));
        // One work of the queue suffices for the next to begin; a flush needs all that were before.
        let pending = facts.resources.iter();
        let pending: Vec<_> = pending
            .filter(|of| of.kind == "work" && of.any_suffices)
            .map(|of| of.name.as_deref())
            .collect();
        assert_eq!(pending, [Some("quick [whywait]")], "{specimen}");
    }
}

/// What is done to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// As in a dump that was filtered.
    Absent,
    Zeroes,
    /// Each pointer leads one word too far.
    Shifted,
}

/// A dump with one page damaged, which counts what is asked for.
struct Damaged<'i> {
    image: &'i Image,
    damage: Option<(u64, Damage)>,
    reads: AtomicU64,
    pages: Mutex<BTreeSet<u64>>,
}

impl Memory for Damaged<'_> {
    fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let end = address.0 + into.len() as u64;
        self.image.read_physical(address, into)?;
        match self.damage {
            None => {
                let pages = address.0 / PAGE..end.div_ceil(PAGE);
                self.pages.lock().unwrap().extend(pages);
            }
            Some((page, damage)) if address.0 < (page + 1) * PAGE && end > page * PAGE => {
                for (at, byte) in (address.0..).zip(into) {
                    match damage {
                        _ if at / PAGE != page => {}
                        Damage::Absent => return Err(ReadError::Filtered(address)),
                        Damage::Zeroes => *byte = 0,
                        Damage::Shifted if at % 8 == 0 => *byte = byte.wrapping_add(8),
                        Damage::Shifted => {}
                    }
                }
            }
            Some(_) => {}
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

all_but_memory!(Damaged);

/// Pages that are damaged, of all that are read; each in each way.
const ROUNDS: u64 = 60;

#[test]
fn a_page_that_is_damaged_accuses_nobody() {
    let image = image(SPECIMENS[0]);
    let damaged = |damage| Damaged {
        image: &image,
        damage,
        reads: AtomicU64::new(0),
        pages: Mutex::default(),
    };
    let whole = damaged(None);
    let clean = facts(&whole).unwrap();
    let clean: Vec<_> = told(&clean);
    let (reads, pages) = (whole.reads.into_inner(), whole.pages.into_inner().unwrap());
    let pages: Vec<u64> = pages.into_iter().collect();
    let ranges = image.physical_ranges();
    let memory: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let (mut less, mut most) = (0, 0);
    for round in 0..ROUNDS {
        // No order that anybody would guess.
        let place = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) % pages.len() as u64;
        let page = pages[place as usize];
        for damage in [Damage::Absent, Damage::Zeroes, Damage::Shifted] {
            let dump = damaged(Some((page, damage)));
            let found = facts(&dump);
            let asked = dump.reads.load(Ordering::Relaxed);
            most = most.max(asked);
            // Where what leads to the kernel is damaged all memory may be looked through.
            let limit = 20 * reads + 8 * memory / PAGE;
            assert!(asked < limit, "{damage:?} {page:#x}: {asked} reads");
            let Some(found) = found.filter(|_| damage == Damage::Absent) else {
                continue;
            };
            // What is not there makes nobody a holder who is none.
            let found = told(&found);
            less += usize::from(found != clean);
            for (thread, kind, _, holders) in &found {
                let of = clean.iter().filter(|of| of.0 == *thread);
                for holder in holders {
                    // A futex with priority inheritance is made of an rt_mutex, which is told where the other cannot be.
                    let is_of = |of: &str| of == *kind || of == "futex" && *kind == "rt_mutex";
                    let mut of = of.clone().filter(|of| is_of(of.1));
                    let holder = holder.trim_end_matches('?');
                    assert!(
                        of.any(|of| of
                            .3
                            .iter()
                            .any(|known| known.trim_end_matches('?') == holder)),
                        "{page:#x}: {thread} waits for {kind}, which {holder} has"
                    );
                }
            }
        }
    }
    println!(
        "{ROUNDS} of {} pages: {less} absent ones tell less, at most {most} reads ({reads} unharmed)",
        pages.len()
    );
    assert!(less > 0);
}
