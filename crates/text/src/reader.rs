//! The driver: bytes in, events out, in bounded memory.
//!
//! While no event is open, the reader only searches the bytes for anchors,
//! the few strings that every head of a report contains; lines are counted,
//! not looked at. From a head on, it goes line by line until the capture
//! says that its report is over.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, PatternID, packed};
use base::{Gap, LogEvent, Machine};

use crate::Line;
use crate::capture::{Capture, State};
use crate::events::EVENTS;
use crate::line::clean;
use crate::naming::Entry;
use crate::prefix::{self, Caller, Prefix};

/// Bytes of a line that are looked at; the rest of a longer one is skipped.
const MAX_LINE: usize = 16 * 1024;
/// Bytes before a head in which its preamble is searched.
const LOOK_BACK: usize = 4096;
/// Lines of preamble.
const MAX_BEFORE: usize = 8;
/// Events that may be open at once; more callers than this do not fail at once.
const MAX_OPEN: usize = 32;

/// The banner of a starting kernel (init/version.c).
const BANNER: &str = "Linux version ";

/// The anchors of all entries. The vector search takes at most
/// 64 patterns; a larger set would fall back to a tenth of its speed.
fn anchors() -> Vec<&'static str> {
    let mut anchors: Vec<&str> = EVENTS
        .iter()
        .flat_map(|entry| entry.anchors)
        .copied()
        .collect();
    anchors.extend([BANNER, "FAULT_INJECTION: forc", "FAULT_FLAG_ALLOW_RETRY"]);
    anchors.sort_unstable();
    anchors.dedup();
    anchors
}

/// Patterns that the packed search (Teddy) takes; also the bits of a [`Search::of_entry`].
#[cfg(test)]
const MAX_ANCHORS: usize = 64;

/// The vector search, where the CPU has it, and the automaton for the others.
struct Search {
    packed: Option<packed::Searcher>,
    automaton: Option<AhoCorasick>,
    /// For each entry the anchors that it names, a bit each.
    of_entry: Vec<u64>,
}

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let packed = packed::Searcher::new(anchors());
    let automaton = match packed {
        Some(_) => None,
        None => AhoCorasick::new(anchors()).ok(),
    };
    let bit = |anchor: &&str| {
        anchors()
            .iter()
            .position(|known| known == anchor)
            .map_or(0, |at| 1u64 << (at % 64))
    };
    let of_entry = EVENTS
        .iter()
        .map(|entry| {
            entry
                .anchors
                .iter()
                .map(&bit)
                .fold(0, |bits, bit| bits | bit)
        })
        .collect();
    Search {
        packed,
        automaton,
        of_entry,
    }
});

/// Stacks that the kernel prints without being ill; in a log that does not
/// name its callers they may run into a report.
const INTERRUPTIONS: &[&str] = &[
    "vmalloc: allocation failure:",
    "FAULT_INJECTION: forcing a failure",
    "FAULT_FLAG_ALLOW_RETRY missing",
];

/// What is known of a log when it has been read.
#[derive(Clone, Debug, Default)]
pub struct LogSummary {
    /// Which input.
    pub input: u32,
    /// Lines, the last one also without its end.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
    /// Bytes that no text has (NUL and other control characters), in the first megabyte.
    pub binary: u64,
    /// Lines longer than the reader looks at.
    pub long_lines: u64,
    /// Events found.
    pub events: u64,
    /// The kernel that booted last in this log, where its banner was printed.
    pub machine: Option<Machine>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// Reads one log. A clone goes on from where the original stands.
#[derive(Clone)]
pub struct LogReader {
    summary: LogSummary,
    open: Vec<Capture>,
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Bytes of that line that were dropped.
    dropped: u64,
    /// The end of what was read before, for preambles.
    tail: Vec<u8>,
    sampled: u64,
}

/// A place in the bytes at hand.
struct Spot<'a> {
    region: &'a [u8],
    start: usize,
}

impl LogReader {
    /// A reader of the input with this number.
    pub fn new(input: u32) -> Self {
        LogReader {
            summary: LogSummary {
                input,
                ..LogSummary::default()
            },
            open: Vec::new(),
            partial: Vec::new(),
            dropped: 0,
            tail: Vec::new(),
            sampled: 0,
        }
    }

