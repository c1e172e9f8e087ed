//! The document.

use base::{DumpFacts, LogEvent, WaitFacts};
use cause::{Diagnosis, InputFacts, LogFacts, Tracer, explain_log};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

/// The version of the document's schema, `docs/schema/report-1.schema.json`.
///
/// It changes when a reader of the old form would misread the new one; a new
/// optional member does not change it.
pub const SCHEMA_VERSION: &str = "1";

/// Everything that was found, and what it was found in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of the schema, always "1"; its name tells a saved report from other JSON.
    pub whydunit_report: String,
    /// What made it.
    pub tool: Tool,
    /// What was read.
    pub inputs: Vec<InputFacts>,
    /// The events, those of one input in the order of its lines.
    pub events: Vec<LogEvent>,
    /// What the memory of dumps tells beside their logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dumps: Vec<DumpFacts>,
    /// What they mean.
    pub diagnosis: Diagnosis,
}

/// What made a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub(crate) fn this() -> Tool {
        Tool {
            name: "whydunit".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Why a document is no report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not JSON of the form of a report.
    #[error("not a readable report: {0}")]
    Form(#[from] serde_json::Error),
    /// It is a report of another version.
    #[error("the document has schema version \"{found}\"; this program reads \"{SCHEMA_VERSION}\"")]
    Version {
        /// The version that it has.
        found: String,
    },
}

impl Report {
    /// Explains `events` and puts the answer beside them.
    pub fn of_log(
        inputs: Vec<InputFacts>,
        events: Vec<LogEvent>,
        tracer: Option<&dyn Tracer>,
    ) -> Report {
        Self::of_all(inputs, events, Vec::new(), &[], tracer)
    }

    /// The same with what the memory of dumps tells, and who waits for what.
    pub fn of_all(
        inputs: Vec<InputFacts>,
        events: Vec<LogEvent>,
        dumps: Vec<DumpFacts>,
        waits: &[WaitFacts],
        tracer: Option<&dyn Tracer>,
    ) -> Report {
        let diagnosis = explain_log(LogFacts {
            inputs: &inputs,
            events: &events,
            dumps: &dumps,
            waits,
            tracer,
        });
        Report {
            whydunit_report: SCHEMA_VERSION.to_owned(),
            tool: Tool::this(),
            inputs,
            events,
            dumps,
            diagnosis,
        }
    }

    /// Reads a saved report.
    pub fn from_json(bytes: &[u8]) -> Result<Report, LoadError> {
        /// The version alone: a newer document may not have this one's form.
        #[derive(Deserialize)]
        struct Versioned {
            whydunit_report: String,
        }
        let Versioned { whydunit_report } = serde_json::from_slice(bytes)?;
        if whydunit_report != SCHEMA_VERSION {
            return Err(LoadError::Version {
                found: whydunit_report,
            });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// The name of an input.
    pub fn input_name(&self, input: u32) -> &str {
        usize::try_from(input)
            .ok()
            .and_then(|input| self.inputs.get(input))
            .map_or("", |input| input.name.as_str())
    }

    /// The event of number `index`.
    pub fn event(&self, index: u32) -> Option<&LogEvent> {
        self.events.get(usize::try_from(index).ok()?)
    }
}

/// Whether the beginning of a file looks like a saved report; 256 bytes are enough.
pub fn is_report(beginning: &[u8]) -> bool {
    let text = beginning.get(..256).unwrap_or(beginning).trim_ascii_start();
    let Some(inner) = text.strip_prefix(b"{") else {
        return false;
    };
    inner.trim_ascii_start().starts_with(b"\"whydunit_report\"")
}

/// The JSON schema of a report.
pub fn schema() -> Schema {
    schema_for!(Report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_told_from_other_json() {
        assert!(is_report(b"{\n  \"whydunit_report\": \"1\","));
        assert!(!is_report(b"{\"title\": \"whydunit_report\"}"));
        assert!(!is_report(b""));
    }

    #[test]
    fn a_newer_report_is_refused_by_its_version() {
        let error = Report::from_json(b"{\"whydunit_report\": \"2\"}").unwrap_err();
        assert!(matches!(error, LoadError::Version { .. }));
        assert!(Report::from_json(b"[]").is_err());
    }
}
