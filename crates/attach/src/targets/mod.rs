//! The kinds of target: which argument or which first bytes make one, and
//! what it gives.
//!
//! A kind that is known and not read yet stands in the list too, so that its
//! files are told for what they are and never read as something else.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use base::Gap;

use crate::live::LiveLog;
use crate::stream::{Peeked, Pull};
use crate::{Context, Dump, Error};

/// One kind of target.
pub(crate) struct Entry {
    how: How,
}

enum How {
    /// The argument's spelling alone makes it this kind.
    Spelled {
        is: fn(&OsStr) -> bool,
        open: fn(&OsStr, Arc<Context>) -> Result<Content, Error>,
    },
    /// The first bytes of a file make it this kind.
    Magic {
        is: fn(&[u8]) -> bool,
        open: fn(&Path, Peeked) -> Result<Content, Error>,
    },
}

base::registry! {
    /// Every kind, in the order of probing: `text` takes what no other kind took.
    static TARGETS: [Entry] = [
        stdin, kmsg, process, live_kernel, kdump, flattened, elf, perf_data, foreign, saved_report, saved_stacks,
        other_json, text,
    ];
}

/// What a target gives.
pub enum Content {
    /// The bytes of a log, to be read once.
    Log(Log),
    /// A log that is still being written.
    Live(LiveLog),
    /// A report that was saved: its JSON.
    Report(Vec<u8>),
    /// Stacks that were saved: their JSON.
    Stacks(Vec<u8>),
    /// A dump of a kernel.
    Dump(Box<Dump>),
    /// A program, a library, a kernel or a module, which explains nothing by itself: the refusal where nothing
    /// else is named. Beside a log it is debug information.
    Object(Error),
}

/// The bytes of a log.
pub struct Log {
    stream: Box<dyn Pull>,
    /// What it is, in words (`kernel log`, `kernel log (gzip)`).
    pub kind: String,
    /// Its first bytes are no text: where no event is found in it, it is no log.
    pub binary: bool,
}

impl Log {
    pub(crate) fn new(kind: impl Into<String>, stream: Box<dyn Pull>) -> Self {
        Log {
            stream,
            kind: kind.into(),
            binary: false,
        }
    }

    /// Reads the next bytes into `buf`; 0 means the end.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        self.stream.pull(buf)
    }

    /// What is missing from what was read; complete at the end.
    pub fn gaps(&mut self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        self.stream.gaps(&mut gaps);
        gaps
    }
}

/// How an argument whose spelling makes it a target is opened.
pub(crate) type OpenSpelled = fn(&OsStr, Arc<Context>) -> Result<Content, Error>;

/// The kind that the spelling of `argument` makes it, if any.
pub(crate) fn spelled(argument: &OsStr) -> Option<OpenSpelled> {
    TARGETS.iter().find_map(|entry| match entry.how {
        How::Spelled { is, open } if is(argument) => Some(open),
        _ => None,
    })
}

/// Opens a stream as what its first bytes say.
pub(crate) fn open_stream(name: &Path, stream: Peeked) -> Result<Content, Error> {
    let (stream, undone) = crate::codecs::decompress(stream, name)?;
    let open = TARGETS.iter().find_map(|entry| match entry.how {
        How::Magic { is, open } if is(stream.head()) => Some(open),
        _ => None,
    });
    let Some(open) = open else {
        return Err(Error::new("read", name, "its kind is not known"));
    };
    let mut content = open(name, stream)?;
    if let Content::Log(log) = &mut content
        && !undone.is_empty()
    {
        log.kind = format!("{} ({})", log.kind, undone.join(", "));
    }
    Ok(content)
}
