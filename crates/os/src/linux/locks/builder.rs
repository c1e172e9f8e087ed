//! Facts put together: threads and resources are numbered when they are first named.

use std::collections::{BTreeMap, BTreeSet};

use base::{Gap, Hold, Oddity, Party, Resource, Site, VirtAddr, Wait, WaitFacts};

use super::does;
use super::held::{Holder, Holders};
use super::kinds::{KINDS, Kind};
use super::naming::{self, Named};
use super::survey::{Blocked, Survey};
use super::{State, Wanted};

/// Gaps that are told of waits whose lock is not known; the others are counted.
const GAPS: usize = 8;

/// Facts in the making.
#[derive(Debug)]
pub(crate) struct Builder<'s, 'k, 'a> {
    survey: &'s Survey<'k, 'a>,
    facts: WaitFacts,
    threads: BTreeMap<u64, u32>,
    resources: BTreeMap<(&'static str, Option<u64>), u32>,
    kinds: Vec<&'static Kind>,
    unknown: usize,
}

impl<'s, 'k, 'a> Builder<'s, 'k, 'a> {
    pub(crate) fn new(survey: &'s Survey<'k, 'a>) -> Self {
        let facts = WaitFacts {
            gaps: survey.gaps.clone(),
            ..WaitFacts::default()
        };
        Builder {
            survey,
            facts,
            threads: BTreeMap::new(),
            resources: BTreeMap::new(),
            kinds: Vec::new(),
            unknown: 0,
        }
    }

    pub(crate) fn gap(&mut self, gap: Gap) {
        self.facts.gaps.push(gap);
    }

    /// A thread that waits for what could not be told.
    pub(crate) fn unknown(&mut self, _blocked: &Blocked<'_>, gap: Gap) {
        self.unknown += 1;
        if self.unknown <= GAPS {
            self.facts.gaps.push(gap);
        }
    }

    /// A thread that waits.
    pub(crate) fn wait(&mut self, blocked: &Blocked<'_>, wanted: Wanted) {
        let thread = self.thread(blocked.task.address);
        let called = wanted.called.unwrap_or(blocked.kind.name);
        let resource = self.resource(blocked.kind, called, wanted.address);
        self.facts.waits.push(Wait {
            thread,
            resource,
            mode: wanted.mode,
            for_us: self.survey.asleep_us(blocked.task),
            place: wanted.place,
            site: self.site(blocked),
            known: wanted.known,
        });
    }

    /// Asks for the state of every resource, also of those that come up on the way.
    pub(crate) fn states(&mut self, state: impl Fn(&Kind, &str, Option<VirtAddr>) -> State) {
        let mut at = 0;
        // Made once somebody asks.
        let mut holders: Option<Holders> = None;
        while let Some(kind) = self.kinds.get(at).copied() {
            let Some(resource) = self.facts.resources.get(at) else {
                break;
            };
            let mut told = state(kind, &resource.kind, resource.address);
            let named = match resource.address {
                Some(address) => naming::name(self.survey, &resource.kind, address),
                None => Named::default(),
            };
            let holders = match resource.address {
                // A kind of event has no code that takes it.
                Some(address) if told.unnamed.is_some() || !told.owners.is_empty() => {
                    let all = holders.get_or_insert_with(|| Holders::new(self.survey));
                    all.of(self.survey, &resource.kind, address, &mut told)
                }
                _ => {
                    let owners = told.owners.drain(..);
                    owners.map(|owner| Holder { owner, site: None }).collect()
                }
            };
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            if let Some(resource) = self.facts.resources.get_mut(at) {
                resource.state = told.words;
                resource.name = named.name;
                resource.about = named.about.map(str::to_owned);
                resource.count = told.count;
                resource.name = told.name.or(resource.name.take());
                resource.any_suffices |= told.any_suffices;
                resource.gaps.extend(told.gaps);
            }
            for Holder { owner, site } in holders {
                let thread = self.thread(owner.task);
                self.facts.holds.push(Hold {
                    thread,
                    resource: place,
                    mode: owner.mode,
                    is_certain: owner.is_certain,
                    site,
                    known: owner.known,
                });
            }
            let oddities = told.oddities.into_iter();
            self.facts
                .oddities
                .extend(oddities.map(|(kind, known)| Oddity {
                    kind: kind.to_owned(),
                    resource: place,
                    known,
                }));
            at += 1;
        }
        self.facts
            .gaps
            .extend(holders.and_then(|holders| holders.gap));
    }

