//! The wait graph: which thread must wait for which, and who can never go on.

use std::collections::BTreeMap;

use base::{LinkReason, Mode, Wait, WaitFacts};

/// A thread must wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The place of the wait in [`WaitFacts::waits`].
    pub wait: usize,
    /// The one that must wait.
    pub from: u32,
    /// The one that it waits for.
    pub to: u32,
    /// Why.
    pub reason: LinkReason,
    /// The place of the hold in [`WaitFacts::holds`], where it has it; of the other's wait, where it is before it.
    pub by: usize,
    /// How the other has it, or wants it.
    pub has: Mode,
    /// Whether that is certain.
    pub is_certain: bool,
}

/// The graph over the threads of some facts.
#[derive(Debug)]
pub struct Graph<'f> {
    /// What it is of.
    pub facts: &'f WaitFacts,
    /// The edges of each thread, by its number.
    edges: Vec<Vec<Edge>>,
    /// The wait of each thread.
    waits: Vec<Option<usize>>,
}

impl<'f> Graph<'f> {
    /// The graph of `facts`; edges that are not certain are left out unless asked for.
    pub fn new(facts: &'f WaitFacts, with_uncertain: bool) -> Self {
        let mut graph = Graph {
            facts,
            edges: vec![Vec::new(); facts.threads.len()],
            waits: vec![None; facts.threads.len()],
        };
        let mut holds: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, hold) in facts.holds.iter().enumerate() {
            if hold.is_certain || with_uncertain {
                holds.entry(hold.resource).or_default().push(at);
            }
        }
        let mut queues: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, wait) in facts.waits.iter().enumerate() {
            queues.entry(wait.resource).or_default().push(at);
        }
        for queue in queues.values_mut() {
            queue.sort_by_key(|at| facts.waits.get(*at).and_then(|wait| wait.place));
        }
        for (at, wait) in facts.waits.iter().enumerate() {
            let is_known = graph
                .waits
                .get(index(wait.thread))
                .is_none_or(Option::is_some);
            if is_known || graph.is_about_to_run(wait) {
                continue;
            }
            if let Some(slot) = graph.waits.get_mut(index(wait.thread)) {
                *slot = Some(at);
            }
            let empty = Vec::new();
            let held = holds.get(&wait.resource).unwrap_or(&empty);
            let queue = queues.get(&wait.resource).unwrap_or(&empty);
            let edges = edges_of(facts, at, wait, held, queue);
            if let Some(list) = graph.edges.get_mut(index(wait.thread)) {
                *list = edges;
            }
        }
        graph
    }

    /// Whether it was woken, and only waits for a CPU. Who spins waits on one.
    fn is_about_to_run(&self, wait: &Wait) -> bool {
        let party = self.facts.threads.get(index(wait.thread));
        party.is_some_and(|party| party.thread.state == "R" && party.thread.cpu.is_none())
    }

    /// The threads that one must wait for.
    pub fn edges(&self, thread: u32) -> &[Edge] {
        self.edges.get(index(thread)).map_or(&[], Vec::as_slice)
    }

    /// What a thread waits for.
    pub fn wait(&self, thread: u32) -> Option<&'f Wait> {
        let at = (*self.waits.get(index(thread))?)?;
        self.facts.waits.get(at)
    }

    fn is_gone(&self, thread: u32) -> bool {
        let party = self.facts.threads.get(index(thread));
        party.is_some_and(|party| party.is_gone)
    }

    /// Of each thread whether nothing that is known can ever let it go on: it waits for one that is gone, or for
    /// one of its kind; where one of several suffices, for none but such.
    pub fn stuck(&self) -> Vec<bool> {
        // The greatest set: all are taken for stuck until one is seen that lets them go.
        let mut stuck: Vec<bool> = (0u32..)
            .zip(&self.waits)
            .map(|(thread, wait)| wait.is_some() || self.is_gone(thread))
            .collect();
        let mut waiters: Vec<Vec<u32>> = vec![Vec::new(); stuck.len()];
        for edge in self.edges.iter().flatten() {
            if let Some(list) = waiters.get_mut(index(edge.to)) {
                list.push(edge.from);
            }
        }
        let mut work: Vec<u32> = (0..number(stuck.len())).collect();
        while let Some(thread) = work.pop() {
            if !stuck.get(index(thread)).copied().unwrap_or(false) || self.is_gone(thread) {
                continue;
            }
            let is_stuck = |edge: &Edge| stuck.get(index(edge.to)).copied().unwrap_or(false);
            let edges = self.edges(thread);
            let any_suffices = self.wait(thread).is_some_and(|wait| {
                let resource = self.facts.resources.get(index(wait.resource));
                resource.is_some_and(|resource| resource.any_suffices)
            });
            let stays = match any_suffices {
                true => !edges.is_empty() && edges.iter().all(is_stuck),
                false => edges.iter().any(is_stuck),
            };
            if stays {
                continue;
            }
            if let Some(slot) = stuck.get_mut(index(thread)) {
                *slot = false;
            }
            work.extend(waiters.get(index(thread)).into_iter().flatten());
        }
        stuck
    }

    /// How many threads wait for each of `those`, directly or through others, without them.
    pub fn behind(&self, those: &[u32]) -> Vec<u32> {
        let mut waiters: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for edge in self.edges.iter().flatten() {
            waiters.entry(edge.to).or_default().push(edge.from);
        }
        let mut seen: Vec<bool> = vec![false; self.edges.len()];
        let mut work: Vec<u32> = those.to_vec();
        for thread in those {
            if let Some(slot) = seen.get_mut(index(*thread)) {
                *slot = true;
            }
        }
        let mut behind = Vec::new();
        while let Some(thread) = work.pop() {
            for waiter in waiters.get(&thread).into_iter().flatten() {
                let Some(slot) = seen.get_mut(index(*waiter)) else {
                    continue;
                };
                if !std::mem::replace(slot, true) {
                    behind.push(*waiter);
                    work.push(*waiter);
                }
            }
        }
        behind.sort_unstable();
        behind
    }

    /// How many threads there are.
    pub fn len(&self) -> u32 {
        number(self.edges.len())
    }
}

