//! What a detector concluded, with its evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Gap, Hang, LineSpan, Provenance, Trust};

/// A conclusion about the target: what happened and how it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Name of the detector that made it.
    pub detector: String,
    /// Stable one-line name of the problem.
    pub title: String,
    /// One or two plain sentences.
    pub verdict: String,
    /// Whether the cause itself is named, not only the symptom.
    pub cause_named: bool,
    /// How sure the detector is.
    pub confidence: Confidence,
    /// Where: label and value (`function`, `process`, `CPU` …).
    pub places: Vec<Place>,
    /// The evidence, in the order of the argument.
    pub evidence: Vec<Evidence>,
    /// What could not be determined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextStep>,
    /// Indices of the events that it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<u32>,
    /// The way of the bad pointer in the names of the source, where debug info told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// Who waits for whom, where threads hang.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hang: Option<Hang>,
}

/// How sure a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// One reading of several.
    Low,
    /// The evidence fits, and something that would settle it is missing.
    Medium,
    /// Every step is shown.
    High,
}

/// One labelled part of "where".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// What is told (`function`).
    pub label: String,
    /// Its value.
    pub value: String,
}

/// One step of the argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What it says.
    pub says: String,
    /// How it is known.
    pub trust: Trust,
    /// The lines it stands on, where it stands on lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<LineSpan>,
}

/// Something the reader can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextStep {
    /// What to do.
    pub what: String,
    /// A command line that does it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}
