//! Waits that nobody will end: who had it is gone, or nobody has it and the first of the queue sleeps on.

use std::collections::BTreeMap;

use base::{Confidence, Finding, HangShape, Trust};

use super::build::{Made, Told, next};
use super::graph::{Edge, Graph, index};
use super::words;

/// The waits of which the owner is gone, or that have none.
pub fn find(graph: &Graph<'_>, stuck: &[bool]) -> Vec<Finding> {
    let mut found = gone(graph, stuck);
    found.extend(ownerless(graph));
    found
}

/// Waits for threads that have ended, by what they had.
fn gone(graph: &Graph<'_>, stuck: &[bool]) -> Vec<Finding> {
    let facts = graph.facts;
    let mut first: BTreeMap<(u32, u32), Edge> = BTreeMap::new();
    for thread in 0..graph.len() {
        let is_stuck = stuck.get(index(thread)).copied().unwrap_or(false);
        for edge in graph.edges(thread).iter().filter(|_| is_stuck) {
            let (Some(owner), Some(wait)) = (
                facts.threads.get(index(edge.to)),
                facts.waits.get(edge.wait),
            ) else {
                continue;
            };
            if !owner.is_gone {
                continue;
            }
            let longest = first.entry((edge.to, wait.resource)).or_insert(*edge);
            let waited = |edge: &Edge| facts.waits.get(edge.wait).and_then(|wait| wait.for_us);
            if waited(edge) > waited(longest) {
                *longest = *edge;
            }
        }
    }
    first
        .into_values()
        .filter_map(|edge| of_gone(graph, &edge))
        .collect()
}

fn of_gone(graph: &Graph<'_>, edge: &Edge) -> Option<Finding> {
    let mut made = Made::new(graph);
    made.edge(edge);
    let (waiter, owner) = (made.party(edge.from), made.party(edge.to));
    let link = made.links.first()?;
    let what = words::resource(&link.resource);
    let who = words::thread(&owner);
    let verdict = format!(
        "{} waits{} for {what}, which a thread had that has ended without giving it back: {who}.",
        words::thread(&waiter),
        words::within(link.waits_at.as_ref())
    );
    let title = match &link.waits_at {
        Some(site) => format!(
            "{} of a thread that has ended wanted in {}",
            link.resource.kind, site.function
        ),
        None => format!("{} of a thread that has ended", link.resource.kind),
    };
    let name = words::name(&link.resource);
    let told = Told {
        detector: "owner_gone",
        title,
        verdict: vec![verdict],
        cause_named: true,
        confidence: Confidence::High,
        next: vec![next(format!(
            "Look for the way on which {} ends while it holds {name}: an early return, or an end that it did not expect.",
            words::short(&owner)
        ))],
    };
    Some(made.finish(HangShape::OwnerGone, told))
}

/// Locks that are free while the first of their queue sleeps on.
fn ownerless(graph: &Graph<'_>) -> Vec<Finding> {
    let facts = graph.facts;
    let mut found = Vec::new();
    for oddity in facts
        .oddities
        .iter()
        .filter(|oddity| oddity.kind == "no_owner")
    {
        if facts
            .holds
            .iter()
            .any(|hold| hold.resource == oddity.resource)
        {
            continue;
        }
        let waits = facts
            .waits
            .iter()
            .filter(|wait| wait.resource == oddity.resource);
        let Some(wait) = waits.min_by_key(|wait| wait.place) else {
            continue;
        };
        let is_asleep = graph.wait(wait.thread).is_some_and(|known| known == wait);
        // It was woken and has not run yet: the lock is about to be taken.
        if !is_asleep {
            continue;
        }
        let mut made = Made::new(graph);
        made.nobody(wait.thread, wait);
        made.says(
            oddity.known.says.clone(),
            oddity.known.trust,
            oddity.known.span,
        );
        let Some(link) = made.links.first() else {
            continue;
        };
        let waiter = made.party(wait.thread);
        let what = words::resource(&link.resource);
        let verdict = format!(
            "{} sleeps{} for {what}, which is free: it was not woken when that was given back.",
            words::thread(&waiter),
            words::within(link.waits_at.as_ref())
        );
        let title = format!("lost wake-up of {}", link.resource.kind);
        made.says(
            "the first of the queue sleeps, though nobody has what it waits for".to_owned(),
            Trust::Inferred,
            None,
        );
        let told = Told {
            detector: "lost_wake_up",
            title,
            verdict: vec![verdict],
            cause_named: true,
            confidence: Confidence::Medium,
            next: vec![next(
                "Look for a release that does not wake: the lock's memory overwritten, or initialised again while in use.",
            )],
        };
        found.push(made.finish(HangShape::Ownerless, told));
    }
    found
}
