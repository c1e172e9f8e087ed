//! What the tests of every form use, and the tests that hold for all forms.

mod arm;
mod arm64;
mod corpus;
mod loongarch;
mod mangled;
mod mips;
mod powerpc;
mod riscv;
mod s390;
mod x86;

use std::ops::RangeInclusive;
use std::path::Path;

use base::LogEvent;

use crate::Line;

/// The lines of `text`, numbered from 1.
pub fn lines(text: &str) -> Vec<Line> {
    (1..)
        .zip(text.lines())
        .map(|(number, text)| Line::of(number, text.to_owned()))
        .collect()
}

/// What is read from an event of these lines.
pub fn read(text: &str) -> LogEvent {
    let mut event = LogEvent::default();
    super::read(&lines(text), &mut event);
    event
}

/// What is read from an event of some lines of a case.
pub fn read_file(case: &str, range: RangeInclusive<u64>) -> LogEvent {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../lab/cases")
        .join(case);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = lines(&text);
    lines.retain(|line| range.contains(&line.number));
    let mut event = LogEvent::default();
    super::read(&lines, &mut event);
    event
}

/// The values of the code units, and which of them is marked.
pub fn code(event: &LogEvent) -> (Vec<u32>, Option<u32>) {
    let code = event.code.as_ref().unwrap();
    (
        code.units.iter().map(|unit| unit.value).collect(),
        code.marked,
    )
}
