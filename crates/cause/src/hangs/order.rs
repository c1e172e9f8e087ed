//! The order in which the threads of a circle take their locks, and who of them does it against the others.

use std::collections::BTreeMap;

use base::{HangLink, LinkReason, Mode, NextStep, Party, WaitFacts};

use super::build::next;
use super::graph::Edge;
use super::words;

/// What to change, by the order in which each thread of the circle took and wants.
pub fn advice(
    facts: &WaitFacts,
    cycle: &[Edge],
    links: &[HangLink],
    parties: &[&Party],
) -> Vec<NextStep> {
    let is_of_locks = links
        .iter()
        .all(|link| link.has != Mode::Event && link.reason == LinkReason::Has);
    if let ([_], [link]) = (parties, links) {
        return alone(link);
    }
    if !is_of_locks || links.len() != parties.len() {
        return vec![next(
            "Break the circle at one of its steps: what one of them waits for must not need what it has.",
        )];
    }
    // A thread holds what the one before it in the circle waits for.
    let count = links.len();
    let mut steps = Vec::new();
    for (at, (party, wants)) in parties.iter().zip(links).enumerate() {
        let Some(held) = links.get((at + count - 1) % count) else {
            continue;
        };
        steps.push(format!(
            "{} takes {}{}, then {}{}",
            words::short(party),
            words::name(&held.resource),
            words::within(held.taken_at.as_ref()),
            words::name(&wants.resource),
            words::within(wants.waits_at.as_ref())
        ));
    }
    let mut all = vec![next(format!(
        "Let all take the locks in one order: {}.",
        steps.join("; ")
    ))];
    all.extend(violator(facts, cycle, parties, links));
    all
}

fn alone(link: &HangLink) -> Vec<NextStep> {
    let name = words::name(&link.resource);
    let (waits, taken) = (link.waits_at.as_ref(), link.taken_at.as_ref());
    vec![next(match (link.has, waits, taken) {
        (Mode::Event, ..) => format!("Do not wait for {name} in what must bring it about."),
        (_, Some(waits), Some(taken)) => format!(
            "{} is called with {name} held since {}: give it back before, or call a variant that expects it held.",
            waits.function, taken.function
        ),
        _ => format!(
            "Find where it took {name} before: it must give it back first, or not take it again."
        ),
    })]
}

/// The thread of a circle of two whose order no other thread has, where others have the opposite one.
fn violator(
    facts: &WaitFacts,
    cycle: &[Edge],
    parties: &[&Party],
    links: &[HangLink],
) -> Option<NextStep> {
    let ([one, two], [first, second]) = (cycle, links) else {
        return None;
    };
    let of = |edge: &Edge| facts.waits.get(edge.wait).map(|wait| wait.resource);
    let (wanted, held) = (of(one)?, of(two)?);
    let orders = orders(facts, &[one.from, two.from]);
    let same = orders.get(&(held, wanted)).copied().unwrap_or(0);
    let opposite = orders.get(&(wanted, held)).copied().unwrap_or(0);
    let (wrong, count) = match (same, opposite) {
        (0, 1..) => (0, opposite),
        (1.., 0) => (1, same),
        _ => return None,
    };
    let party = parties.get(wrong)?;
    let link = if wrong == 0 { first } else { second };
    Some(next(format!(
        "{} is the one to change{}: {} also take them in the other order.",
        words::short(party),
        words::within(link.waits_at.as_ref()),
        crate::words::count(count, "thread"),
    )))
}

/// How many threads beside `without` took or want a second resource while they have a first.
fn orders(facts: &WaitFacts, without: &[u32]) -> BTreeMap<(u32, u32), u64> {
    let mut held: BTreeMap<u32, Vec<(u32, Option<u32>)>> = BTreeMap::new();
    for hold in facts.holds.iter().filter(|hold| hold.is_certain) {
        let frame = hold.site.as_ref().and_then(|site| site.frame);
        held.entry(hold.thread)
            .or_default()
            .push((hold.resource, frame));
    }
    let mut orders = BTreeMap::new();
    for (thread, resources) in held.iter().filter(|(thread, _)| !without.contains(thread)) {
        for (first, outer) in resources {
            for (second, inner) in resources {
                // What lies deeper in the stack was done before.
                if outer.is_some() && inner.is_some() && outer > inner {
                    *orders.entry((*first, *second)).or_insert(0) += 1;
                }
            }
            let waits = facts.waits.iter().filter(|wait| wait.thread == *thread);
            for wait in waits.filter(|wait| wait.resource != *first) {
                *orders.entry((*first, wait.resource)).or_insert(0) += 1;
            }
        }
    }
    orders
}
