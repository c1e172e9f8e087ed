//! What the engine is given.

use base::{Confidence, DumpFacts, Evidence, Gap, LogEvent, NextStep, Provenance, WaitFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One input, as far as a report needs to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputFacts {
    /// Its name, as the user gave it.
    pub name: String,
    /// What it turned out to be (`kernel log`, `gzip kernel log`, `pstore parts`).
    pub kind: String,
    /// Lines read.
    pub lines: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// What of it could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// Follows bad pointers with more than the log: the code and the debug info of what ran.
///
/// The seam keeps the engine from knowing files: whoever has them implements it.
pub trait Tracer: Sync {
    /// What the files tell of the event's bad pointer; none where the event has none to follow.
    fn trace(&self, event: &LogEvent) -> Option<Traced>;
}

/// What a [`Tracer`] found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traced {
    /// The way of the pointer; none where the files do not fit the log or the code cannot be read: the gaps say why.
    pub provenance: Option<Provenance>,
    /// The sentences of the verdict.
    pub verdict: Vec<String>,
    /// The steps of the argument.
    pub evidence: Vec<Evidence>,
    /// How sure the way is.
    pub confidence: Option<Confidence>,
    /// Whether it is shown who should have set the value: the cause itself.
    pub cause_named: bool,
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// What to do next.
    pub next: Vec<NextStep>,
}

/// Everything that the inputs told.
#[derive(Clone, Copy)]
pub struct LogFacts<'a> {
    /// The inputs in the order of the arguments; `LineSpan::input` counts into them.
    pub inputs: &'a [InputFacts],
    /// The events of all inputs, those of one input in the order of its lines.
    pub events: &'a [LogEvent],
    /// What the memory of dumps tells beside their logs.
    pub dumps: &'a [DumpFacts],
    /// Who waits for what, of each input that tells it.
    pub waits: &'a [WaitFacts],
    /// What can be asked about the code that ran, where files were given.
    pub tracer: Option<&'a dyn Tracer>,
}

impl<'a> LogFacts<'a> {
    /// The event of number `index`.
    pub fn event(&self, index: u32) -> Option<&'a LogEvent> {
        self.events.get(usize::try_from(index).ok()?)
    }
}
