//! A value and what is missing from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A named hole: what could not be read or concluded, why, and what would fill it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// What is missing, as a noun phrase (`the call trace`).
    pub what: String,
    /// Why it is missing.
    pub why: String,
    /// What the reader can supply to fill it; empty when nothing can.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub supply: String,
}

impl Gap {
    /// A gap that nothing can fill.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Gap {
            what: what.into(),
            why: why.into(),
            supply: String::new(),
        }
    }

    /// The same gap with what would fill it.
    #[must_use]
    pub fn supply(mut self, supply: impl Into<String>) -> Self {
        self.supply = supply.into();
        self
    }
}

/// A value that may be incomplete, with its gaps: absence is never silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial<T> {
    /// What could be had.
    pub value: T,
    /// What could not.
    pub gaps: Vec<Gap>,
}

impl<T> Partial<T> {
    /// A value that lacks nothing.
    pub fn whole(value: T) -> Self {
        Partial {
            value,
            gaps: Vec::new(),
        }
    }
}
