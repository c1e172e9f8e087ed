//! The files with the code and the debug information of what died: those that
//! `--debuginfo` names, and what of named folders a log needs.
//!
//! Nothing is opened before the events of a log are known. Of files that are
//! named all are opened; of folders only the kernel and the modules that the
//! events name. A file of another kernel is never used silently.
//!
//! What is missing then is looked for where machines keep such files, and asked of debuginfod servers, by its
//! build-id alone ([`Usual`]).

mod by_build;
mod bytes;
mod candidate;
mod debuginfod;
mod fit;
mod installed;
mod load;
mod names;
mod needed;
mod search;
mod supply;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_by_build;
mod usual;
mod walk;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Gap, Kept, LogEvent};
use debuginfo::{DebugInfo, Store};

use self::bytes::{DOING, Opener};
use self::candidate::Candidate;
pub use self::debuginfod::{Download, Watch};
use self::load::Loading;
pub use self::needed::CodeThatRan;
use self::needed::Needed;
use self::search::Search;
pub use self::usual::Usual;
use crate::resolve::similar;
use crate::{Context, Error, escape, mapped};

/// What a user can name.
const TAKES: &str = "--debuginfo takes a vmlinux, a module, a BTF file, or a folder with some";

/// Debug files, and folders to find some in.
pub struct DebugFiles {
    named: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    usual: Usual,
    opener: Opener,
    kept: Kept<Candidate>,
}

/// What of them a log needs.
#[derive(Default)]
pub struct Loaded<'a> {
    /// The kernel and the modules.
    pub debug: DebugInfo<'a>,
    /// What could not be had.
    pub gaps: Vec<Gap>,
    /// What was named and cannot be used at all.
    pub errors: Vec<Error>,
    /// Which files were found that nobody named, and where, in sentences.
    pub found: Vec<String>,
}

impl DebugFiles {
    /// Takes what was named, and says what of it is not there. Nothing is opened. What is not named is looked for
    /// in `usual` places.
    pub fn new(
        paths: &[OsString],
        usual: Usual,
        context: Arc<Context>,
    ) -> (DebugFiles, Vec<Error>) {
        let mut files = DebugFiles {
            named: Vec::new(),
            folders: Vec::new(),
            usual,
            opener: Opener::new(context),
            kept: Kept::default(),
        };
        let mut errors = Vec::new();
        for path in paths {
            let path = PathBuf::from(path);
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => match fs::read_dir(&path) {
                    Ok(_) => add(&mut files.folders, path),
                    Err(error) => {
                        errors.push(Error::io("look for debug information in", &path, &error))
                    }
                },
                Ok(meta) if meta.is_file() => files.add(&path),
                Ok(_) => {
                    errors.push(bytes::told(&path, "it is neither a file nor a folder").next(TAKES))
                }
                Err(error) => errors.push(missing(&path, &error)),
            }
        }
        (files, errors)
    }

    /// Adds a file that is known to be there.
    pub fn add(&mut self, path: &Path) {
        add(&mut self.named, path.to_owned());
    }

    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.folders.is_empty()
    }

    /// Whether nothing was named, and nothing is looked for.
    pub fn is_idle(&self) -> bool {
        self.is_empty() && self.usual.is_none()
    }

    /// Opens what these events need, and what ran in dumps: it must be of their builds. Sections that must be unpacked
    /// or relocated go to `store`.
    pub fn load<'a>(
        &'a self,
        events: &[LogEvent],
        dumps: &[CodeThatRan],
        store: &'a Store,
    ) -> Loaded<'a> {
        let mut needed = Needed::of(events);
        // Files are of one kernel: that of the first dump.
        if let Some(first) = dumps.first() {
            needed.add_dump(first);
        }
        let search = Search::new(self, needed);
        Loading::new(search, store).run()
    }
}

/// What is missing because a file was cut while it was read; to be asked after the last question.
pub fn cut_while_read() -> Option<Gap> {
    mapped::was_cut().then(|| {
        let why = "a file was cut while it was read, and zeroes stood for what was gone";
        Gap::new("whether the files that were read are whole", why)
            .supply("files that nobody writes to")
    })
}

fn add(to: &mut Vec<PathBuf>, path: PathBuf) {
    if !to.contains(&path) {
        to.push(path);
    }
}

/// A name that does not exist, with one that does and is nearly the same.
fn missing(path: &Path, error: &io::Error) -> Error {
    let failure = Error::io(DOING, path, error);
    if error.kind() != io::ErrorKind::NotFound {
        return failure;
    }
    failure.next(match similar(path) {
        Some(name) => format!("did you mean '{}'?", escape(name.as_os_str())),
        None => "check the spelling; --debuginfo takes a vmlinux, a module, or a folder with some"
            .to_owned(),
    })
}
