//! The code that ran: the files with its debug information, and its sources.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attach::{CodeThatRan, Context, DebugFiles, Dump, Loaded, SourceTree, Usual, cut_while_read};
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
use crate::progress::Downloads;

/// What was named beside the logs.
pub struct Code {
    files: DebugFiles,
    sources: Lines,
    downloads: Arc<Downloads>,
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
        let mut usual = usual(matches);
        let downloads = Arc::new(Downloads::new());
        let shows = Arc::clone(&downloads);
        usual.watch(Box::new(move |download| shows.show(&download)));
        let (files, mut errors) = DebugFiles::new(&paths, usual, Arc::clone(context));
        let (sources, more) = SourceTree::new(&named_paths(matches, "source"));
        errors.extend(more);
        let exit = complain(&errors);
        let sources = Lines(sources);
        let code = Code {
            files,
            sources,
            downloads,
        };
        (code, exit)
    }

    /// Adds a file that was named among the targets.
    pub fn add(&mut self, path: &Path) {
        self.files.add(path);
    }

    /// Opens what these events and dumps need; nothing where nothing was named and nothing is looked for.
    pub fn load<'a>(
        &'a self,
        events: &[LogEvent],
        ran: &[CodeThatRan],
        store: &'a Store,
    ) -> Loaded<'a> {
        if self.files.is_idle() {
            return Loaded::default();
        }
        let loaded = self.files.load(events, ran, store);
        self.downloads.finish();
        loaded
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
        if self.files.is_idle() && memory.is_empty() {
            let report = Report::of_all(inputs, events, Vec::new(), &waits, None);
            return (report, Exit::Fine);
        }
        let store = Store::new();
        let ran: Vec<CodeThatRan> = memory.iter().map(|memory| memory.ran.0.clone()).collect();
        let mut loaded = self.load(&events, &ran, &store);
        let (mut files, mut dumps, mut hangs) = (Vec::new(), Vec::new(), waits);
        for memory in memory {
            let (mut facts, mut waits) = (memory.facts, memory.waits);
            if loaded.debug.objects().next().is_some() {
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
        report.diagnosis.notes.extend(loaded.found);
        report.diagnosis.gaps.extend(loaded.gaps);
        report.diagnosis.gaps.extend(cut_while_read());
        (report, exit)
    }
}

/// Where files are looked for that nobody named.
fn usual(matches: &ArgMatches) -> Usual {
    // A title is that of the log, whatever files tell. A verb need not have titles.
    let titles = matches.try_get_one::<bool>("titles").ok().flatten();
    if titles == Some(&true) || matches.get_flag("no-default-debuginfo") {
        return Usual::none();
    }
    let root = matches.get_one::<OsString>("sysroot");
    Usual::of_this_machine(root.map_or_else(|| PathBuf::from("/"), PathBuf::from))
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
    let known = known.and_then(|id| Some((id, debug.object(id)?)));
    let known = known.filter(|(_, object)| !object.is_types_only());
    if let Some((id, object)) = known.filter(|(_, object)| object.has_code()) {
        // The file tells more; what ran memory tells.
        if let Ok(memory) = Object::open(&file.label, &file.bytes, store) {
            let seen = object.seen_in(&memory);
            debug.lay(id, seen);
        }
        return None;
    }
    let object = match Object::open(&file.label, &file.bytes, store) {
        Ok(object) => object,
        Err(error) => {
            let what = format!("the code of {}", file.label);
            return Some(Gap::new(what, error.to_string()));
        }
    };
    let object = match &file.module {
        Some(module) => object.of_module(module),
        None => object,
    };
    match known.map(|(id, companion)| (id, companion.label().to_owned())) {
        Some((id, companion)) => {
            // It has told the lines. It knows the code by the sections of a file that is not there.
            debug.replace(id, object);
            let lacks = file.lacks.as_ref()?;
            let why =
                format!("'{companion}' holds debug information without the code that it is of");
            Some(Gap::new(lacks.what.clone(), why).supply("the file with the code (--debuginfo)"))
        }
        None => {
            debug.add(object);
            file.lacks.clone()
        }
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
