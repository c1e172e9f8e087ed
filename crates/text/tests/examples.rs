//! The logs of `examples/`: what a real kernel printed when it really failed,
//! and the events that its story says are in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

use base::LogEvent;
use serde::Deserialize;
use text::LogReader;

/// An event as the specimen's story expects it.
#[derive(Deserialize)]
struct Expected {
    kind: String,
    title: String,
    crash: bool,
    function: Option<String>,
    process: Option<String>,
    cpu: Option<u32>,
    panic: Option<String>,
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut logs: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    assert!(logs.len() >= 12, "the examples are missing");
    logs
}

fn read(log: &[u8], block: usize) -> Vec<LogEvent> {
    let mut events = Vec::new();
    let mut reader = LogReader::new(0);
    for bytes in log.chunks(block) {
        reader.feed(bytes, &mut |event| events.push(event));
    }
    reader.finish(&mut |event| events.push(event));
    events.sort_by_key(|event| event.span);
    events
}

/// Whether the function stands in the event's registers, traces or details.
fn names(event: &LogEvent, function: &str) -> bool {
    let counters = event.registers.iter().flat_map(|set| &set.pc);
    let frames = event.traces.iter().flat_map(|trace| &trace.frames);
    let mut functions = counters
        .chain(frames)
        .filter_map(|frame| frame.function.as_deref());
    functions.any(|name| name.split('.').next() == Some(function))
        || event
            .details
            .iter()
            .any(|detail| detail.value.contains(function))
        || event.title.contains(function)
}

#[test]
fn every_example_tells_its_story() {
    let mut kinds = std::collections::BTreeSet::new();
    for path in examples() {
        let expected: Vec<Expected> =
            serde_json::from_slice(&std::fs::read(path.with_extension("expected.json")).unwrap())
                .unwrap();
        let log = std::fs::read(&path).unwrap();
        let events = read(&log, usize::MAX);
        let name = path.display();
        let got: Vec<&str> = events.iter().map(|event| event.title.as_str()).collect();
        let wanted: Vec<&str> = expected.iter().map(|event| event.title.as_str()).collect();
        assert_eq!(got, wanted, "{name}");
        for (event, expected) in events.iter().zip(&expected) {
            assert_eq!(event.kind, expected.kind, "{name}");
            assert_eq!(event.crash, expected.crash, "{name}: {}", event.title);
            assert_eq!(event.panic, expected.panic, "{name}: {}", event.title);
            assert_eq!(event.corrupted, None, "{name}: {}", event.title);
            // The guilty function is known from the story; a log need not show it.
            let log = String::from_utf8_lossy(&log);
            let told = expected
                .function
                .as_ref()
                .filter(|name| log.contains(&format!("{name}+0x")));
            if let Some(function) = told {
                // A hang is the fault of a task that another report shows.
                let shown = names(event, function)
                    || event.kind == "hung_task"
                        && events.iter().any(|event| names(event, function));
                assert!(shown, "{name}: {} does not show {function}", event.title);
            }
            if expected.process.is_some() {
                assert_eq!(event.task.comm, expected.process, "{name}: {}", event.title);
            }
            if expected.cpu.is_some() {
                assert_eq!(event.task.cpu, expected.cpu, "{name}: {}", event.title);
            }
            kinds.insert(event.kind.clone());
        }
    }
    println!("{} kinds: {kinds:?}", kinds.len());
    assert!(kinds.len() >= 12);
}

#[test]
fn the_size_of_the_blocks_does_not_matter() {
    for path in examples() {
        let log = std::fs::read(&path).unwrap();
        let whole = read(&log, usize::MAX);
        for block in [1, 7, 64, 1000, 4096] {
            assert_eq!(
                read(&log, block),
                whole,
                "{} in blocks of {block}",
                path.display()
            );
        }
    }
}

#[test]
fn two_events_of_the_bonding_story_are_told_apart() {
    let log = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lab/cases/bonding-rlb-oops.mips64.log"),
    )
    .unwrap();
    let events = read(&log, usize::MAX);
    let titles: Vec<&str> = events.iter().map(|event| event.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "BUG: unable to handle kernel paging request in rlb_arp_recv",
            "NMI watchdog interrupt"
        ]
    );
    let oops = &events[0];
    assert_eq!(oops.machine.arch.as_deref(), Some("mips64"));
    assert_eq!(oops.panic.as_deref(), Some("Fatal exception in interrupt"));
    assert_eq!(oops.registers[0].get("s1"), Some(0x300));
    assert_eq!(oops.registers[0].get("s2"), Some(0xa800_0000_012d_1600));
    assert_eq!(
        oops.fault.as_ref().and_then(|fault| fault.address),
        Some(base::VirtAddr(0x318))
    );
    let code = oops.code.as_ref().unwrap();
    assert_eq!(code.units.len(), 9);
    assert_eq!(code.units[code.marked.unwrap() as usize].value, 0x9223_0018);
    assert_eq!(oops.stack_words.len(), 40);
    assert_eq!(oops.traces[0].frames.len(), 15);
    assert_eq!(oops.task.comm.as_deref(), Some("swapper"));
    assert_eq!(oops.machine.taint.as_deref(), Some("P"));
    assert_eq!(oops.modules.len(), 16);
    let nmi = &events[1];
    assert_eq!(nmi.registers[0].get("sp"), Some(0xa800_0000_310f_fb10));
}
