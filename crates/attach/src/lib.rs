//! The rim: the only crate that opens files, devices and `/proc`.
//!
//! A TARGET of the command line is resolved here once, for every verb:
//! [`fn@resolve`] turns the arguments into [`Target`]s without opening them,
//! [`Target::open`] looks at the first bytes, undoes compression, decides by
//! magic what it is, and gives its [`Content`]. What it is not is never
//! guessed: a dump is not read as a log.
//!
//! Files are read with `read(2)` in large blocks and not through mappings: a
//! log that is rotated or cut while it is read must not kill the reader
//! (`SIGBUS`), and the kernel copies faster than any log is scanned. Files with
//! debug information and dumps are the exception: gigabytes of which little is
//! touched are mapped ([`DebugFiles`], [`Dump`]).

pub mod abilities;
mod codecs;
mod context;
mod debug_files;
mod dump;
mod elf_header;
mod error;
mod forms;
mod interrupt;
mod live;
mod mapped;
mod pstore;
mod resolve;
mod source_tree;
mod stream;
mod targets;
#[cfg(test)]
mod testing;

pub use context::Context;
pub use debug_files::{CodeThatRan, DebugFiles, Download, Loaded, Usual, Watch, cut_while_read};
pub use dump::Dump;
pub use error::{Error, escape};
pub use live::{LiveLog, Pause};
pub use resolve::{Resolved, Skipped, Target, open_bytes, resolve};
pub use source_tree::SourceTree;
pub use stream::Pull;
pub use targets::{Content, Log};
