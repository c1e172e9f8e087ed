//! Hangs: who waits for whom, and why nobody goes on.
//!
//! The facts say who waits and who has what; here they become a graph. A circle in it is a deadlock, whatever it is
//! made of. Where there is none, the one that all wait for is told, if the wait is long: a short one ends by itself.

mod blocker;
mod build;
mod cycle;
mod deadlock;
mod graph;
mod lost;
mod order;
#[cfg(test)]
mod tests;
mod words;

use base::{Finding, HangShape, WaitFacts};

pub use words::{has, name, resource, short, site, start, thread, way};

use graph::Graph;

/// Hangs that are told of one target.
const MOST: usize = 32;

/// Waits this long, in microseconds, are held for hangs where no circle proves one: those of a healthy system are
/// shorter. The kernel's own detector waits as long (`CONFIG_DEFAULT_HUNG_TASK_TIMEOUT`).
const LONG_US: u64 = 120_000_000;

/// The same where the kernel said that something does not move: the waits that it means may be younger.
const SUSPECT_US: u64 = 10_000_000;

/// The hangs that the facts show, the most certain first, then those behind which most threads wait.
///
/// `is_suspect` says that something else tells of a hang: then shorter waits count, too.
pub fn find(facts: &WaitFacts, is_suspect: bool) -> Vec<Finding> {
    let long = if is_suspect { SUSPECT_US } else { LONG_US };
    let sure = Graph::new(facts, false);
    let stuck = sure.stuck();
    let mut found = deadlock::find(&sure, &stuck);
    found.extend(lost::find(&sure, &stuck));
    if found.is_empty() {
        // What may be had counts only where nothing is sure.
        let all = Graph::new(facts, true);
        let stuck = all.stuck();
        found.extend(
            deadlock::find(&all, &stuck)
                .into_iter()
                .filter(|finding| longest(finding) >= long),
        );
    }
    if found.is_empty() {
        found.extend(blocker::find(&Graph::new(facts, true), long));
    }
    found.sort_by_key(|finding| {
        let hang = finding.hang.as_ref();
        let threads = hang.map_or(0, |hang| hang.behind + hang.threads.len() as u64);
        let is_circle =
            hang.is_some_and(|hang| matches!(hang.shape, HangShape::Cycle | HangShape::Itself));
        (!is_circle, std::cmp::Reverse((finding.confidence, threads)))
    });
    found.truncate(MOST);
    found
}

/// The places in [`WaitFacts::threads`] of those that the findings tell of: their stacks and lines are worth having.
pub fn involved(facts: &WaitFacts) -> Vec<u32> {
    let findings = find(facts, true);
    let hangs = findings.iter().filter_map(|finding| finding.hang.as_ref());
    let told: Vec<_> = hangs.flat_map(|hang| &hang.threads).collect();
    let is_told = |party: &base::Party| {
        told.iter()
            .any(|told| told.address == party.address && told.thread == party.thread)
    };
    let each = (0u32..).zip(&facts.threads);
    each.filter(|(_, party)| is_told(party))
        .map(|(number, _)| number)
        .collect()
}

/// The longest wait of a hang, in microseconds.
fn longest(finding: &Finding) -> u64 {
    let hang = finding.hang.as_ref();
    hang.and_then(|hang| hang.longest_us).unwrap_or(0)
}
