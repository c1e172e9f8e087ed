//! The code that ran: the files with its debug information, and its sources.

use std::path::Path;
use std::sync::Arc;

use attach::{Context, DebugFiles, SourceTree, cut_while_read};
use base::LogEvent;
use cause::{FileTracer, InputFacts, Sources, Tracer};
use clap::ArgMatches;
use debuginfo::Store;
use report::Report;

use crate::cli::named_paths;
use crate::exit::Exit;
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

    /// Explains events, with what of the files they need.
    pub fn explain(&self, inputs: Vec<InputFacts>, events: Vec<LogEvent>) -> (Report, Exit) {
        if self.files.is_empty() {
            return (Report::of_log(inputs, events, None), Exit::Fine);
        }
        let store = Store::new();
        let loaded = self.files.load(&events, &store);
        let exit = complain(&loaded.errors);
        let tracer = FileTracer::new(&loaded.debug, &self.sources);
        let any = loaded.debug.objects().next().is_some();
        let tracer: Option<&dyn Tracer> = any.then_some(&tracer);
        let mut report = Report::of_log(inputs, events, tracer);
        report.diagnosis.gaps.extend(loaded.gaps);
        report.diagnosis.gaps.extend(cut_while_read());
        (report, exit)
    }
}

fn complain(errors: &[attach::Error]) -> Exit {
    for error in errors {
        complain_of(error);
    }
    if errors.is_empty() {
        Exit::Fine
    } else {
        Exit::Unusable
    }
}
