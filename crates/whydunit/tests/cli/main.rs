//! The binary as a user meets it: what goes in, what comes out, how it exits.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is the verdict of a test, in its helpers too"
)]

mod answers;
mod by_build;
mod compressed;
mod debuginfo;
mod folders;
mod help;
mod hostile;
mod pstore;
mod stacks;
mod streams;
mod support;
mod transcripts;
mod usage;
