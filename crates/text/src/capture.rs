//! An event while its lines are still coming.

use base::{LineSpan, LogEvent, Stamp};

use crate::naming::{Details, Entry, Naming, Open, Reading};
use crate::prefix::{Caller, Prefix};
use crate::stack::{Recipe, has_offset, is_frame, responsible};
use crate::{Line, context, dumps, frames, integrity, title};

/// Lines that are kept of one event.
pub const MAX_LINES: usize = 4096;
/// Bytes that are kept of one event.
pub const MAX_BYTES: usize = 512 * 1024;
/// Lines in a row that show nothing of a report, after which it is over.
const MAX_QUIET: u32 = 150;

/// What became of a capture with one more line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It takes more lines.
    Open,
    /// It is over.
    Over,
}

/// The lines of one event.
#[derive(Clone)]
pub struct Capture {
    entry: &'static Entry,
    caller: Caller,
    stamp: Stamp,
    input: u32,
    before: Vec<Line>,
    lines: Vec<Line>,
    /// Beside each line: whether it counts for the title.
    counts: Vec<bool>,
    counted: usize,
    bytes: usize,
    quiet: u32,
    traceback: bool,
    aftermath: bool,
    has_frames: bool,
    ended: bool,
    panic: Option<String>,
    cut: bool,
}

impl Capture {
    /// Begins an event at its head.
    pub fn new(
        entry: &'static Entry,
        input: u32,
        prefix: &Prefix<'_>,
        head: Line,
        before: Vec<Line>,
    ) -> Self {
        let panic = panic_message(&head.text).map(str::to_owned);
        Capture {
            entry,
            caller: prefix.caller,
            stamp: prefix.stamp(),
            input,
            before,
            bytes: head.text.len(),
            lines: {
                // Most reports have some dozens of lines.
                let mut lines = Vec::with_capacity(64);
                lines.push(head);
                lines
            },
            counts: vec![true],
            counted: 1,
            quiet: 0,
            traceback: false,
            aftermath: false,
            has_frames: false,
            ended: false,
            panic,
            cut: false,
        }
    }

    /// Who prints it.
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// Whether lines carry nothing that would keep this event apart from another.
    pub fn is_mixed(&self) -> bool {
        matches!(self.caller, Caller::Bare | Caller::Console)
    }

    /// What a head that may belong to it has to know.
    pub fn open(&self) -> Open<'_> {
        Open {
            kind: self.entry.name,
            crash: self.entry.crash,
            head: self.lines.first().map_or("", |line| line.text.as_str()),
            lines: self.lines.len(),
        }
    }

    /// Whether its stack has begun: until then, another report of the same
    /// caller interrupts this one, and the stack of both is the same.
    pub fn has_frames(&self) -> bool {
        self.has_frames
    }

    /// Whether the report stands whole: a stack was printed and is over.
    pub fn is_complete(&self) -> bool {
        let in_stack = self.lines.last().is_some_and(|line| has_offset(&line.text));
        self.ended || self.has_frames && !in_stack
    }

    /// Offers a line of the log; `hit` tells whether it has an anchor.
    pub fn offer(&mut self, prefix: &Prefix<'_>, number: u64, text: &str, hit: bool) -> State {
        let mine = prefix.caller == self.caller
            || self.traceback && matches!(prefix.caller, Caller::Cpu(_));
        if !mine {
            // Other callers may go on for long, yet not for ever.
            self.quiet += 1;
            return if self.quiet > 16 * MAX_QUIET {
                State::Over
            } else {
                State::Open
            };
        }
        let doubtful = is_doubtful(text);
        let panics = if hit { panic_message(text) } else { None };
        if !doubtful {
            self.counted += 1;
        }
        let mut counts = !doubtful && !self.aftermath;
        if text.starts_with("Disabling lock debugging") {
            counts = false;
        } else if text.starts_with("Sending NMI from CPU") {
            self.traceback = true;
        } else if let Some(message) = panics {
            self.panic.get_or_insert_with(|| message.to_owned());
            // A warning that panics prints its stack twice; a bare head and a
            // panic have one stack between them.
            let whole = if self.entry.name == "kmsan" { 16 } else { 22 };
            if self.counted > whole {
                self.aftermath = true;
                counts = false;
            }
        }
        if text.starts_with("---[ end ") {
            self.ended = true;
        }
        if is_material(text) {
            self.quiet = 0;
        } else {
            self.quiet += 1;
        }
        if self.quiet > MAX_QUIET {
            return State::Over;
        }
        self.bytes += text.len();
        if self.lines.len() >= MAX_LINES || self.bytes > MAX_BYTES {
            self.cut = true;
            return State::Over;
        }
        self.has_frames |= counts && has_offset(text) && is_frame(text);
        self.lines.push(Line::of(number, text.to_owned()));
        self.counts.push(counts);
        State::Open
    }

    /// Makes the event; none when the body shows that it was no report at all.
    pub fn finish(mut self) -> Option<LogEvent> {
        let mut event = LogEvent {
            kind: self.entry.name.to_owned(),
            crash: self.entry.crash,
            meaning: self.entry.meaning.to_owned(),
            stamp: self.stamp,
            panic: self.panic,
            ..LogEvent::default()
        };
        let start = self.lines.first().map_or(0, |line| line.number);
        let end = last_material(&self.lines).unwrap_or(start);
        event.span = LineSpan {
            input: self.input,
            start,
            end,
        };
        self.lines.retain_with(&self.counts, end, |lines| {
            dumps::read(lines, &mut event);
            context::read(lines, &mut event);
            event.traces = frames::read(lines);
        });
        let reading = Reading {
            lines: &self.lines,
            before: &self.before,
        };
        event.headline = reading.head().trim().to_owned();
        let naming = (self.entry.describe)(&reading);
        if naming.title.is_empty() {
            return None;
        }
        let mut details = Details::new();
        (self.entry.details)(&reading, &mut details);
        event.details.extend(details);
        name(&mut event, naming, &self.lines);
        if self.cut {
            event.gaps.push(base::Gap::new(
                "the end of this report",
                format!("only {MAX_LINES} lines or {MAX_BYTES} bytes of one report are read"),
            ));
        }
        Some(event)
    }
}

