//! Transcripts of debuggers: who waits for what, as far as what they print tells it.
//!
//! A transcript is a target that can read nothing but what stands in it. What a debugger printed is believed as such;
//! what nobody asked it for is a gap, with the command that would have told.

mod list;
mod parts;
#[cfg(test)]
mod tests;

use base::{Partial, WaitFacts};

pub use list::TRANSCRIPTS;

/// Bytes at the beginning in which a transcript shows what it is.
pub const HEAD: usize = 64 << 10;

/// Bytes of a transcript that are read; the rest is a gap.
pub const MOST: usize = 64 << 20;

/// A kind of transcript.
#[derive(Debug)]
pub struct Transcript {
    /// Its debugger, as a reader knows it.
    pub name: &'static str,
    /// Whether text that begins so is one.
    pub is: fn(&str) -> bool,
    /// What it tells of waiting.
    pub read: fn(&str) -> Partial<WaitFacts>,
}

/// The kind of transcript that begins with these bytes.
pub fn find(head: &[u8]) -> Option<&'static Transcript> {
    let head = String::from_utf8_lossy(head.get(..HEAD).unwrap_or(head));
    TRANSCRIPTS.iter().copied().find(|kind| (kind.is)(&head))
}
