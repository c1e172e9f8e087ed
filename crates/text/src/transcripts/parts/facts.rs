//! Facts put together out of a transcript: threads and locks are numbered when they are first named.

use std::collections::BTreeMap;

use base::{
    Evidence, Gap, Hold, LineSpan, Mode, Party, Resource, Site, Trust, VirtAddr, Wait, WaitFacts,
};

/// Threads and locks of one transcript.
const MOST: usize = 1 << 16;

/// Facts in the making.
#[derive(Debug, Default)]
pub struct Facts {
    facts: WaitFacts,
    threads: BTreeMap<u64, u32>,
    resources: BTreeMap<u64, u32>,
}

/// What a debugger printed in the lines from `start` to `end`.
pub fn printed(says: impl Into<String>, lines: (u64, u64)) -> Evidence {
    said(says, Trust::PrintedByUser, lines)
}

/// What follows from such lines.
pub fn said(says: impl Into<String>, trust: Trust, (start, end): (u64, u64)) -> Evidence {
    Evidence {
        says: says.into(),
        trust,
        span: Some(LineSpan {
            input: 0,
            start,
            end,
        }),
    }
}

impl Facts {
    /// The number of the thread at an address; none where there are too many.
    pub fn thread(&mut self, address: u64) -> Option<u32> {
        if let Some(known) = self.threads.get(&address) {
            return Some(*known);
        }
        let number = u32::try_from(self.facts.threads.len()).ok()?;
        if self.facts.threads.len() >= MOST {
            return None;
        }
        let party = Party::unknown(Some(VirtAddr(address)));
        self.facts.threads.push(party);
        self.threads.insert(address, number);
        Some(number)
    }

    /// A thread that was numbered.
    pub fn party(&mut self, number: u32) -> Option<&mut Party> {
        self.facts.threads.get_mut(usize::try_from(number).ok()?)
    }

    /// The number of the lock at an address; none where there are too many.
    pub fn resource(&mut self, kind: &str, address: u64) -> Option<u32> {
        if let Some(known) = self.resources.get(&address) {
            return Some(*known);
        }
        let number = u32::try_from(self.facts.resources.len()).ok()?;
        if self.facts.resources.len() >= MOST {
            return None;
        }
        self.facts.resources.push(Resource {
            kind: kind.to_owned(),
            address: Some(VirtAddr(address)),
            name: None,
            about: None,
            state: None,
            count: None,
            any_suffices: false,
            gaps: Vec::new(),
        });
        self.resources.insert(address, number);
        Some(number)
    }

    /// A lock that was numbered.
    pub fn lock(&mut self, number: u32) -> Option<&mut Resource> {
        self.facts.resources.get_mut(usize::try_from(number).ok()?)
    }

    /// A thread waits; what else is known of a wait that is known is added to it.
    pub fn wait(
        &mut self,
        thread: u32,
        resource: u32,
        mode: Mode,
        place: Option<u32>,
        site: Option<Site>,
        known: Evidence,
    ) {
        let mut waits = self.facts.waits.iter_mut();
        let same = waits.find(|wait| wait.thread == thread && wait.resource == resource);
        let Some(wait) = same else {
            self.facts.waits.push(Wait {
                thread,
                resource,
                mode,
                for_us: None,
                place,
                site,
                known: vec![known],
            });
            return;
        };
        wait.place = wait.place.or(place);
        if wait.site.is_none() {
            wait.site = site;
        }
        if !wait.known.contains(&known) {
            wait.known.push(known);
        }
    }

    /// A thread has something.
    pub fn hold(&mut self, hold: Hold) {
        let mut holds = self.facts.holds.iter_mut();
        let same =
            holds.find(|known| known.thread == hold.thread && known.resource == hold.resource);
        match same {
            Some(known) => known.known.extend(hold.known),
            None => self.facts.holds.push(hold),
        }
    }

    /// Whether a thread waits for a lock.
    pub fn waits(&self, thread: u32, resource: u32) -> bool {
        let mut waits = self.facts.waits.iter();
        waits.any(|wait| wait.thread == thread && wait.resource == resource)
    }

    /// The locks that a thread waits for and of which the transcript has nothing else, by their addresses.
    pub fn unseen(&self) -> Vec<(String, u64)> {
        let locks = (0u32..).zip(&self.facts.resources);
        let unseen = locks.filter(|(number, lock)| {
            let mut holds = self.facts.holds.iter();
            lock.state.is_none() && !holds.any(|hold| hold.resource == *number)
        });
        let told = unseen.filter_map(|(_, lock)| Some((lock.kind.clone(), lock.address?.0)));
        told.collect()
    }

    /// Something is missing.
    pub fn gap(&mut self, gap: Gap) {
        self.facts.gaps.push(gap);
    }

    /// The facts.
    pub fn finish(self) -> WaitFacts {
        self.facts
    }
}
