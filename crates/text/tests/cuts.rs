//! A log may end anywhere: every example is cut at every byte.
//!
//! The reader is a stream, so a cut is what a clone of it says when it is
//! told that the log ends here; one pass over a log tries all its cuts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use base::LogEvent;
use text::LogReader;

fn logs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut logs = Vec::new();
    for folder in ["examples", "lab/cases"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        logs.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "log" || extension == "txt")
        }));
    }
    logs.sort();
    assert!(logs.len() >= 16, "the examples are missing");
    logs
}

/// What must hold of the events of any cut.
fn check(path: &Path, cut: usize, events: &[LogEvent], lines: u64) {
    for event in events {
        let at = || format!("{} cut after {cut} bytes: {}", path.display(), event.title);
        assert!(!event.title.is_empty(), "{}", at());
        assert!(event.title.len() <= 120, "{}", at());
        assert!(
            1 <= event.span.start && event.span.start <= event.span.end,
            "{}",
            at()
        );
        assert!(event.span.end <= lines, "{}", at());
        assert!(event.registers.len() <= 8, "{}", at());
        assert!(event.modules.len() <= 512, "{}", at());
        let text = event.title.chars().chain(event.headline.chars());
        assert!(text.into_iter().all(|c| !c.is_control()), "{}", at());
    }
}

fn cut_everywhere(path: &Path) -> usize {
    let log = std::fs::read(path).unwrap();
    let mut reader = LogReader::new(0);
    let mut ended: Vec<LogEvent> = Vec::new();
    let mut lines = 1;
    for (at, byte) in log.iter().enumerate() {
        reader.feed(std::slice::from_ref(byte), &mut |event| ended.push(event));
        lines += u64::from(*byte == b'\n');
        let mut events = Vec::new();
        let summary = reader.clone().finish(&mut |event| events.push(event));
        assert!(summary.bytes == at as u64 + 1);
        check(path, at + 1, &events, lines);
    }
    check(path, log.len(), &ended, lines);
    log.len()
}

#[test]
fn every_example_can_end_at_every_byte() {
    let logs = logs();
    let next = AtomicUsize::new(0);
    let cuts = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(path) = logs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    cuts.fetch_add(cut_everywhere(path), Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} logs, {} cuts", logs.len(), cuts.into_inner());
}