/// Puts the naming into the event.
fn name(event: &mut LogEvent, naming: Naming, lines: &[Line]) {
    event.title = title::sanitize(&naming.title);
    event.alt = naming.alt.iter().map(|alt| title::sanitize(alt)).collect();
    event.class = naming.class.to_owned();
    if let Some(kind) = naming.kind {
        event.kind = kind.to_owned();
    }
    let mut corrupted = naming.corrupted;
    if corrupted.is_none() && integrity::has_stamp(&naming.title) {
        corrupted = Some("another line ran into the head of the report");
    }
    if corrupted.is_none() && naming.has_stack {
        corrupted = integrity::damage(lines);
    }
    event.corrupted = corrupted.map(str::to_owned);
    event.frame = frame_of(&event.title).or_else(|| {
        let recipe = if event.kind == "slab_corruption" || event.kind == "panic" {
            Some(Recipe::TRACE)
        } else {
            None
        };
        responsible(lines, &recipe?)
    });
}

/// The function that a title names.
fn frame_of(title: &str) -> Option<String> {
    let (_, place) = title.rsplit_once(" in ")?;
    let place = place.split(" / ").next().unwrap_or(place);
    let place = place.split('/').next().unwrap_or(place).trim();
    let is_name = !place.is_empty() && !place.contains(' ') && place != "corrupted";
    is_name.then(|| place.to_owned())
}

/// Drops lines that do not count after `facts` has seen all of them.
trait RetainWith {
    fn retain_with(&mut self, counts: &[bool], end: u64, facts: impl FnOnce(&[Line]));
}

impl RetainWith for Vec<Line> {
    fn retain_with(&mut self, counts: &[bool], end: u64, facts: impl FnOnce(&[Line])) {
        let known = self.iter().take_while(|line| line.number <= end).count();
        facts(self.get(..known).unwrap_or(self));
        let mut counts = counts.iter();
        self.retain(|_| counts.next().copied().unwrap_or(false));
    }
}

/// The last line of the report: trailing lines may be anything.
fn last_material(lines: &[Line]) -> Option<u64> {
    lines
        .iter()
        .rev()
        .find(|line| is_material(&line.text) || line.text.starts_with("---["))
        .map(|line| line.number)
}

/// `Kernel panic - not syncing: message`.
fn panic_message(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("Kernel panic - not syncing")?;
    Some(rest.trim_start_matches([':', ' ']))
}

/// Frames that the kernel marks as doubtful: `? f+0x1/0x2`, PowerPC's `(unreliable)`.
/// The frame on which the interrupt stack ends is none.
fn is_doubtful(text: &str) -> bool {
    if text.ends_with(" (unreliable)") {
        return true;
    }
    memchr::memchr(b'?', text.as_bytes()).is_some()
        && has_offset(text)
        && !text.contains("<EOI>")
        && {
            matches!(
                frames::parse(text),
                Some(frames::FrameLine::Frame { unreliable: true, symbol, .. }) if symbol.size.is_some()
            )
        }
}

/// Whether a line looks like a part of a report: addresses, offsets, headings.
pub fn is_material(text: &str) -> bool {
    let mut digits = 0;
    for byte in text.bytes() {
        if byte.is_ascii_hexdigit() {
            digits += 1;
            if digits >= 8 {
                return true;
            }
        } else {
            digits = 0;
        }
    }
    has_offset(text)
        || panic_message(text).is_some()
        || frames::heading(text).is_some()
        || [
            "CPU: ",
            "Modules linked in:",
            "Code: ",
            "#",
            "task:",
            "Hardware name:",
            "INFO: task ",
        ]
        .iter()
        .any(|mark| text.trim_start().starts_with(mark))
}
