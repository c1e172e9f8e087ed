//! What a reader wants to see of the threads of a hang: their stacks, and where in the source they took and want.

use base::{FrameRule, Site, StackEnd, StackFrame, StackTrace, Trust, VirtAddr, WaitFacts};

use crate::linux::Kernel;

impl Kernel<'_> {
    /// Adds their stacks to the threads of these numbers.
    pub fn add_stacks(&self, facts: &mut WaitFacts, threads: &[u32]) {
        for number in threads {
            let place = usize::try_from(*number).unwrap_or(usize::MAX);
            let Some(party) = facts.threads.get_mut(place).filter(|party| !party.is_gone) else {
                continue;
            };
            let task = party.address.and_then(|address| self.task(address).ok());
            party.stack = task.and_then(|mut task| {
                // Which CPU it is on was settled by whose stack that used.
                task.cpu = party.thread.cpu;
                self.trace(&task).ok()
            });
        }
    }

    /// The places of the sites of these threads as frames, for lines to be added: in the order of
    /// [`sites_mut`].
    pub fn site_frames(&self, facts: &mut WaitFacts, threads: &[u32]) -> StackTrace {
        let frames = sites_mut(facts, threads).map(|site| {
            let pc = site.pc.unwrap_or(VirtAddr(0));
            let name = self.name(VirtAddr(pc.0.wrapping_sub(1)));
            StackFrame {
                pc,
                sp: VirtAddr(0),
                function: Some(site.function.clone()),
                offset: name.as_ref().map(|name| name.offset + 1),
                size: name.and_then(|name| name.size),
                module: site.module.clone(),
                source: None,
                inlined: Vec::new(),
                rule: FrameRule::Orc,
                trust: Trust::ReadFromMemory,
                is_exact: false,
                is_guess: false,
                stack: None,
            }
        });
        StackTrace {
            frames: frames.collect(),
            end: StackEnd::Bottom,
            user: None,
            why: String::new(),
        }
    }
}

/// The sites of what these threads want and have.
pub fn sites_mut<'f>(
    facts: &'f mut WaitFacts,
    threads: &'f [u32],
) -> impl Iterator<Item = &'f mut Site> {
    let waits = facts
        .waits
        .iter_mut()
        .filter(|wait| threads.contains(&wait.thread));
    let holds = facts
        .holds
        .iter_mut()
        .filter(|hold| threads.contains(&hold.thread));
    let waits = waits.filter_map(|wait| wait.site.as_mut());
    let holds = holds.filter_map(|hold| hold.site.as_mut());
    waits.chain(holds).filter(|site| site.pc.is_some())
}
