//! What the engine is given.

use base::{Gap, LogEvent};
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

/// Everything that the logs told.
#[derive(Clone, Copy, Debug)]
pub struct LogFacts<'a> {
    /// The inputs in the order of the arguments; `LineSpan::input` counts into them.
    pub inputs: &'a [InputFacts],
    /// The events of all inputs, those of one input in the order of its lines.
    pub events: &'a [LogEvent],
}

impl<'a> LogFacts<'a> {
    /// The event of number `index`.
    pub fn event(&self, index: u32) -> Option<&'a LogEvent> {
        self.events.get(usize::try_from(index).ok()?)
    }
}
