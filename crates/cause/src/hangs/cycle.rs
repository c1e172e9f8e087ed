//! Circles of the wait graph: one, the shortest, of each knot of threads that wait for each other.

use std::collections::{BTreeMap, VecDeque};

use super::graph::{Edge, Graph, index};

/// Threads of a knot from which the shortest circle is looked for.
const STARTS: usize = 256;

/// The shortest circle of each knot among the threads that are stuck, as edges in their order.
pub fn cycles(graph: &Graph<'_>, stuck: &[bool]) -> Vec<Vec<Edge>> {
    let knots = knots(graph, stuck);
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (thread, knot) in (0u32..).zip(&knots) {
        if let Some(knot) = knot {
            members.entry(*knot).or_default().push(thread);
        }
    }
    let mut found: Vec<Vec<Edge>> = members
        .into_values()
        .filter_map(|members| shortest(graph, &knots, &members))
        .collect();
    found.sort_by_key(|cycle| cycle.first().map(|edge| edge.from));
    found
}

/// The shortest circle through one of `members`, which all belong to one knot.
fn shortest(graph: &Graph<'_>, knots: &[Option<u32>], members: &[u32]) -> Option<Vec<Edge>> {
    let mut best: Option<Vec<Edge>> = None;
    for start in members.iter().take(STARTS) {
        let found = from(graph, knots, *start);
        let is_shorter = |found: &Vec<Edge>| {
            let length = |cycle: &Vec<Edge>| {
                (
                    cycle.iter().filter(|edge| !edge.is_certain).count(),
                    cycle.len(),
                )
            };
            best.as_ref()
                .is_none_or(|best| length(found) < length(best))
        };
        if let Some(found) = found.filter(is_shorter) {
            best = Some(found);
        }
    }
    best
}

/// The shortest way from a thread back to itself within its knot.
fn from(graph: &Graph<'_>, knots: &[Option<u32>], start: u32) -> Option<Vec<Edge>> {
    let knot = knots.get(index(start)).copied().flatten()?;
    let mut came: BTreeMap<u32, Edge> = BTreeMap::new();
    let mut work = VecDeque::from([start]);
    while let Some(at) = work.pop_front() {
        for edge in graph.edges(at) {
            if knots.get(index(edge.to)).copied().flatten() != Some(knot) {
                continue;
            }
            if edge.to == start {
                let mut path = vec![*edge];
                let mut back = at;
                // Every thread was come to once.
                while back != start {
                    let edge = came.get(&back)?;
                    path.push(*edge);
                    back = edge.from;
                }
                path.reverse();
                return Some(path);
            }
            if let std::collections::btree_map::Entry::Vacant(slot) = came.entry(edge.to) {
                slot.insert(*edge);
                work.push_back(edge.to);
            }
        }
    }
    None
}

/// The knot of each thread (a strongly connected component that has an edge within), by Tarjan's algorithm without
/// recursion: there may be very many threads.
fn knots(graph: &Graph<'_>, stuck: &[bool]) -> Vec<Option<u32>> {
    let count = index(graph.len());
    let is_stuck = |thread: u32| stuck.get(index(thread)).copied().unwrap_or(false);
    let mut knots = vec![None; count];
    let (mut order, mut low) = (vec![0u32; count], vec![0u32; count]);
    let mut on_path = vec![false; count];
    let (mut path, mut next, mut knot) = (Vec::new(), 1u32, 0u32);
    for root in 0..graph.len() {
        if !is_stuck(root) || order.get(index(root)).is_none_or(|order| *order != 0) {
            continue;
        }
        // A thread, and how many of its edges have been followed.
        let mut work: Vec<(u32, usize)> = vec![(root, 0)];
        while let Some((thread, followed)) = work.pop() {
            if followed == 0 {
                set(&mut order, thread, next);
                set(&mut low, thread, next);
                set(&mut on_path, thread, true);
                path.push(thread);
                next += 1;
            }
            if let Some(edge) = graph.edges(thread).get(followed) {
                work.push((thread, followed + 1));
                let to = index(edge.to);
                if !is_stuck(edge.to) {
                    continue;
                }
                match order.get(to).copied() {
                    Some(0) => work.push((edge.to, 0)),
                    Some(seen) if on_path.get(to).copied().unwrap_or(false) => {
                        let known = low.get(index(thread)).copied().unwrap_or(seen);
                        set(&mut low, thread, known.min(seen));
                    }
                    _ => {}
                }
                continue;
            }
            let (first, lowest) = (
                order.get(index(thread)).copied().unwrap_or_default(),
                low.get(index(thread)).copied().unwrap_or_default(),
            );
            if let Some((parent, _)) = work.last().copied() {
                let known = low.get(index(parent)).copied().unwrap_or(lowest);
                set(&mut low, parent, known.min(lowest));
            }
            if first == lowest {
                let start = path.iter().rposition(|on| *on == thread).unwrap_or(0);
                let members = path.split_off(start);
                let is_knot =
                    members.len() > 1 || graph.edges(thread).iter().any(|edge| edge.to == thread);
                for member in members {
                    set(&mut on_path, member, false);
                    if is_knot {
                        set(&mut knots, member, Some(knot));
                    }
                }
                knot += 1;
            }
        }
    }
    knots
}

fn set<T>(list: &mut [T], thread: u32, value: T) {
    if let Some(slot) = list.get_mut(index(thread)) {
        *slot = value;
    }
}
