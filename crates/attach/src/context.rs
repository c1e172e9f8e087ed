//! What all targets of one run share: progress and interruption.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by the threads that read and the one that shows.
#[derive(Debug, Default)]
pub struct Context {
    done: AtomicU64,
    interrupted: AtomicBool,
}

impl Context {
    /// Nothing read, not interrupted.
    pub fn new() -> Self {
        Context::default()
    }

    /// Bytes read so far from all targets, as they lie in the files.
    pub fn bytes_read(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether the user asked to stop while a stream without an end was read.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }
}