    /// Takes the next bytes of the log; events that ended go to `sink`, in the
    /// order of their ends.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(LogEvent)) {
        self.summary.bytes += bytes.len() as u64;
        self.sample(bytes);
        let mut rest = bytes;
        if !self.partial.is_empty() || self.dropped > 0 {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.keep_partial(rest);
                return;
            };
            self.keep_partial(rest.get(..end).unwrap_or_default());
            rest = rest.get(end + 1..).unwrap_or_default();
            self.end_partial(sink);
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |end| end + 1);
        let (region, partial) = rest.split_at_checked(whole).unwrap_or((rest, &[]));
        self.region(region, sink);
        self.keep_partial(partial);
    }

    /// Ends the log.
    pub fn finish(mut self, sink: &mut dyn FnMut(LogEvent)) -> LogSummary {
        if !self.partial.is_empty() || self.dropped > 0 {
            self.end_partial(sink);
        }
        self.close(|_| true, sink);
        if self.summary.long_lines > 0 {
            self.summary.gaps.push(Gap::new(
                format!("the ends of {} very long lines", self.summary.long_lines),
                format!("only the first {MAX_LINE} bytes of a line are read"),
            ));
        }
        self.summary
    }

    /// Counts what cannot be text.
    fn sample(&mut self, bytes: &[u8]) {
        let left = (1u64 << 20).saturating_sub(self.sampled);
        let bytes = bytes
            .get(..usize::try_from(left).unwrap_or(usize::MAX))
            .unwrap_or(bytes);
        let binary =
            |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\n' | b'\r' | b'\t' | 0x1b | 8);
        self.summary.binary += bytes.iter().filter(binary).count() as u64;
        self.sampled += bytes.len() as u64;
    }

    fn keep_partial(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.partial.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.partial.extend_from_slice(kept);
        self.dropped += (bytes.len() - kept.len()) as u64;
    }

    fn end_partial(&mut self, sink: &mut dyn FnMut(LogEvent)) {
        let mut line = std::mem::take(&mut self.partial);
        if std::mem::take(&mut self.dropped) > 0 {
            self.summary.long_lines += 1;
        }
        line.push(b'\n');
        self.region(&line, sink);
        line.clear();
        self.partial = line;
    }

    /// Reads whole lines.
    fn region(&mut self, region: &[u8], sink: &mut dyn FnMut(LogEvent)) {
        let mut at = 0;
        while let Some(rest) = region.get(at..).filter(|rest| !rest.is_empty()) {
            if self.open.is_empty() {
                let Some(found) = find_anchor(rest) else {
                    self.summary.lines += count_lines(rest);
                    break;
                };
                let skipped = rest.get(..found).unwrap_or_default();
                let start = memchr::memrchr(b'\n', skipped).map_or(0, |end| end + 1);
                self.summary.lines += count_lines(skipped.get(..start).unwrap_or_default());
                at += start;
            }
            let rest = region.get(at..).unwrap_or_default();
            let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            self.summary.lines += 1;
            if len > MAX_LINE {
                self.summary.long_lines += 1;
            }
            let line = rest.get(..len.min(MAX_LINE)).unwrap_or_default();
            self.line(line, &Spot { region, start: at }, sink);
            at += len;
        }
        self.remember(region);
    }

    /// Keeps the end of `region` for preambles of heads in the next one.
    fn remember(&mut self, region: &[u8]) {
        if region.len() >= LOOK_BACK {
            self.tail.clear();
            self.tail
                .extend_from_slice(region.get(region.len() - LOOK_BACK..).unwrap_or_default());
        } else {
            self.tail.extend_from_slice(region);
            let surplus = self.tail.len().saturating_sub(LOOK_BACK);
            self.tail.drain(..surplus);
        }
    }

    fn line(&mut self, line: &[u8], spot: &Spot<'_>, sink: &mut dyn FnMut(LogEvent)) {
        let prefix = prefix::parse(line);
        if prefix.foreign {
            return;
        }
        let text = clean(prefix.message);
        let number = self.summary.lines;
        let anchors = anchors_in(&text);
        let hit = anchors != 0;
        if hit {
            if text.starts_with(BANNER) {
                // The machine started anew: whatever was open is over.
                self.close(|_| true, sink);
                self.summary.machine = Some(machine_of(&text));
                return;
            }
            if let Some(entry) = entry_of(&text, anchors)
                && !self.folds(entry, &prefix, &text)
            {
                self.begin(
                    entry,
                    &prefix,
                    Line::of(number, text.into_owned()),
                    spot,
                    sink,
                );
                return;
            }
        }
        if self.open.is_empty() {
            return;
        }
        if hit && INTERRUPTIONS.iter().any(|mark| text.contains(mark)) {
            self.close(Capture::is_mixed, sink);
        }
        let mut at = 0;
        while let Some(capture) = self.open.get_mut(at) {
            match capture.offer(&prefix, number, &text, hit) {
                State::Open => at += 1,
                State::Over => self.emit(at, sink),
            }
        }
    }

    /// Whether the head belongs to an event that is open.
    fn folds(&self, entry: &Entry, prefix: &Prefix<'_>, text: &str) -> bool {
        self.open
            .iter()
            .any(|open| open.caller() == prefix.caller && (entry.folds)(text, &open.open()))
    }

    fn begin(
        &mut self,
        entry: &'static Entry,
        prefix: &Prefix<'_>,
        head: Line,
        spot: &Spot<'_>,
        sink: &mut dyn FnMut(LogEvent),
    ) {
        let caller = prefix.caller;
        // A console that lost its place prints a line again from its start.
        self.open.retain(|open| {
            let cut = open.open();
            !(open.caller() == caller
                && cut.lines == 1
                && cut.head.len() < head.text.len()
                && head.text.starts_with(cut.head))
        });
        if entry.crash {
            // A second report ends the first, unless the callers keep them apart.
            let ends =
                |open: &Capture| open.is_mixed() || open.caller() == caller && open.has_frames();
            self.close(ends, sink);
        } else {
            let complete = |open: &Capture| open.caller() == caller && open.is_complete();
            self.close(complete, sink);
        }
        if self.open.len() >= MAX_OPEN {
            self.emit(0, sink);
        }
        let before = self.before(caller, head.number, spot);
        self.open.push(Capture::new(
            entry,
            self.summary.input,
            prefix,
            head,
            before,
        ));
    }

    /// The lines of the same caller before the head, the nearest last.
    fn before(&self, caller: Caller, number: u64, spot: &Spot<'_>) -> Vec<Line> {
        let near = spot.region.get(..spot.start).unwrap_or_default();
        let mut bytes = Cow::Borrowed(near);
        if near.len() < LOOK_BACK && !self.tail.is_empty() {
            bytes = Cow::Owned([self.tail.as_slice(), near].concat());
        }
        // The same bytes, however they arrived; the first line of a full window may be cut.
        let full = bytes.len() >= LOOK_BACK;
        let bytes = bytes
            .get(bytes.len().saturating_sub(LOOK_BACK)..)
            .unwrap_or_default();
        let bytes = match memchr::memchr(b'\n', bytes) {
            Some(end) if full => bytes.get(end + 1..).unwrap_or_default(),
            None if full => &[],
            _ => bytes,
        };
        let mut lines = Vec::new();
        let mut number = number;
        let lines_back = bytes.strip_suffix(b"\n").unwrap_or_default();
        for line in lines_back.rsplit(|&byte| byte == b'\n') {
            number = number.saturating_sub(1);
            let prefix = prefix::parse(line);
            if prefix.caller == caller && !prefix.foreign {
                lines.push(Line::new(number, prefix.message));
            }
            if lines.len() >= MAX_BEFORE || number == 0 {
                break;
            }
        }
        lines.reverse();
        lines
    }

    /// Ends the open events that `which` picks, the oldest first.
    fn close(&mut self, which: impl Fn(&Capture) -> bool, sink: &mut dyn FnMut(LogEvent)) {
        let mut at = 0;
        while let Some(open) = self.open.get(at) {
            if which(open) {
                self.emit(at, sink);
            } else {
                at += 1;
            }
        }
    }

    fn emit(&mut self, at: usize, sink: &mut dyn FnMut(LogEvent)) {
        let Some(mut event) = self.open.remove(at).finish() else {
            return;
        };
        if let Some(machine) = &self.summary.machine {
            let own = &mut event.machine;
            own.release = own.release.take().or_else(|| machine.release.clone());
            own.version = own.version.take().or_else(|| machine.version.clone());
        }
        self.summary.events += 1;
        sink(event);
    }
}

