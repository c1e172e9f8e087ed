//! Reads one target: its events, or the report that it is.

use std::path::PathBuf;
use std::sync::Arc;

use attach::{Content, Context, Dump, Error, Log, Target, open_bytes};
use base::{Gap, LogEvent, Target as _, WaitFacts};
use cause::InputFacts;
use report::Report;
use text::transcripts::{self, Transcript};
use text::{LogReader, LogSummary};

use crate::dump::{self, Memory};
use crate::progress::Progress;
use crate::store::Store;

/// What a target turned out to be.
pub enum Read {
    /// A log, read to its end, and who waits for what in it.
    Log(InputFacts, Vec<LogEvent>, Option<Box<WaitFacts>>),
    /// A dump: the log in it, what its memory tells beside, and that memory.
    Dump(InputFacts, Vec<LogEvent>, Box<Memory>, Box<Dump>),
    /// A saved report.
    Report(Box<Report>),
    /// Code and debug information, at this path; the refusal where there is nothing else.
    Object(PathBuf, Error),
    /// It cannot be read.
    Failed(Error),
    /// Nobody named it, and it is of a kind that is not read.
    PassedOver(Error),
}

/// Bytes read at once: large enough for the disk, small enough for the cache.
const BLOCK: usize = 256 << 10;

/// Takes events as they are found; says whether to go on.
pub type Rows<'a> = &'a mut dyn FnMut(&InputFacts, Vec<LogEvent>) -> bool;

/// What the targets of one run share.
pub struct Reading {
    /// Counts and interrupts.
    pub context: Arc<Context>,
    /// Shows how far it is.
    pub progress: Progress,
    /// How many inputs share the room for events.
    pub inputs: usize,
}

impl Reading {
    /// Reads a target to its end. Events go to the report, and to `rows` where given.
    pub fn read(&self, target: &Target, rows: Option<Rows<'_>>) -> Read {
        match target.open(&self.context) {
            Ok(content) => self.content(target, content, rows),
            Err(error) if target.from_folder && !error.is_failure() => Read::PassedOver(error),
            Err(error) => Read::Failed(error),
        }
    }

    /// The same for a target that is open.
    pub fn content(&self, target: &Target, content: Content, rows: Option<Rows<'_>>) -> Read {
        match content {
            Content::Log(log) => self.log(target, log, rows),
            Content::Report(json) => match Report::from_json(&json) {
                Ok(report) => Read::Report(Box::new(report)),
                Err(error) => Read::Failed(Error::new("show", &target.name, error.to_string())),
            },
            Content::Stacks(_) => {
                let error = Error::new("explain", &target.name, "it holds stacks and no log");
                let error = error.intact().next("why stacks FILE shows them");
                match target.from_folder {
                    true => Read::PassedOver(error),
                    false => Read::Failed(error),
                }
            }
            Content::Dump(dump) => self.dump(target, dump, rows),
            Content::Object(refusal) => match target.named_file() {
                Some(path) => Read::Object(path.to_owned(), refusal),
                None if target.from_folder => Read::PassedOver(refusal),
                None => Read::Failed(refusal),
            },
            Content::Live(_) => Read::Failed(
                Error::new("read", &target.name, "it never ends")
                    .next("name it alone, to follow it"),
            ),
        }
    }

    /// Reads the log that a dump holds, and what of its memory the events need.
    fn dump(&self, target: &Target, dump: Box<Dump>, rows: Option<Rows<'_>>) -> Read {
        let store = debuginfo::Store::new();
        let kernel = match dump::open(&dump, &store) {
            Ok(kernel) => kernel,
            Err(gap) => return Read::Failed(no_kernel("explain", &target.name, &dump, &gap)),
        };
        let told = dump::log(&kernel);
        let log = match open_bytes(&target.name, told.log) {
            Ok(Content::Log(log)) => log,
            Ok(_) | Err(_) => {
                let why = "its kernel log is empty or cannot be read";
                return Read::Failed(Error::new("explain", &target.name, why).intact());
            }
        };
        let Read::Log(mut facts, events, _) = self.log(target, log, rows) else {
            let why = "its kernel log cannot be read";
            return Read::Failed(Error::new("explain", &target.name, why).intact());
        };
        facts.kind = dump.summary();
        facts.gaps.extend(told.gaps);
        let mut memory = dump::memory(&target.name, &dump, &kernel.value, &events);
        facts.gaps.append(&mut memory.gaps);
        drop(kernel);
        Read::Dump(facts, events, Box::new(memory), dump)
    }

