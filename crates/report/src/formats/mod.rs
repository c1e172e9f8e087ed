//! The formats, each a pure function of a report.

use crate::Report;

/// How a report is shown, as far as the reader decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether to colour; the caller knows whether a terminal listens.
    pub color: bool,
    /// Cells of a line; less than 40 counts as 40.
    pub width: u16,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            color: false,
            width: 80,
        }
    }
}

/// One format.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Renders a report, with its last line end.
    pub render: fn(&Report, &Options) -> String,
}

base::registry! {
    /// Every format, the one for people first.
    pub static FORMATS: [Format] = [text, json, titles, titles_json];
}

/// A document as JSON.
pub(crate) fn as_json<T: serde::Serialize>(document: &T) -> String {
    json::pretty(document)
}

impl Format {
    /// The format called `name`.
    pub fn find(name: &str) -> Option<&'static Format> {
        FORMATS.iter().copied().find(|format| format.name == name)
    }
}