fn find_anchor(bytes: &[u8]) -> Option<usize> {
    let search = &*SEARCH;
    if let Some(packed) = &search.packed {
        return packed.find(bytes).map(|found| found.start());
    }
    match &search.automaton {
        Some(automaton) => automaton.find(bytes).map(|found| found.start()),
        // Without any search every line is looked at.
        None => Some(0),
    }
}

/// The anchors that stand in a line, a bit each.
fn anchors_in(line: &str) -> u64 {
    let search = &*SEARCH;
    let bit = |pattern: PatternID| 1u64 << (pattern.as_usize() % 64);
    if let Some(packed) = &search.packed {
        return packed
            .find_iter(line)
            .fold(0, |bits, found| bits | bit(found.pattern()));
    }
    match &search.automaton {
        Some(automaton) => automaton
            .find_overlapping_iter(line)
            .fold(0, |bits, found| bits | bit(found.pattern())),
        None => u64::MAX,
    }
}

/// The kind of event that the line begins.
fn entry_of(line: &str, anchors: u64) -> Option<&'static Entry> {
    let known = EVENTS.iter().zip(&SEARCH.of_entry);
    known
        .into_iter()
        .find(|(entry, own)| **own & anchors != 0 && (entry.starts)(line))
        .map(|(entry, _)| *entry)
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// `Linux version 6.1.0-32-amd64 (builder@host) (gcc …) #1 SMP Debian 6.1.129-1 (2025-03-06)`.
fn machine_of(banner: &str) -> Machine {
    let rest = banner.strip_prefix(BANNER).unwrap_or(banner);
    let release = rest.split(' ').next().filter(|word| !word.is_empty());
    Machine {
        release: release.map(str::to_owned),
        version: rest
            .find(" #")
            .and_then(|at| rest.get(at + 1..))
            .map(str::to_owned),
        ..Machine::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anchors_fit_the_vector_search() {
        let anchors = anchors();
        assert!(
            anchors.len() <= MAX_ANCHORS,
            "{} anchors: share one, or drop what another implies",
            anchors.len()
        );
        assert!(
            anchors.iter().all(|anchor| anchor.len() >= 4),
            "short anchors are found everywhere"
        );
    }
}