    pub(crate) fn finish(mut self) -> WaitFacts {
        if let Some(more) = self.unknown.checked_sub(GAPS).filter(|more| *more > 0) {
            let why = "the structures of their waits were not found on their stacks";
            self.gap(Gap::new(format!("what {more} more threads wait for"), why));
        }
        let waiting: BTreeSet<u32> = self.facts.waits.iter().map(|wait| wait.thread).collect();
        for (number, party) in (0..).zip(&mut self.facts.threads) {
            let surveyed = party.address.and_then(|at| self.survey.task_at(at));
            if let Some(surveyed) = surveyed.filter(|_| !waiting.contains(&number)) {
                party.does = does::does(self.survey, surveyed);
            }
        }
        self.facts
    }

    /// The number of a thread; what is no thread any more is one that is gone.
    fn thread(&mut self, address: VirtAddr) -> u32 {
        if let Some(known) = self.threads.get(&address.0) {
            return *known;
        }
        let surveyed = self.survey.task_at(address);
        let party = match surveyed {
            Some(surveyed) => Party {
                address: Some(address),
                // Dead or being reaped (`EXIT_DEAD`, `EXIT_ZOMBIE`, `TASK_DEAD`).
                is_gone: matches!(surveyed.task.letter(), 'X' | 'Z'),
                thread: surveyed.task.facts(),
                does: String::new(),
                stack: None,
            },
            None => gone(address),
        };
        let number = u32::try_from(self.facts.threads.len()).unwrap_or(u32::MAX);
        self.facts.threads.push(party);
        self.threads.insert(address.0, number);
        number
    }

    fn resource(
        &mut self,
        kind: &'static Kind,
        called: &'static str,
        address: Option<VirtAddr>,
    ) -> u32 {
        let key = (called, address.map(|address| address.0));
        if let Some(known) = self.resources.get(&key) {
            return *known;
        }
        let number = u32::try_from(self.facts.resources.len()).unwrap_or(u32::MAX);
        self.facts.resources.push(Resource {
            kind: called.to_owned(),
            address,
            name: None,
            about: None,
            state: None,
            count: None,
            any_suffices: kind.any_suffices,
            gaps: Vec::new(),
        });
        self.resources.insert(key, number);
        self.kinds.push(kind);
        number
    }

    /// Who wanted it: the first frame beyond the functions of locks.
    fn site(&self, blocked: &Blocked<'_>) -> Option<Site> {
        let frames = blocked.stack.frames.iter().enumerate().skip(blocked.frame);
        let is_lock = |function: &str| {
            KINDS
                .iter()
                .any(|kind| kind.waits_in.contains(&function) || kind.asked_by.contains(&function))
        };
        let mut beyond = frames.filter(|(_, frame)| {
            let function = self.survey.function(frame);
            function.is_some_and(|function| !is_lock(function))
        });
        let (at, frame) = beyond.next()?;
        let name = self.survey.name(frame)?;
        Some(Site {
            function: name.symbol.clone(),
            module: name.module.clone(),
            pc: Some(frame.pc),
            source: None,
            frame: u32::try_from(at).ok(),
        })
    }
}

/// What is known of a thread that is in no list any more.
fn gone(address: VirtAddr) -> Party {
    let mut party = Party::unknown(Some(address));
    "X".clone_into(&mut party.thread.state);
    party.is_gone = true;
    "it is in no list of the kernel any more".clone_into(&mut party.does);
    party
}
