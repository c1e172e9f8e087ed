//! The code that ran: the files with its debug information, and its sources.

use std::path::Path;
use std::sync::Arc;

use attach::{CodeThatRan, Context, DebugFiles, Dump, Loaded, SourceTree, cut_while_read};
use base::{DumpFacts, Gap, LogEvent, StackTrace, WaitFacts};
use cause::{FileTracer, InputFacts, Sources, Tracer};
use clap::ArgMatches;
use debuginfo::{DebugInfo, Object, Store};
use os::linux::Anchors;
use report::Report;

use crate::cli::named_paths;
use crate::dump::{Memory, MemoryFile, Waits};
use crate::exit::Exit;
use crate::memory;
use crate::output::complain_of;

/// What was named beside the logs.
pub struct Code {
    files: DebugFiles,
    sources: Lines,
}

/// Lines of the sources that were named.
struct Lines(SourceTree);

impl Sources for Lines {
    fn line(&self, path: &str, line: u32) -> Option<String> {
        self.0.line(path, line)
    }
}

impl Code {
    /// What the options name; what of it is not there is complained of.
    pub fn new(matches: &ArgMatches, context: &Arc<Context>) -> (Code, Exit) {
        let paths = named_paths(matches, "debuginfo");
        let (files, mut errors) = DebugFiles::new(&paths, Arc::clone(context));
        let (sources, more) = SourceTree::new(&named_paths(matches, "source"));
        errors.extend(more);
        let exit = complain(&errors);
        let sources = Lines(sources);
        (Code { files, sources }, exit)
    }

    /// Adds a file that was named among the targets.
    pub fn add(&mut self, path: &Path) {
        self.files.add(path);
    }

    /// The files themselves.
    pub fn files(&self) -> &DebugFiles {
        &self.files
    }

    /// Explains events, with what of the files they need.
    ///
    /// What lies in the memory of a dump stands in for files that were not named.
    pub fn explain(
        &self,
        inputs: Vec<InputFacts>,
        events: Vec<LogEvent>,
        waits: Vec<WaitFacts>,
        memory: Vec<Memory>,
        opened: &[(u32, Box<Dump>)],
    ) -> (Report, Exit) {
        if self.files.is_empty() && memory.is_empty() {
            let report = Report::of_all(inputs, events, Vec::new(), &waits, None);
            return (report, Exit::Fine);
        }
        let store = Store::new();
        let ran: Vec<CodeThatRan> = memory.iter().map(|memory| memory.ran.0.clone()).collect();
        let mut loaded = match self.files.is_empty() {
            true => Loaded::default(),
            false => self.files.load(&events, &ran, &store),
        };
        let (mut files, mut dumps, mut hangs) = (Vec::new(), Vec::new(), waits);
        for memory in memory {
            let (mut facts, mut waits) = (memory.facts, memory.waits);
            if !self.files.is_empty() {
                let gaps = lines(&memory.ran.1, &loaded.debug, &mut facts, &mut waits);
                loaded.gaps.extend(gaps);
            }
            waits.settle();
            hangs.push(waits.facts.of_input(facts.input));
            files.extend(memory.files);
            dumps.push(facts);
        }
        for file in &files {
            loaded
                .gaps
                .extend(stand_in(&mut loaded.debug, file, &store));
        }
        let exit = complain(&loaded.errors);
        let memories = memory::of(opened, &events, &store);
        let mut tracer = FileTracer::new(&loaded.debug, &self.sources);
        for (input, memory) in &memories {
            tracer = tracer.with_memory(*input, memory);
        }
        let any = loaded.debug.objects().next().is_some();
        let tracer: Option<&dyn Tracer> = any.then_some(&tracer);
        let mut report = Report::of_all(inputs, events, dumps, &hangs, tracer);
        report.diagnosis.gaps.extend(loaded.gaps);
        report.diagnosis.gaps.extend(cut_while_read());
        (report, exit)
    }
}

/// Adds lines to the stacks of a dump.
fn lines(
    anchors: &Anchors,
    debug: &DebugInfo<'_>,
    facts: &mut DumpFacts,
    waits: &mut Waits,
) -> Vec<Gap> {
    let crashed = facts.crashed.iter_mut();
    let crashed = crashed.filter_map(|crashed| crashed.stack.as_mut());
    let cpus = facts.cpus.iter_mut().filter_map(|cpu| cpu.stack.as_mut());
    let stacks = crashed.chain(cpus).chain(waits.stacks());
    let mut stacks: Vec<&mut StackTrace> = stacks.collect();
    anchors.add_lines(debug, &mut stacks)
}

/// Adds a file out of a dump's memory where no other has its code, else lays the code that ran over the other.
fn stand_in<'a>(debug: &mut DebugInfo<'a>, file: &'a MemoryFile, store: &'a Store) -> Option<Gap> {
    let known = match &file.module {
        Some(module) => debug.module(module),
        None => debug.kernel(),
    };
    let has_code = |id| {
        debug
            .object(id)
            .is_some_and(|object| !object.is_types_only())
    };
    if let Some(id) = known.filter(|id| has_code(*id)) {
        // The file tells more; what ran memory tells.
        if let Ok(memory) = Object::open(&file.label, &file.bytes, store)
            && let Some(object) = debug.object(id)
        {
            let seen = object.seen_in(&memory);
            debug.lay(id, seen);
        }
        return None;
    }
    match Object::open(&file.label, &file.bytes, store) {
        Ok(object) => {
            debug.add(match &file.module {
                Some(module) => object.of_module(module),
                None => object,
            });
            file.lacks.clone()
        }
        Err(error) => Some(Gap::new(
            format!("the code of {}", file.label),
            error.to_string(),
        )),
    }
}

pub fn complain(errors: &[attach::Error]) -> Exit {
    for error in errors {
        complain_of(error);
    }
    if errors.is_empty() {
        Exit::Fine
    } else {
        Exit::Unusable
    }
}
