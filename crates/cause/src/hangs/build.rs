//! What all findings about hangs are made of: the steps in their order, and the evidence of each.

use base::{
    Confidence, Evidence, Finding, Gap, Hang, HangLink, HangShape, LinkReason, NextStep, Party,
    Place, Resource, Trust, Wait,
};

use super::graph::{Edge, Graph, index};
use super::words;

/// Threads behind a hang that are named.
const NAMED: usize = 8;

/// A hang in the making.
pub struct Made<'g, 'f> {
    graph: &'g Graph<'f>,
    /// The threads by their numbers in the facts, in the order of the hang.
    numbers: Vec<u32>,
    pub links: Vec<HangLink>,
    evidence: Vec<Evidence>,
    gaps: Vec<Gap>,
}

impl<'g, 'f> Made<'g, 'f> {
    pub fn new(graph: &'g Graph<'f>) -> Self {
        Made {
            graph,
            numbers: Vec::new(),
            links: Vec::new(),
            evidence: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Numbers a thread of the hang.
    pub fn thread(&mut self, thread: u32) -> u32 {
        let at = self.numbers.iter().position(|known| *known == thread);
        let at = at.unwrap_or_else(|| {
            self.numbers.push(thread);
            self.numbers.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// A thread by its number in the facts.
    pub fn party(&self, thread: u32) -> Party {
        let party = self.graph.facts.threads.get(index(thread));
        party.cloned().unwrap_or_else(|| Party::unknown(None))
    }

    /// What a wait is for.
    fn resource(&self, wait: &Wait) -> Option<Resource> {
        self.graph
            .facts
            .resources
            .get(index(wait.resource))
            .cloned()
    }

    /// Adds a step: one thread waits for another.
    pub fn edge(&mut self, edge: &Edge) {
        let facts = self.graph.facts;
        let Some(wait) = facts.waits.get(edge.wait) else {
            return;
        };
        let Some(resource) = self.resource(wait) else {
            return;
        };
        let (taken_at, known) = match edge.reason {
            LinkReason::Has => {
                let hold = facts.holds.get(edge.by);
                (
                    hold.and_then(|hold| hold.site.clone()),
                    hold.map_or(&[][..], |hold| &hold.known),
                )
            }
            LinkReason::QueuedBefore => {
                let wait = facts.waits.get(edge.by);
                (None, wait.map_or(&[][..], |wait| &wait.known))
            }
        };
        let link = HangLink {
            waiter: self.thread(edge.from),
            wants: wait.mode,
            for_us: wait.for_us,
            waits_at: wait.site.clone(),
            resource,
            holder: Some(self.thread(edge.to)),
            reason: edge.reason,
            has: edge.has,
            is_certain: edge.is_certain,
            taken_at,
        };
        self.step(&link, edge.from, Some(edge.to), wait, known);
        self.links.push(link);
    }

    /// Adds a step that leads to nobody.
    pub fn nobody(&mut self, thread: u32, wait: &Wait) {
        let Some(resource) = self.resource(wait) else {
            return;
        };
        let link = HangLink {
            waiter: self.thread(thread),
            wants: wait.mode,
            for_us: wait.for_us,
            waits_at: wait.site.clone(),
            resource,
            holder: None,
            reason: LinkReason::Has,
            has: wait.mode,
            is_certain: true,
            taken_at: None,
        };
        self.step(&link, thread, None, wait, &[]);
        self.links.push(link);
    }

    fn step(
        &mut self,
        link: &HangLink,
        waiter: u32,
        holder: Option<u32>,
        wait: &Wait,
        known: &[Evidence],
    ) {
        let facts = self.graph.facts;
        let from = facts.threads.get(index(waiter));
        let to = holder.and_then(|holder| facts.threads.get(index(holder)));
        let Some(from) = from else {
            return;
        };
        let mut trust = wait
            .known
            .first()
            .map_or(Trust::Inferred, |known| known.trust);
        if let Some(known) = known.first() {
            trust = trust.max(known.trust);
        }
        let span = wait.known.first().and_then(|known| known.span);
        self.says(words::start(&words::step(link, from, to)), trust, span);
        for evidence in wait.known.iter().chain(known) {
            if !self.evidence.contains(evidence) {
                self.evidence.push(evidence.clone());
            }
        }
        if let Some(state) = &link.resource.state {
            let says = format!(
                "{}: {state}",
                crate::words::sentence(&words::resource(&link.resource))
            );
            let trust = wait
                .known
                .first()
                .map_or(Trust::ReadFromMemory, |known| known.trust);
            self.says(says, trust, None);
        }
        self.gaps.extend(link.resource.gaps.iter().cloned());
    }

    pub fn says(&mut self, says: String, trust: Trust, span: Option<base::LineSpan>) {
        let evidence = Evidence { says, trust, span };
        if !self.evidence.contains(&evidence) {
            self.evidence.push(evidence);
        }
    }

    /// The finding. `told` are its name, and the sentences of the verdict.
    pub fn finish(self, shape: HangShape, told: Told) -> Finding {
        let graph = self.graph;
        let behind = graph.behind(&self.numbers);
        let threads: Vec<Party> = self
            .numbers
            .iter()
            .map(|thread| self.party(*thread))
            .collect();
        let mut waiting: Vec<(u64, u32)> = behind
            .iter()
            .map(|thread| {
                let wait = graph.wait(*thread);
                (wait.and_then(|wait| wait.for_us).unwrap_or(0), *thread)
            })
            .collect();
        waiting.sort_by_key(|(us, thread)| (std::cmp::Reverse(*us), *thread));
        let own = self.links.iter().filter_map(|link| link.for_us);
        let longest = own.chain(waiting.iter().map(|(us, _)| *us)).max();
        let hang = Hang {
            shape,
            threads,
            links: self.links,
            behind: behind.len() as u64,
            some_behind: waiting
                .iter()
                .take(NAMED)
                .map(|(_, thread)| graph.facts.threads.get(index(*thread)))
                .filter_map(|party| party.cloned())
                .collect(),
            longest_us: longest.filter(|us| *us > 0),
        };
        let mut verdict = told.verdict;
        verdict.extend(behind_words(&hang));
        let mut gaps = self.gaps;
        gaps.dedup();
        Finding {
            detector: told.detector.to_owned(),
            title: told.title,
            verdict: verdict.join(" "),
            cause_named: told.cause_named,
            confidence: told.confidence,
            places: places(&hang),
            evidence: self.evidence,
            gaps,
            next: told.next,
            events: Vec::new(),
            provenance: None,
            hang: Some(hang),
        }
    }
}

/// What a shape says of its hang.
pub struct Told {
    pub detector: &'static str,
    pub title: String,
    pub verdict: Vec<String>,
    pub cause_named: bool,
    pub confidence: Confidence,
    pub next: Vec<NextStep>,
}

/// Who waits behind the hang.
fn behind_words(hang: &Hang) -> Option<String> {
    let mut text = match hang.behind {
        0 => return None,
        1 => match hang.some_behind.first() {
            Some(one) => format!("{} waits behind them", words::start(&words::thread(one))),
            None => "1 other thread waits behind them".to_owned(),
        },
        many => format!("{many} other threads wait behind them"),
    };
    if hang.threads.len() == 1 {
        text = text.replace("behind them", "behind it");
    }
    if let Some(us) = hang.longest_us.filter(|us| *us >= 1_000_000) {
        text.push_str(&format!(
            ", the longest wait is {}",
            crate::words::duration(us)
        ));
    }
    Some(format!("{text}."))
}

fn places(hang: &Hang) -> Vec<Place> {
    let place = |label: &str, value: String| Place {
        label: label.to_owned(),
        value,
    };
    let mut places = Vec::new();
    for party in &hang.threads {
        places.push(place("thread", words::thread(party)));
    }
    let mut named: Vec<String> = Vec::new();
    for link in &hang.links {
        let text = match (&link.resource.name, link.resource.address) {
            (Some(_), Some(address)) => format!("{} at {address}", words::resource(&link.resource)),
            _ => words::resource(&link.resource),
        };
        if !named.contains(&text) {
            named.push(text);
        }
    }
    places.extend(named.into_iter().map(|text| place("waits for", text)));
    places
}

/// A next step without a command.
pub fn next(what: impl Into<String>) -> NextStep {
    NextStep {
        what: what.into(),
        command: None,
    }
}
