//! What else was in the log, by how it stands to the verdict's event.

use base::{Finding, LineSpan};
use cause::{Relation, StoryRow};

use super::lines;
use crate::Report;
use crate::layout::{Lead, Page, Role};

/// Rows under one heading; the rest is counted.
const ROWS: usize = 12;

/// The relations in the order of telling, with their headings.
const GROUPS: &[(Relation, &str)] = &[
    (Relation::Earlier, "Before it"),
    (Relation::Together, "Together with it"),
    (Relation::Repeat, "Again"),
    (Relation::Consequence, "Followed from it"),
    (Relation::Separate, "Not shown to follow from it"),
    (Relation::Note, "Notes"),
];

/// The other events, and the taint letters.
pub fn render(report: &Report, page: &mut Page) {
    let diagnosis = &report.diagnosis;
    if diagnosis.story.is_empty() && diagnosis.taint.is_empty() {
        return;
    }
    page.heading("What else was in the log");
    for mark in &diagnosis.taint {
        let means = if mark.means.is_empty() {
            "a letter that is not known here"
        } else {
            &mark.means
        };
        let label = format!("Taint {}:", mark.letter);
        page.paragraph(
            Lead::label(2, &label, Role::Dim, 11),
            &[(Role::Plain, means)],
        );
    }
    for (relation, heading) in GROUPS {
        let rows: Vec<&StoryRow> = diagnosis
            .story
            .iter()
            .filter(|row| row.relation == *relation)
            .collect();
        if rows.is_empty() {
            continue;
        }
        page.paragraph(Lead::margin(2), &[(Role::Strong, &format!("{heading}:"))]);
        let mut said: Option<&str> = None;
        for row in rows.iter().take(ROWS) {
            one(report, row, said, page);
            said = Some(&row.why);
        }
        if let Some(more) = rows.len().checked_sub(ROWS).filter(|more| *more > 0) {
            page.paragraph(Lead::margin(6), &[(Role::Dim, &format!("… {more} more"))]);
        }
    }
}

/// One row; a reason that the row before gave is not said twice.
fn one(report: &Report, row: &StoryRow, said: Option<&str>, page: &mut Page) {
    let last = row
        .events
        .last()
        .and_then(|&index| report.event(index))
        .map_or(row.span, |event| event.span);
    let span = match row.events.len() {
        0 | 1 => row.span,
        _ => LineSpan {
            end: last.end,
            ..row.span
        },
    };
    let times = match row.events.len() {
        0 | 1 => String::new(),
        many => format!("{many} times, "),
    };
    let at = format!("({times}{})", lines(report, span));
    let mut why = String::new();
    if let Some(finding) = verdict_of(report, row) {
        why.push_str(first_sentence(&finding.verdict));
    }
    let in_evidence = report.diagnosis.finding.as_ref().is_some_and(|finding| {
        row.events
            .iter()
            .all(|event| finding.events.contains(event))
    });
    if in_evidence && row.relation != Relation::Consequence {
        why.push_str(" See the evidence above.");
    } else if !matches!(row.relation, Relation::Note | Relation::Repeat) && said != Some(&row.why) {
        why.push_str(&format!(" {} [{}]", row.why, row.trust.words()));
    }
    page.paragraph(
        Lead::label(4, "-", Role::Dim, 6),
        &[
            (Role::Plain, &row.title),
            (Role::Dim, &at),
            (Role::Plain, &why),
        ],
    );
}

/// The first sentence of a verdict; a full stop inside a name ends none.
fn first_sentence(verdict: &str) -> &str {
    match verdict.find(". ") {
        Some(end) => verdict.get(..=end).unwrap_or(verdict),
        None => verdict,
    }
}

/// What a detector said about the row's first event.
fn verdict_of<'a>(report: &'a Report, row: &StoryRow) -> Option<&'a Finding> {
    report
        .diagnosis
        .others
        .iter()
        .find(|finding| finding.events.first() == row.events.first())
}