    fn log(&self, target: &Target, mut log: Log, rows: Option<Rows<'_>>) -> Read {
        let mut facts = InputFacts {
            name: target.name.clone(),
            kind: log.kind.clone(),
            ..InputFacts::default()
        };
        let mut found = Found {
            store: Store::new(self.inputs),
            rows: rows.map(|to| Ordered {
                to,
                waiting: Vec::new(),
                wanted: true,
            }),
        };
        let mut reader = LogReader::new(0);
        let mut block = vec![0; BLOCK];
        let mut transcript = Debugger::default();
        while found.wanted() {
            match log.read(&mut block) {
                Ok(0) => break,
                Ok(n) => {
                    let bytes = block.get(..n).unwrap_or_default();
                    transcript.feed(bytes);
                    reader.feed(bytes, &mut |event| found.add(&facts, event));
                }
                Err(error) => return Read::Failed(error),
            }
            self.progress.tick();
        }
        let summary = reader.finish(&mut |event| found.add(&facts, event));
        if log.binary && summary.events == 0 && summary.bytes > 0 {
            let error = Error::new(
                "read",
                &target.name,
                "it is binary data of no known kind, and holds no kernel message",
            )
            .next("name a kernel log: the console's output, or what dmesg prints");
            return if target.from_folder {
                Read::PassedOver(error)
            } else {
                Read::Failed(error)
            };
        }
        let waits = transcript.finish(&mut facts);
        found.finish(&mut facts, summary, log.gaps(), waits)
    }
}

/// The transcript of a debugger, where a text is one: it is read as a whole.
#[derive(Default)]
struct Debugger {
    kind: Option<Option<&'static Transcript>>,
    text: Vec<u8>,
    is_cut: bool,
}

impl Debugger {
    /// Takes the next bytes; the first tell whether it is one.
    fn feed(&mut self, bytes: &[u8]) {
        let kind = self.kind.get_or_insert_with(|| transcripts::find(bytes));
        if kind.is_none() {
            return;
        }
        let room = transcripts::MOST.saturating_sub(self.text.len());
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.is_cut |= taken.len() < bytes.len();
        self.text.extend_from_slice(taken);
    }

    /// What it tells of waiting.
    fn finish(self, facts: &mut InputFacts) -> Option<Box<WaitFacts>> {
        let kind = self.kind.flatten()?;
        facts.kind = format!("transcript of {}", kind.name);
        if self.is_cut {
            let why = format!("only its first {} MiB are read", transcripts::MOST >> 20);
            facts.gaps.push(Gap::new("the rest of the transcript", why));
        }
        let told = (kind.read)(&String::from_utf8_lossy(&self.text));
        facts.gaps.extend(told.gaps);
        Some(Box::new(told.value))
    }
}

/// Where events go.
struct Found<'a> {
    store: Store,
    rows: Option<Ordered<'a>>,
}

impl Found<'_> {
    fn wanted(&self) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.wanted)
    }

    fn add(&mut self, facts: &InputFacts, event: LogEvent) {
        if let Some(rows) = &mut self.rows {
            rows.add(facts, event.clone());
        }
        self.store.add(event);
    }

    fn finish(
        self,
        facts: &mut InputFacts,
        summary: LogSummary,
        mut missing: Vec<Gap>,
        waits: Option<Box<WaitFacts>>,
    ) -> Read {
        let (events, mut gaps) = self.store.finish();
        if let Some(mut rows) = self.rows {
            rows.give(facts, 0);
            // The rows lack nothing of what the store let go.
            gaps.clear();
        }
        facts.lines = summary.lines;
        facts.bytes = summary.bytes;
        facts.gaps.extend(summary.gaps);
        facts.gaps.append(&mut missing);
        facts.gaps.append(&mut gaps);
        if summary.bytes == 0 && facts.gaps.is_empty() {
            facts.gaps.push(
                Gap::new("anything about the system", "the input is empty")
                    .supply("the log of the time when it died"),
            );
        }
        Read::Log(std::mem::take(facts), events, waits)
    }
}

/// Events in the order of their first lines. They come in the order of their
/// last lines, and few are open at once, so a small window puts them right.
struct Ordered<'a> {
    to: Rows<'a>,
    waiting: Vec<LogEvent>,
    wanted: bool,
}

impl Ordered<'_> {
    const WINDOW: usize = 256;

    fn add(&mut self, facts: &InputFacts, mut event: LogEvent) {
        // What a row does not show need not wait in memory.
        event.registers = Vec::new();
        event.traces = Vec::new();
        event.modules = Vec::new();
        event.stack_words = Vec::new();
        event.details = Vec::new();
        event.code = None;
        self.waiting.push(event);
        if self.waiting.len() >= 2 * Self::WINDOW {
            self.give(facts, Self::WINDOW);
        }
    }

    /// Gives all but the last `keep`.
    fn give(&mut self, facts: &InputFacts, keep: usize) {
        self.waiting.sort_by_key(|event| event.span);
        let n = self.waiting.len().saturating_sub(keep);
        let ready: Vec<LogEvent> = self.waiting.drain(..n).collect();
        if self.wanted && !ready.is_empty() {
            self.wanted = (self.to)(facts, ready);
        }
    }
}

/// Why the kernel of a dump was not found; what the dump lacks may be the reason.
pub fn no_kernel(doing: &'static str, name: &str, dump: &Dump, gap: &Gap) -> Error {
    let mut why = format!("{}: {}", gap.what, gap.why);
    let lacks = dump.image.gaps();
    for lack in &lacks {
        why.push_str(&format!("; {}: {}", lack.what, lack.why));
    }
    let error = Error::new(doing, name, why);
    if let Some(lack) = lacks.iter().find(|lack| !lack.supply.is_empty()) {
        return error.next(format!("supply {}", lack.supply));
    }
    error
        .intact()
        .next("dumps of Linux on x86_64 are read; of other systems give the log")
}
