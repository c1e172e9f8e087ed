//! No circle: the one thread, or the one event, that all the others wait for.

use std::collections::{BTreeMap, VecDeque};

use base::{Confidence, Finding, HangShape, NextStep};

use super::build::{Made, Told, next};
use super::graph::{Edge, Graph, index};
use super::words;

/// A lone wait for an event is held for a hang after this time, in microseconds, as by the kernel's own detector
/// (`CONFIG_DEFAULT_HUNG_TASK_TIMEOUT`).
const LONE_US: u64 = 120_000_000;

/// Roots that are told.
const MOST: usize = 4;

/// The roots behind which threads wait for `long`, in microseconds.
pub fn find(graph: &Graph<'_>, long: u64) -> Vec<Finding> {
    let mut roots: Vec<(usize, u64, u32)> = Vec::new();
    for thread in 0..graph.len() {
        if !graph.edges(thread).is_empty() {
            continue;
        }
        let behind = graph.behind(&[thread]);
        let waited = |thread: &u32| {
            graph
                .wait(*thread)
                .and_then(|wait| wait.for_us)
                .unwrap_or(0)
        };
        let own = waited(&thread);
        let longest = behind.iter().map(waited).max().unwrap_or(0).max(own);
        let enough = if behind.is_empty() { LONE_US } else { long };
        if longest >= enough {
            roots.push((behind.len(), longest, thread));
        }
    }
    roots
        .sort_by_key(|(behind, longest, thread)| (std::cmp::Reverse((*behind, *longest)), *thread));
    roots
        .iter()
        .take(MOST)
        .filter_map(|(_, _, root)| one(graph, *root))
        .collect()
}

/// The chain from the one that has waited longest to the root, and what the root does.
fn one(graph: &Graph<'_>, root: u32) -> Option<Finding> {
    let mut made = Made::new(graph);
    for edge in chain(graph, root) {
        made.edge(&edge);
    }
    let own = graph.wait(root);
    if let Some(wait) = own {
        made.nobody(root, wait);
    }
    made.thread(root);
    let party = made.party(root);
    let who = words::thread(&party);
    let (shape, verdict, title) = match own {
        Some(_) => {
            let link = made.links.last()?;
            let what = words::resource(&link.resource);
            let within = words::within(link.waits_at.as_ref());
            let verdict = format!(
                "{who} waits{within} for {what}, and nobody is known who will bring it about."
            );
            let place = link.waits_at.as_ref().map(|site| site.function.as_str());
            let title = format!(
                "endless wait for {} in {}",
                link.resource.kind,
                place.unwrap_or("the kernel")
            );
            (HangShape::Ownerless, verdict, title)
        }
        None => {
            let does = match party.does.as_str() {
                "" => "what it does is not known",
                does => does,
            };
            let held = made.links.last().map(words::has);
            let held = held.map_or_else(String::new, |held| format!(" {held} and"));
            let verdict = format!("All wait for {who}: it{held} does not let go; {does}.");
            let title = match made.links.last() {
                Some(link) => format!(
                    "{} held for long, wanted in {}",
                    link.resource.kind,
                    waited_in(link)
                ),
                None => "a thread that others wait for".to_owned(),
            };
            (HangShape::Blocker, verdict, title)
        }
    };
    let told = Told {
        detector: "blocker",
        title,
        verdict: vec![verdict],
        cause_named: shape == HangShape::Blocker && !party.does.is_empty(),
        confidence: Confidence::Medium,
        next: advice(&who, shape),
    };
    Some(made.finish(shape, told))
}

fn waited_in(link: &base::HangLink) -> &str {
    link.waits_at
        .as_ref()
        .map_or("the kernel", |site| site.function.as_str())
}

fn advice(who: &str, shape: HangShape) -> Vec<NextStep> {
    match shape {
        HangShape::Ownerless => vec![next(
            "Look for who should have signalled it, and whether that was ever started.",
        )],
        _ => vec![next(format!(
            "Look at the stack of {who}: what it does there, it does while the others wait."
        ))],
    }
}

/// The edges from the thread that has waited longest behind the root to it.
fn chain(graph: &Graph<'_>, root: u32) -> Vec<Edge> {
    let mut toward: BTreeMap<u32, Vec<Edge>> = BTreeMap::new();
    for thread in 0..graph.len() {
        for edge in graph.edges(thread) {
            toward.entry(edge.to).or_default().push(*edge);
        }
    }
    let mut came: BTreeMap<u32, Edge> = BTreeMap::new();
    let mut work = VecDeque::from([root]);
    while let Some(at) = work.pop_front() {
        for edge in toward.get(&at).into_iter().flatten() {
            if edge.from != root && !came.contains_key(&edge.from) {
                came.insert(edge.from, *edge);
                work.push_back(edge.from);
            }
        }
    }
    let waited = |edge: &Edge| {
        let wait = graph.facts.waits.get(edge.wait);
        wait.and_then(|wait| wait.for_us).unwrap_or(0)
    };
    let Some(mut at) = came
        .values()
        .max_by_key(|edge| (waited(edge), std::cmp::Reverse(edge.from)))
    else {
        return Vec::new();
    };
    let mut chain = vec![*at];
    while at.to != root && chain.len() <= index(graph.len()) {
        let Some(edge) = came.get(&at.to) else {
            break;
        };
        chain.push(*edge);
        at = edge;
    }
    chain
}
