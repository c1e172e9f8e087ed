//! The answer for an engineer at a terminal.

use cause::Outcome;

use super::{Format, Options};
use crate::Report;
use crate::layout::{Lead, Page, Role};
use crate::sections::{gap, hang, lines, memory, state, story};

/// Text for people.
pub const ENTRY: Format = Format {
    name: "text",
    about: "the verdict, its evidence and what to do next, for people",
    render,
};

fn render(report: &Report, options: &Options) -> String {
    let mut page = Page::new(options.color, usize::from(options.width));
    verdict(report, &mut page);
    place(report, &mut page);
    evidence(report, &mut page);
    hang::render(report, &mut page);
    state::render(report, &mut page);
    memory::render(report, &mut page);
    story::render(report, &mut page);
    gaps(report, &mut page);
    next(report, &mut page);
    page.finish()
}

fn verdict(report: &Report, page: &mut Page) {
    let margin = Lead::margin(0);
    let Some(finding) = &report.diagnosis.finding else {
        let read = read(report);
        page.paragraph(
            margin,
            &[(Role::Good, &format!("Nothing wrong was found in {read}."))],
        );
        return;
    };
    page.paragraph(margin, &[(Role::Bad, &finding.verdict)]);
    page.blank();
    let sure = match finding.confidence {
        base::Confidence::High => "high",
        base::Confidence::Medium => "medium",
        base::Confidence::Low => "low",
    };
    let cause = match report.diagnosis.outcome() {
        Outcome::CauseNamed if finding.provenance.is_some() => {
            format!("named by the log and the files together; confidence {sure}")
        }
        Outcome::CauseNamed if finding.hang.is_some() => {
            format!("named by who waits for whom; confidence {sure}")
        }
        Outcome::CauseNamed => format!("named by the log itself; confidence {sure}"),
        _ => format!("not found; what is said here is the symptom; confidence {sure}"),
    };
    page.paragraph(
        Lead::label(0, "Title", Role::Dim, 7),
        &[(Role::Strong, &finding.title)],
    );
    page.paragraph(
        Lead::label(0, "Cause", Role::Dim, 7),
        &[(Role::Plain, &cause)],
    );
    for note in &report.diagnosis.notes {
        page.paragraph(Lead::label(0, "Note", Role::Dim, 7), &[(Role::Plain, note)]);
    }
}

/// `1,234 lines of console.log`.
fn read(report: &Report) -> String {
    let total: u64 = report.inputs.iter().map(|input| input.lines).sum();
    let count = cause::words::count(total, "line");
    match report.inputs.as_slice() {
        [] => "no input".to_owned(),
        [only] => format!("{count} of {}", only.name),
        many => format!("{count} of {} inputs", many.len()),
    }
}

fn place(report: &Report, page: &mut Page) {
    let Some(finding) = report.diagnosis.finding.as_ref() else {
        return;
    };
    if finding.places.is_empty() {
        return;
    }
    page.heading("Where");
    let column = finding
        .places
        .iter()
        .map(|place| place.label.chars().count())
        .max();
    let hang = 4 + column.unwrap_or_default();
    for place in &finding.places {
        let role = if place.label == "function" {
            Role::Strong
        } else {
            Role::Plain
        };
        page.paragraph(
            Lead::label(2, &place.label, Role::Dim, hang),
            &[(role, &place.value)],
        );
    }
}

fn evidence(report: &Report, page: &mut Page) {
    let Some(finding) = report.diagnosis.finding.as_ref() else {
        return;
    };
    if finding.evidence.is_empty() {
        return;
    }
    page.heading("Evidence");
    for (number, item) in finding.evidence.iter().enumerate() {
        let known = match &item.span {
            Some(span) => format!("[{}, {}]", item.trust.words(), lines(report, *span)),
            None => format!("[{}]", item.trust.words()),
        };
        let label = format!("{}.", number + 1);
        let hang = if finding.evidence.len() > 9 { 6 } else { 5 };
        page.paragraph(
            Lead::label(2, &label, Role::Dim, hang),
            &[(Role::Plain, &item.says), (Role::Dim, &known)],
        );
    }
}

fn gaps(report: &Report, page: &mut Page) {
    let finding = report.diagnosis.finding.as_ref();
    let gaps: Vec<_> = finding
        .iter()
        .flat_map(|finding| &finding.gaps)
        .chain(&report.diagnosis.gaps)
        .collect();
    if gaps.is_empty() {
        return;
    }
    page.heading("Not determined");
    for one in gaps {
        gap(one, page);
    }
}

fn next(report: &Report, page: &mut Page) {
    let finding = report.diagnosis.finding.as_ref();
    let steps: Vec<_> = finding
        .iter()
        .flat_map(|finding| &finding.next)
        .chain(&report.diagnosis.next)
        .collect();
    if steps.is_empty() {
        return;
    }
    page.heading("Next");
    for (number, step) in steps.iter().enumerate() {
        let label = format!("{}.", number + 1);
        page.paragraph(
            Lead::label(2, &label, Role::Dim, 5),
            &[(Role::Plain, &step.what)],
        );
        if let Some(command) = &step.command {
            // A command is copied: it is never wrapped or cut.
            page.command(5, command);
        }
    }
}
