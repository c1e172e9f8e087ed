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
mod stack;
mod start;
mod today;
mod unnamed;
mod value;
mod verdict;
mod words;

use base::{Gap, LogEvent, Provenance, Reading};
use debuginfo::DebugInfo;

use crate::{Traced, Tracer};

use stack::Stack;
pub use today::Memory;

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
    memories: Vec<(u32, &'t dyn Memory)>,
}

impl<'t, 'd> FileTracer<'t, 'd> {
    /// A tracer over these files.
    pub fn new(debug: &'t DebugInfo<'d>, sources: &'t dyn Sources) -> Self {
        FileTracer {
            debug,
            sources,
            memories: Vec::new(),
        }
    }

    /// The same with the memory of what an input, by its number, is a dump of.
    #[must_use]
    pub fn with_memory(mut self, input: u32, memory: &'t dyn Memory) -> Self {
        self.memories.push((input, memory));
        self
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
        let of_input = |(input, _): &&(u32, &dyn Memory)| *input == event.span.input;
        let memory = self.memories.iter().find(of_input);
        let memory = memory.map(|(_, memory)| *memory);
        let mut walk = chain::Walk::new(self.debug, event, &start.registers);
        walk.points_to = start.place.as_ref().map(|place| place.pointer.to);
        walk.memory = memory;
        walk.first = Some(start.level.clone());
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
        let held = memory.and_then(|memory| today::member(&first, body, memory));
        // Of an object that has changed since, or is another, nothing follows.
        let judged = memory.filter(|_| held.as_ref().is_some_and(|(_, is_same)| *is_same));
        let ((setters, left_out), (unnamed, skipped)) = rayon::join(
            || setters::find(self.debug, &all, near, judged),
            || unnamed::find(self.debug, &first, near),
        );
        if skipped > 0 {
            let why = format!("{skipped} functions, the farthest, were not looked at for that");
            let what = "copies over it, and to whom its address is given";
            traced.gaps.push(Gap::new(what, why));
        }
        let changed = held.as_ref().is_some_and(|(_, is_same)| !is_same);
        let mut held: Vec<Reading> = held.into_iter().map(|(reading, _)| reading).collect();
        let handler = handler::find(self.debug, &start.level, event).map(|(handler, through)| {
            if let Some(memory) = memory
                && let Some(mut stack) =
                    Stack::of(&walk, &start.level, &start.registers, memory, self.debug)
            {
                let of_handler = handler::held(self.debug, &mut stack, &handler, &through, memory);
                held.extend(of_handler);
            }
            handler
        });
        let provenance = Provenance {
            access,
            ends: first.end.clone(),
            otherwise: found.iter().map(|found| found.end.clone()).collect(),
            through: first.through.clone(),
            setters,
            unnamed,
            passed: first.passed.clone(),
            handler,
            memory: held,
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
                changed,
            },
        );
        traced.provenance = Some(provenance);
        Some(traced)
    }
}
