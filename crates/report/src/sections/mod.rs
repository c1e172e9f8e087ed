//! Sections of the text format that are long enough for a file of their own.

pub mod frames;
pub mod hang;
pub mod memory;
pub mod state;
pub mod story;

use base::{Gap, LineSpan};

use crate::Report;
use crate::layout::{Lead, Page, Role};

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

/// What is missing, why, and what would fill it.
pub fn gap(gap: &Gap, page: &mut Page) {
    let what = format!("{}:", gap.what);
    let why = format!("{}.", gap.why.trim_end_matches('.'));
    let mut pieces = vec![(Role::Plain, what.as_str()), (Role::Dim, &why)];
    let supply = format!("Supply {}.", gap.supply.trim_end_matches('.'));
    if !gap.supply.is_empty() {
        pieces.push((Role::Plain, &supply));
    }
    page.paragraph(Lead::label(2, "-", Role::Dim, 4), &pieces);
}
