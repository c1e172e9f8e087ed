//! The way of a bad pointer through the code that ran, with the names of its debug info.
//!
//! The log gives the place and the registers, the files give the whole function, its callers and its types.

mod identity;

use base::LogEvent;
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
#[allow(dead_code, reason = "read by the slicer that is being built")]
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

impl Tracer for FileTracer<'_, '_> {
    fn trace(&self, _: &LogEvent) -> Option<Traced> {
        None
    }
}
