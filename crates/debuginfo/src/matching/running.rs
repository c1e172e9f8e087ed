//! Code as it ran, for a decoder: the file's, linked, with what the kernel has put in its place.

use std::borrow::Cow;
use std::ops::Range;

use super::sites::{Rewrite, Site};
use crate::error::Result;
use crate::object::Object;

/// Code bytes that were seen in a running kernel, by a log or in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran<'a> {
    /// Where in the addresses of the file they begin.
    pub address: u64,
    /// The bytes, as they lay in memory.
    pub bytes: Cow<'a, [u8]>,
}

/// The code of a range as it ran, as far as that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// The bytes; where the kernel has rewritten nothing those that a linker leaves.
    pub bytes: Vec<u8>,
    /// Places with other instructions than the file's: relative addresses there are those of memory.
    pub replaced: Vec<Site>,
    /// Where branches of static keys begin that were seen, whether they are as in the file or not.
    pub seen_keys: Vec<u64>,
}

/// `int3`: while x86 rewrites an instruction it has this first byte.
const BREAKPOINT: u8 = 0xcc;

impl<'a> Object<'a> {
    /// Takes code bytes that ran in the place of this file's: all questions for running code use them.
    pub fn lay(&mut self, ran: Vec<Ran<'a>>) {
        self.ran = ran;
    }

    /// Whether code that ran was laid over the file.
    pub fn has_ran(&self) -> bool {
        !self.ran.is_empty()
    }

    /// The code of `range`, linked as [`Object::linked_code`] does, with what was seen to have run in the places
    /// that a kernel rewrites: by `ran`, and by what was laid over the file.
    ///
    /// What the tracer patches in at the entry of a function, landings, their checks, and lock prefixes stay the
    /// file's: they change no value.
    pub fn running_code(&self, range: Range<u64>, ran: &[Ran<'_>]) -> Result<Running> {
        let mut running = Running {
            bytes: self.linked_code(range.clone())?,
            ..Running::default()
        };
        let is_near = |ran: &&Ran<'_>| {
            let end = ran.address.saturating_add(ran.bytes.len() as u64);
            ran.address < range.end && range.start < end
        };
        // What a log prints is of the moment; what memory has may be later.
        let near: Vec<&Ran<'_>> = ran.iter().chain(&self.ran).filter(is_near).collect();
        if near.is_empty() || running.bytes.is_empty() {
            return Ok(running);
        }
        let sites = self.rewritten(range.clone())?;
        let filled: Vec<&Range<u64>> = sites
            .iter()
            .filter(|site| site.why == Rewrite::Relocation)
            .map(|site| &site.range)
            .collect();
        for site in sites.iter().filter(|site| changes_values(site.why)) {
            if site.range.start < range.start || site.range.end > range.end {
                continue;
            }
            let Some(seen) = near.iter().find_map(|ran| ran.within(&site.range)) else {
                continue;
            };
            if seen.first() == Some(&BREAKPOINT) && self.is_x86() {
                continue;
            }
            let Some(own) = place(&range, &site.range).and_then(|at| running.bytes.get_mut(at))
            else {
                continue;
            };
            if site.why == Rewrite::StaticKey {
                running.seen_keys.push(site.range.start);
            }
            // What the loader fills in differs without being rewritten.
            let differs =
                (site.range.start..)
                    .zip(own.iter().zip(seen))
                    .any(|(address, (own, seen))| {
                        own != seen && !filled.iter().any(|field| field.contains(&address))
                    });
            if differs {
                own.copy_from_slice(seen);
                running.replaced.push(site.clone());
            }
        }
        Ok(running)
    }

    fn is_x86(&self) -> bool {
        self.arch()
            .is_some_and(|arch| matches!(arch.name, "x86_64" | "i386"))
    }
}

impl Ran<'_> {
    /// The bytes of a range, if all were seen.
    fn within(&self, range: &Range<u64>) -> Option<&[u8]> {
        let seen = self.address..self.address.checked_add(self.bytes.len() as u64)?;
        self.bytes.get(place(&seen, range)?)
    }
}

/// Where a range lies in the bytes of another.
fn place(of: &Range<u64>, range: &Range<u64>) -> Option<Range<usize>> {
    let from = usize::try_from(range.start.checked_sub(of.start)?).ok()?;
    let to = usize::try_from(range.end.checked_sub(of.start)?).ok()?;
    (from <= to).then_some(from..to)
}

/// Whether what is put there may compute other values or go other ways than the file's.
fn changes_values(why: Rewrite) -> bool {
    match why {
        Rewrite::Alternative
        | Rewrite::StaticKey
        | Rewrite::StaticCall
        | Rewrite::Return
        | Rewrite::Retpoline
        | Rewrite::CallDepth
        | Rewrite::Paravirt
        | Rewrite::Constant => true,
        Rewrite::Relocation
        | Rewrite::Tracing
        | Rewrite::Lock
        | Rewrite::Landing
        | Rewrite::ControlFlow
        | Rewrite::Probe => false,
    }
}
