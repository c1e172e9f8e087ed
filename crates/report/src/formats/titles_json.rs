//! One JSON object a line and event: what a deduplicating collector needs.

use base::LogEvent;
use serde::Serialize;

use super::{Format, Options, json};
use crate::Report;

/// Titles for programs.
pub const ENTRY: Format = Format {
    name: "titles-json",
    about: "one JSON object a line and event: file, lines, title, type, frame",
    render,
};

/// One line; the names are part of the interface.
#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line_start: u64,
    line_end: u64,
    title: &'a str,
    alt: &'a [String],
    #[serde(rename = "type")]
    class: &'a str,
    frame: Option<&'a str>,
    corrupted: bool,
    crash: bool,
}

fn render(report: &Report, _: &Options) -> String {
    report
        .events
        .iter()
        .map(|event| row(report.input_name(event.span.input), event))
        .collect()
}

/// The line of one event, with its line end.
pub fn row(file: &str, event: &LogEvent) -> String {
    json::line(&Row {
        file,
        line_start: event.span.start,
        line_end: event.span.end,
        title: &event.title,
        alt: &event.alt,
        class: &event.class,
        frame: event.frame.as_deref(),
        corrupted: event.corrupted.is_some(),
        crash: event.crash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_every_member() {
        let event = LogEvent {
            title: "BUG: \"x\"".into(),
            crash: true,
            ..LogEvent::default()
        };
        assert_eq!(
            row("a.log", &event),
            "{\"file\":\"a.log\",\"line_start\":0,\"line_end\":0,\"title\":\"BUG: \\\"x\\\"\",\
             \"alt\":[],\"type\":\"\",\"frame\":null,\"corrupted\":false,\"crash\":true}\n"
        );
    }
}