/// Whom a thread must wait for: who has it in a way that does not go with its own, else who is before it in the queue
/// and lets nobody by.
fn edges_of(
    facts: &WaitFacts,
    at: usize,
    wait: &Wait,
    held: &[usize],
    queue: &[usize],
) -> Vec<Edge> {
    let holders = held.iter().filter_map(|by| {
        let hold = facts.holds.get(*by)?;
        let goes_with = wait.mode == Mode::Shared && hold.mode == Mode::Shared;
        (!goes_with).then_some(Edge {
            wait: at,
            from: wait.thread,
            to: hold.thread,
            reason: LinkReason::Has,
            by: *by,
            has: hold.mode,
            is_certain: hold.is_certain,
        })
    });
    let mut edges: Vec<Edge> = holders.collect();
    edges.sort_by_key(|edge| (edge.to, !edge.is_certain));
    edges.dedup_by_key(|edge| edge.to);
    if !edges.is_empty() || wait.mode == Mode::Event {
        return edges;
    }
    let Some(place) = wait.place else {
        return edges;
    };
    let before = queue
        .iter()
        .rev()
        .filter_map(|by| Some((*by, facts.waits.get(*by)?)));
    let mut before = before.filter(|(_, other)| {
        other.place.is_some_and(|other| other < place)
            && other.thread != wait.thread
            && (other.mode == Mode::Exclusive || wait.mode == Mode::Exclusive)
    });
    edges.extend(before.next().map(|(by, other)| Edge {
        wait: at,
        from: wait.thread,
        to: other.thread,
        reason: LinkReason::QueuedBefore,
        by,
        has: other.mode,
        is_certain: true,
    }));
    edges
}

/// A number of a list as an index.
pub fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
