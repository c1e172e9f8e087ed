//! What the engine answers.

use base::{Finding, Gap, LineSpan, NextStep, Trust};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer: what died, what it did to the rest, and what is not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// The verdict, about the event to trust; none when nothing is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Findings about events that are not shown to follow from the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Finding>,
    /// How every other event stands to the one of the verdict, in the order of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story: Vec<StoryRow>,
    /// The taint letters that stood at the first event, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taint: Vec<TaintMark>,
    /// How the verdict's event was chosen, where that needs saying.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the inputs as a whole do not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// What to do next, beyond the steps of the finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextStep>,
}

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing wrong was found.
    NothingWrong,
    /// Something is wrong and its cause is named.
    CauseNamed,
    /// Something is wrong and its cause is not known.
    CauseNotFound,
}

impl Diagnosis {
    /// What the exit code says.
    pub fn outcome(&self) -> Outcome {
        match &self.finding {
            None => Outcome::NothingWrong,
            Some(finding) if finding.cause_named => Outcome::CauseNamed,
            Some(_) => Outcome::CauseNotFound,
        }
    }
}

/// How an event stands to the one of the verdict.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It stands before it.
    Earlier,
    /// The same again.
    Repeat,
    /// Another sign of the same trouble, seen in the same round.
    Together,
    /// It follows from it.
    Consequence,
    /// It is not shown to follow from it.
    Separate,
    /// No defect by itself.
    Note,
}

/// Events of one title that stand in one relation to the verdict's event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoryRow {
    /// The relation.
    pub relation: Relation,
    /// The title that they share.
    pub title: String,
    /// Their numbers in the report's list of events.
    pub events: Vec<u32>,
    /// Why the relation is believed, as a sentence.
    pub why: String,
    /// How the relation is known.
    pub trust: Trust,
    /// Where the first of them stands.
    pub span: LineSpan,
}

/// One taint letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaintMark {
    /// The letter.
    pub letter: char,
    /// What it means; empty when it is not known.
    pub means: String,
}
