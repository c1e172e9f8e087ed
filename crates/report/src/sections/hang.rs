//! A hang step by step, and the stacks of its threads.

use base::{Finding, Hang, HangLink, LinkReason, Mode, Party};
use cause::{hangs, words};

use super::frames::{self, Marks};
use crate::Report;
use crate::layout::{Lead, Page, Role};

/// Frames of each thread's stack.
const FRAMES: usize = 12;
/// Threads whose stacks are shown.
const STACKS: usize = 8;
/// Other hangs that are told.
const OTHERS: usize = 16;

/// The hang of the verdict, and what else hangs.
pub fn render(report: &Report, page: &mut Page) {
    let main = report.diagnosis.finding.as_ref();
    if let Some(hang) = main.and_then(|finding| finding.hang.as_ref()) {
        timeline(hang, page);
        behind(hang, page);
        stacks(hang, page);
    }
    others(report, page);
}

/// What was done in which order: everything was taken before anybody waited for it, and the longest wait is the first.
fn timeline(hang: &Hang, page: &mut Page) {
    let mut steps: Vec<String> = Vec::new();
    let party = |number: u32| {
        let place = usize::try_from(number).ok()?;
        hang.threads.get(place)
    };
    let taken = hang
        .links
        .iter()
        .filter(|link| link.reason == LinkReason::Has && link.has != Mode::Event);
    for link in taken {
        if let Some(holder) = link.holder.and_then(party) {
            steps.push(took(link, holder));
        }
    }
    let mut waits: Vec<&HangLink> = hang.links.iter().collect();
    waits.sort_by_key(|link| std::cmp::Reverse(link.for_us));
    let last = waits.len().saturating_sub(1);
    for (at, link) in waits.into_iter().enumerate() {
        if let Some(waiter) = party(link.waiter) {
            let for_ever = at == last
                && matches!(hang.shape, base::HangShape::Cycle | base::HangShape::Itself);
            steps.push(waited(link, waiter, for_ever));
        }
    }
    if steps.is_empty() {
        return;
    }
    page.heading("How it came to it");
    let hanging = if steps.len() > 9 { 6 } else { 5 };
    for (number, step) in steps.iter().enumerate() {
        let label = format!("{}.", number + 1);
        page.paragraph(
            Lead::label(2, &label, Role::Dim, hanging),
            &[(Role::Plain, &format!("{}.", hangs::start(step)))],
        );
    }
}

fn took(link: &HangLink, holder: &Party) -> String {
    let may = if link.is_certain {
        "took"
    } else {
        "may have taken"
    };
    let within = link
        .taken_at
        .as_ref()
        .map_or_else(String::new, |site| format!(" in {}", hangs::site(site)));
    let way = hangs::way(&link.resource, link.has);
    format!(
        "{} {may} {}{way}{within}.",
        hangs::thread(holder),
        hangs::name(&link.resource)
    )
}

fn waited(link: &HangLink, waiter: &Party, for_ever: bool) -> String {
    let within = link
        .waits_at
        .as_ref()
        .map_or_else(String::new, |site| format!(" in {}", hangs::site(site)));
    let way = hangs::way(&link.resource, link.wants);
    let ever = if for_ever { ", and waits for ever" } else { "" };
    let since = match link.for_us.filter(|us| *us >= 1_000_000) {
        Some(us) => format!(" ({} before the end)", words::duration(us)),
        None => String::new(),
    };
    let verb = if link.wants == Mode::Event {
        "waited for"
    } else {
        "wanted"
    };
    format!(
        "{} {verb} {}{way}{within}{ever}{since}.",
        hangs::thread(waiter),
        hangs::name(&link.resource)
    )
}

fn behind(hang: &Hang, page: &mut Page) {
    if hang.behind == 0 {
        return;
    }
    let named: Vec<String> = hang.some_behind.iter().map(hangs::thread).collect();
    let more = hang.behind.saturating_sub(named.len() as u64);
    let mut text = words::list(&named);
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    page.heading("Behind them");
    page.paragraph(Lead::margin(2), &[(Role::Plain, &format!("{text}."))]);
}

fn stacks(hang: &Hang, page: &mut Page) {
    for party in hang.threads.iter().take(STACKS) {
        let Some(stack) = &party.stack else {
            continue;
        };
        page.heading(&format!("Stack of {}", hangs::thread(party)));
        frames::render(stack, 0, FRAMES, Marks::Notable, page);
    }
}

/// Hangs beside the verdict.
fn others(report: &Report, page: &mut Page) {
    let is_hang = |finding: &&Finding| finding.hang.is_some();
    let others: Vec<&Finding> = report.diagnosis.others.iter().filter(is_hang).collect();
    if others.is_empty() {
        return;
    }
    page.heading("What else hangs");
    for finding in others.iter().take(OTHERS) {
        page.paragraph(
            Lead::label(2, "-", Role::Dim, 4),
            &[(Role::Plain, &finding.verdict)],
        );
    }
    if let Some(more) = others.len().checked_sub(OTHERS).filter(|more| *more > 0) {
        page.paragraph(Lead::margin(4), &[(Role::Dim, &format!("… {more} more"))]);
    }
}
