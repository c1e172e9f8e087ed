//! A circle of waits: none of its threads can ever go on.

use base::{Confidence, Finding, HangLink, HangShape, LinkReason, Party};

use super::build::{Made, Told};
use super::cycle::cycles;
use super::graph::{Edge, Graph, index};
use super::{order, words};

/// The deadlocks of the graph.
pub fn find(graph: &Graph<'_>, stuck: &[bool]) -> Vec<Finding> {
    let cycles = cycles(graph, stuck);
    cycles
        .into_iter()
        .map(|cycle| one(graph, first_to_wait(graph, cycle)))
        .collect()
}

/// The circle from the thread on that has waited longest: it came first.
fn first_to_wait(graph: &Graph<'_>, mut cycle: Vec<Edge>) -> Vec<Edge> {
    let waited = |edge: &Edge| {
        let wait = graph.facts.waits.get(edge.wait);
        wait.and_then(|wait| wait.for_us).unwrap_or(0)
    };
    let longest = cycle.iter().map(waited).max().unwrap_or(0);
    if let Some(at) = cycle.iter().position(|edge| waited(edge) == longest) {
        cycle.rotate_left(at);
    }
    cycle
}

fn one(graph: &Graph<'_>, cycle: Vec<Edge>) -> Finding {
    let mut made = Made::new(graph);
    for edge in &cycle {
        made.edge(edge);
    }
    let party = |thread: u32| graph.facts.threads.get(index(thread));
    let parties: Vec<&Party> = cycle.iter().filter_map(|edge| party(edge.from)).collect();
    let (shape, verdict) = match parties.as_slice() {
        [one] => (HangShape::Itself, itself(one, made.links.first())),
        many => (HangShape::Cycle, circle(many, &made.links)),
    };
    let is_certain = cycle.iter().all(|edge| edge.is_certain);
    let mut verdict = vec![verdict];
    verdict.extend(trap(&parties, &made.links));
    let told = Told {
        detector: "deadlock",
        title: title(&made.links),
        verdict,
        cause_named: is_certain,
        confidence: if is_certain {
            Confidence::High
        } else {
            Confidence::Low
        },
        next: order::advice(graph.facts, &cycle, &made.links, &parties),
    };
    made.finish(shape, told)
}

/// A name that is the same on every machine: the functions in which they wait.
fn title(links: &[HangLink]) -> String {
    let mut functions: Vec<String> = links
        .iter()
        .map(|link| match &link.waits_at {
            Some(site) => site.function.clone(),
            None => link.resource.kind.clone(),
        })
        .collect();
    functions.sort_unstable();
    functions.dedup();
    format!("deadlock in {}", crate::words::list(&functions))
}

fn itself(party: &Party, link: Option<&HangLink>) -> String {
    let Some(link) = link else {
        return String::new();
    };
    let who = words::thread(party);
    let what = words::resource(&link.resource);
    let within = words::within(link.waits_at.as_ref());
    match link.has {
        base::Mode::Event => {
            format!(
                "Deadlock of one thread: {who} waits{within} for {what}, which only it can bring about."
            )
        }
        _ => {
            let way = words::way(&link.resource, link.wants);
            let verb = if link.is_certain { "holds" } else { "may hold" };
            let taken = link.taken_at.as_ref();
            let taken = taken.map_or_else(String::new, |site| {
                format!(", taken in {}", words::site(site))
            });
            format!(
                "Deadlock of one thread: {who} waits{within} for {what}{way}, which it {verb} itself{taken}."
            )
        }
    }
}

fn circle(parties: &[&Party], links: &[HangLink]) -> String {
    let count = match parties.len() {
        2 => "two threads wait for each other for ever".to_owned(),
        3 => "three threads wait for each other in a circle for ever".to_owned(),
        many => format!("{many} threads wait for each other in a circle for ever"),
    };
    let next = |at: usize| parties.get((at + 1) % parties.len().max(1));
    let step = |(at, (party, link)): (usize, (&&Party, &HangLink))| {
        let way = words::way(&link.resource, link.wants);
        let holder = next(at).map_or_else(String::new, |holder| words::thread(holder));
        let has = match link.reason {
            LinkReason::QueuedBefore => format!(
                "{holder} is queued{} before it",
                words::way(&link.resource, link.has)
            ),
            LinkReason::Has => match (link.has, link.is_certain) {
                (base::Mode::Event, true) => format!("{holder} must bring it about"),
                (base::Mode::Event, false) => format!("{holder} may have to bring it about"),
                (mode, true) => format!("{holder} holds it{}", words::way(&link.resource, mode)),
                (mode, false) => {
                    format!("{holder} may hold it{}", words::way(&link.resource, mode))
                }
            },
        };
        format!(
            "{} waits for {}{way}, and {has}",
            words::thread(party),
            words::resource(&link.resource)
        )
    };
    let steps: Vec<String> = parties.iter().zip(links).enumerate().map(step).collect();
    let deadlock = match links.iter().all(|link| link.is_certain) {
        true => "Deadlock",
        false => "Perhaps a deadlock",
    };
    format!("{deadlock}: {count}. {}.", words::start(&steps.join("; ")))
}

/// What makes a circle that holds a queued writer one.
fn trap(parties: &[&Party], links: &[HangLink]) -> Option<String> {
    let at = links
        .iter()
        .position(|link| link.reason == LinkReason::QueuedBefore)?;
    let (reader, link) = (parties.get(at)?, links.get(at)?);
    let writer = parties.get((at + 1) % parties.len().max(1))?;
    Some(format!(
        "A reader that comes behind a queued writer waits for it: {} would get {} at once if {} did not want it for \
         writing.",
        words::short(reader),
        words::name(&link.resource),
        words::short(writer)
    ))
}
