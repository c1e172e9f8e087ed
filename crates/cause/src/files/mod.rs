//! The way of a bad pointer through the code that ran, with the names of its debug info.
//!
//! The log gives the place and the registers, the files give the whole function, its callers and its types.

mod access;
mod chain;
mod handler;
mod identity;
mod passing;
mod rewritten;
mod setters;
mod start;
mod value;
mod verdict;
mod words;

use base::{Gap, LogEvent, Provenance};
use debuginfo::DebugInfo;

use crate::{Traced, Tracer};

/// Finds lines of source text: the caller knows directories, nothing here does.
pub trait Sources: Sync {
    /// The text of a line, counted from 1, of the file that debug info calls `path`.
    fn line(&self, path: &str, line: u32) -> Option<String>;
}

/// Finds none.
#[derive(Clone, Copy, Debug)]
pub struct NoSources;

impl Sources for NoSources {
    fn line(&self, _: &str, _: u32) -> Option<String> {
        None
    }
}

/// Follows pointers through the files of a kernel and its modules.
pub struct FileTracer<'t, 'd> {
    debug: &'t DebugInfo<'d>,
    sources: &'t dyn Sources,
}

impl<'t, 'd> FileTracer<'t, 'd> {
    /// A tracer over these files.
    pub fn new(debug: &'t DebugInfo<'d>, sources: &'t dyn Sources) -> Self {
        FileTracer { debug, sources }
    }
}

/// What the files are asked for.
const WHAT: &str = "where the pointer came from, by the files";

impl Tracer for FileTracer<'_, '_> {
    fn trace(&self, event: &LogEvent) -> Option<Traced> {
        if !matches!(event.kind.as_str(), "oops" | "general_protection") {
            return None;
        }
        let fits = identity::check(self.debug, event);
        let mut traced = Traced::default();
        for contradiction in fits.iter().filter_map(identity::Fit::contradiction) {
            let gap = Gap::new(WHAT, contradiction.sentence());
            traced
                .gaps
                .push(gap.supply("the file of exactly the kernel that printed the log"));
        }
        if !traced.gaps.is_empty() {
            // What another build's files say of this log would be wrong, however it looks.
            return Some(traced);
        }
        let start = match start::find(self.debug, event) {
            Ok(start) => start,
            Err(why) => {
                traced.gaps.push(Gap::new(WHAT, why));
                return Some(traced);
            }
        };
        let start = start?;
        let mut walk = chain::Walk::new(self.debug, event, &start.registers);
        walk.points_to = start.place.as_ref().map(|place| place.pointer.to);
        let mut found = match &start.leaf {
            Some((leaf, value)) => walk.ends(&start.level, leaf, *value),
            None => Vec::new(),
        };
        if found.is_empty() {
            let why = "the address is no sum with one pointer in it";
            traced.gaps.push(Gap::new(WHAT, why));
            return Some(traced);
        }
        let first = found.remove(0);
        if let Some(file) = &start.missing
            && first.through.is_empty()
        {
            // The printed bytes alone tell what they tell without any file.
            let why =
                format!("{file}, which has the code that failed, is not among the given files");
            traced.gaps.push(Gap::new(WHAT, why).supply(file.clone()));
            return Some(traced);
        }
        let access = start.access(self.debug, &first);
        let all: Vec<&chain::Found> = [&first].into_iter().chain(&found).collect();
        let body = &start.level.body;
        let near = body
            .object
            .zip(body.insn(start.at).map(|insn| insn.address));
        let (setters, left_out) = setters::find(self.debug, &all, near);
        let handler = handler::find(self.debug, &start.level, event);
        let provenance = Provenance {
            access,
            ends: first.end.clone(),
            otherwise: found.iter().map(|found| found.end.clone()).collect(),
            through: first.through.clone(),
            setters,
            passed: first.passed.clone(),
            handler,
        };
        words::tell(
            &mut traced,
            &words::Story {
                provenance: &provenance,
                start: &start,
                found: &first,
                others: &found,
                fits: &fits,
                sources: self.sources,
                left_out,
            },
        );
        traced.provenance = Some(provenance);
        Some(traced)
    }
}
