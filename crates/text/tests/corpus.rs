//! Titles, classes and frames over the corpus of others' logs, where there is one.
//!
//! The corpus is not part of this repository: `WHY_CORPUS` names its folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

use base::LogEvent;
use text::LogReader;

/// What the head of a corpus file says.
#[derive(Default)]
struct Expected {
    title: Option<String>,
    alt: Vec<String>,
    class: Option<String>,
    frame: Option<String>,
    corrupted: bool,
}

fn folder() -> PathBuf {
    match std::env::var_os("WHY_CORPUS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
    }
}

/// Splits a corpus file into its head and the log: the head ends at the first
/// empty line, a section behind `REPORT:` is not part of the log.
fn split(bytes: &[u8]) -> (Expected, Vec<u8>) {
    let mut expected = Expected::default();
    let mut rest = bytes;
    loop {
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len());
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        match line.split_once(": ") {
            Some(("TITLE", value)) => expected.title = Some(value.to_owned()),
            Some(("ALT", value)) => expected.alt.push(value.to_owned()),
            Some(("TYPE", value)) => expected.class = Some(value.to_owned()),
            Some(("FRAME", value)) => expected.frame = Some(value.to_owned()),
            Some(("CORRUPTED", value)) => expected.corrupted = value == "Y",
            _ => {}
        }
    }
    let log = match memchr::memmem::find(rest, b"\nREPORT:\n") {
        Some(end) => rest[..end + 1].to_vec(),
        None => rest.to_vec(),
    };
    (expected, log)
}

fn read(log: &[u8]) -> Vec<LogEvent> {
    let mut events = Vec::new();
    let mut reader = LogReader::new(0);
    reader.feed(log, &mut |event| events.push(event));
    reader.finish(&mut |event| events.push(event));
    events.sort_by_key(|event| event.span);
    events
}

/// Right answers of all.
#[derive(Default)]
struct Score {
    right: u32,
    all: u32,
}

impl Score {
    fn add(&mut self, right: bool) {
        self.right += u32::from(right);
        self.all += 1;
    }

    fn percent(&self) -> f64 {
        100.0 * f64::from(self.right) / f64::from(self.all.max(1))
    }
}

#[test]
fn titles_agree_with_the_corpus() {
    let folder = folder().join("kernel-logs");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!(
            "skipped: there is no corpus at {} (WHY_CORPUS names another)",
            folder.display()
        );
        return;
    };
    let mut names: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    names.sort_unstable();
    let (mut titles, mut classes, mut frames, mut corrupted) = (
        Score::default(),
        Score::default(),
        Score::default(),
        Score::default(),
    );
    let mut false_alarms = Vec::new();
    for name in names {
        let bytes = std::fs::read(folder.join(name.to_string())).unwrap();
        let (expected, log) = split(&bytes);
        let events = read(&log);
        let first = events.iter().find(|event| event.crash);
        let Some(title) = &expected.title else {
            if let Some(event) = first {
                println!("{name}: false alarm: {}", event.title);
                false_alarms.push(name);
            }
            continue;
        };
        let event = first.cloned().unwrap_or_default();
        let right = event.title == *title
            || expected.alt.contains(&event.title)
            || event.alt.contains(title);
        titles.add(right);
        if !right {
            println!("{name}: title: expected {title:?}, got {:?}", event.title);
        }
        let class = expected.class.clone().unwrap_or_default();
        classes.add(class == event.class);
        if class != event.class {
            println!(
                "{name}: class: expected {class:?}, got {:?} ({})",
                event.class, event.title
            );
        }
        if let Some(frame) = &expected.frame {
            let right = event.frame.as_ref() == Some(frame);
            frames.add(right);
            if !right {
                println!("{name}: frame: expected {frame:?}, got {:?}", event.frame);
            }
        }
        corrupted.add(expected.corrupted == event.corrupted.is_some());
        if expected.corrupted != event.corrupted.is_some() {
            println!(
                "{name}: corrupted: expected {}, got {:?}",
                expected.corrupted, event.corrupted
            );
        }
    }
    for (what, score) in [
        ("title", &titles),
        ("type", &classes),
        ("frame", &frames),
        ("corrupted", &corrupted),
    ] {
        println!(
            "{what}: {} of {} ({:.1} %)",
            score.right,
            score.all,
            score.percent()
        );
    }
    assert!(titles.percent() >= 92.0);
    assert!(classes.percent() >= 95.0);
    assert!(frames.percent() >= 90.0);
    assert!(corrupted.percent() >= 85.0);
    assert_eq!(false_alarms, Vec::<u32>::new());
}
