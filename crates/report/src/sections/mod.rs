//! Sections of the text format that are long enough for a file of their own.

pub mod state;
pub mod story;

use base::LineSpan;

use crate::Report;

/// `line 12`, `lines 12-15`; with several inputs `console.log:12`.
pub fn lines(report: &Report, span: LineSpan) -> String {
    let many = report.inputs.len() > 1;
    match (many, span.end > span.start) {
        (true, true) => format!(
            "{}:{}-{}",
            report.input_name(span.input),
            span.start,
            span.end
        ),
        (true, false) => format!("{}:{}", report.input_name(span.input), span.start),
        (false, true) => format!("lines {}-{}", span.start, span.end),
        (false, false) => format!("line {}", span.start),
    }
}
