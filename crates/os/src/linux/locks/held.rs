//! Who has what no word names, by the code of all threads: readers, semaphores, spinlocks; and where an owner that a
//! word names has taken it.

use std::collections::BTreeMap;

use base::{Evidence, Gap, Mode, Site, Trust, VirtAddr};
use code::held::Had;
use rayon::prelude::*;

use super::survey::{Survey, Surveyed};
use super::{Owner, State};

/// Stacks that one thread asks before it looks for more.
const PIECE: usize = 64;

/// The locks that threads have by their code.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// The places of threads in the survey, and what they have, by its address.
    by_lock: BTreeMap<u64, Vec<(usize, Had)>>,
    /// How often a lock of a kind is had whose address is lost, and how.
    lost: BTreeMap<(&'static str, Mode), u64>,
    /// Why there are none.
    pub(super) gap: Option<Gap>,
}

/// A holder that was found, and where it took the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) owner: Owner,
    pub(super) site: Option<Site>,
}

impl Holders {
    /// Asks all stacks.
    pub(super) fn new(survey: &Survey<'_, '_>) -> Self {
        let kernel = survey.kernel;
        let holdings = match kernel.holdings() {
            Ok(holdings) => holdings,
            Err(gap) => {
                return Holders {
                    gap: Some(gap),
                    ..Holders::default()
                };
            }
        };
        let each = survey.all.par_iter().with_min_len(PIECE).map(|surveyed| {
            let stack = surveyed.stack.as_ref().ok();
            stack.map_or_else(Vec::new, |stack| {
                kernel.held_by(&holdings, &surveyed.task, stack)
            })
        });
        let each: Vec<Vec<Had>> = each.collect();
        let mut holders = Holders::default();
        for (place, had) in each.into_iter().enumerate() {
            for had in had {
                match had.address {
                    Ok(address) => holders
                        .by_lock
                        .entry(address)
                        .or_default()
                        .push((place, had)),
                    Err(_) => {
                        let count = holders.lost.entry((had.kind, had.mode)).or_default();
                        *count += 1;
                    }
                }
            }
        }
        holders
    }

    /// Who has the lock at `address`: those that its words name, with where they took it, and those that they do not
    /// name, as far as both agree. What does not agree goes to the state.
    pub(super) fn of(
        &self,
        survey: &Survey<'_, '_>,
        kind: &str,
        address: VirtAddr,
        state: &mut State,
    ) -> Vec<Holder> {
        let found = self.by_lock.get(&address.0);
        let is_kind = |had: &Had| had.kind == kind || (had.kind == "ww_mutex" && kind == "mutex");
        let found = found.into_iter().flatten().filter(|(_, had)| is_kind(had));
        let mut found: Vec<(&Surveyed, &Had)> = found
            .filter_map(|(place, had)| Some((survey.all.get(*place)?, had)))
            .collect();
        let mut holders = Vec::new();
        for owner in std::mem::take(&mut state.owners) {
            let its = |(by, had): &(&Surveyed, &Had)| {
                by.task.address == owner.task && had.mode == owner.mode
            };
            let at = found.iter().position(its).map(|at| found.remove(at));
            let mut holder = Holder { owner, site: None };
            if let Some((by, had)) = at {
                holder.owner.is_certain |= had.certain && !had.is_inferred;
                holder.owner.known.push(evidence(survey, by, had));
                holder.site = site(survey, by, had);
            }
            holders.push(holder);
        }
        let Some((mode, count)) = state.unnamed else {
            return holders;
        };
        let mut found: Vec<_> = found
            .into_iter()
            .filter(|(_, had)| had.mode == mode)
            .collect();
        // The surest first.
        found.sort_by_key(|(_, had)| (!had.certain, had.is_inferred));
        let certain = found.iter().filter(|(_, had)| had.certain).count() as u64;
        let how = match mode {
            Mode::Shared => "have it to read",
            Mode::Exclusive | Mode::Event => "have it",
        };
        let mut is_sure = true;
        if let Some(count) = count {
            if certain > count {
                is_sure = false;
                let says = format!(
                    "{certain} threads {how} by their code, and the words of the {kind} at {address} say {count}"
                );
                let known = Evidence {
                    says,
                    trust: Trust::ReadFromMemory,
                    span: None,
                };
                state.oddities.push(("too_many_holders", known));
            } else if certain < count {
                self.fewer(survey, kind, address, state, (mode, count - certain));
            } else {
                // All are found: who may have it besides does not.
                found.truncate(usize::try_from(certain).unwrap_or(usize::MAX));
            }
        }
        let is_all = count == Some(certain);
        for (by, had) in found {
            let owner = Owner {
                task: by.task.address,
                mode,
                // Pointers that were followed may have been others then; that the lock counts as many speaks for them.
                is_certain: is_sure && had.certain && (!had.is_inferred || is_all),
                known: vec![evidence(survey, by, had)],
            };
            holders.push(Holder {
                owner,
                site: site(survey, by, had),
            });
        }
        holders
    }

    /// Tells that some of those who have a lock were not found, and why that may be.
    fn fewer(
        &self,
        survey: &Survey<'_, '_>,
        kind: &str,
        address: VirtAddr,
        state: &mut State,
        (mode, missing): (Mode, u64),
    ) {
        let mut why = vec!["no stack shows more of them by its code".to_owned()];
        let lost = self
            .lost
            .iter()
            .filter(|((of, how), _)| *of == kind && *how == mode);
        let lost: u64 = lost.map(|(_, count)| count).sum();
        if lost != 0 {
            why.push(format!(
                "{lost} times one of this kind is had whose address is lost"
            ));
        }
        let without = survey.all.iter().filter(|one| one.stack.is_err()).count();
        if without != 0 {
            why.push(format!("{without} stacks could not be read"));
        }
        let who = match mode {
            Mode::Shared => "of the readers",
            Mode::Exclusive | Mode::Event => "of those that have it",
        };
        let what = format!("{missing} {who} of the {kind} at {address}");
        state.gaps.push(Gap::new(what, why.join("; ")));
    }
}

/// The name of the code at an address, with its offset.
fn called(survey: &Survey<'_, '_>, address: u64) -> String {
    let name = survey.kernel.name(VirtAddr(address));
    name.map_or_else(|| format!("{address:#x}"), |name| name.to_string())
}

/// How it is known that a thread has a lock.
fn evidence(survey: &Survey<'_, '_>, by: &Surveyed, had: &Had) -> Evidence {
    let mut says = format!(
        "by its code {} (pid {}) took it at {}",
        by.task.comm,
        by.task.pid,
        called(survey, had.taken_at)
    );
    for through in &had.through {
        says = format!("{says}, through {}", called(survey, *through));
    }
    says.push_str(" and has not given it back");
    if !had.certain {
        says.push_str(", on some of the ways that lead where it is");
    }
    if had.is_inferred {
        says.push_str("; the address was had through pointers as they are now");
    }
    let trust = match had.certain && !had.is_inferred {
        true => Trust::ReadFromMemory,
        false => Trust::Inferred,
    };
    Evidence {
        says,
        trust,
        span: None,
    }
}

/// The frame that took it.
fn site(survey: &Survey<'_, '_>, by: &Surveyed, had: &Had) -> Option<Site> {
    let frame = by.stack.as_ref().ok()?.frames.get(had.frame)?;
    let name = survey.name(frame)?;
    Some(Site {
        function: name.symbol.clone(),
        module: name.module.clone(),
        pc: Some(VirtAddr(had.taken_at)),
        source: None,
        frame: u32::try_from(had.frame).ok(),
    })
}
