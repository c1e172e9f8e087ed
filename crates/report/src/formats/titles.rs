//! One title a line, in the order of the log.

use super::{Format, Options};
use crate::Report;
use crate::safe::safe;

/// Titles for people and shell scripts.
pub const ENTRY: Format = Format {
    name: "titles",
    about: "the title of every event, one a line",
    render,
};

fn render(report: &Report, _: &Options) -> String {
    let mut out = String::new();
    for event in &report.events {
        out.push_str(&safe(&event.title));
        out.push('\n');
    }
    out
}
