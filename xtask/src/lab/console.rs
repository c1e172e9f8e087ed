//! The serial console of a guest: kept byte for byte in a file, and searched for awaited text.

use anyhow::{Context, Result};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

/// A console that a thread copies to a file while we look for text in it.
pub struct Console {
    pieces: Receiver<Vec<u8>>,
    copier: JoinHandle<()>,
    /// What was printed and not yet passed by [`Console::wait_for`].
    unread: Vec<u8>,
}

/// How waiting on a console ended.
#[derive(PartialEq, Eq)]
pub enum Waited {
    /// The text was printed.
    Found,
    /// The time was over first.
    TimedOut,
    /// The guest closed its console: the machine is off.
    Closed,
}

impl Console {
    /// Starts to copy `from` to the file `to`.
    pub fn capture(from: impl Read + Send + 'static, to: &Path) -> Result<Self> {
        let file = File::create(to).with_context(|| format!("creating {}", to.display()))?;
        let (sender, pieces) = channel();
        let copier = std::thread::spawn(move || copy(from, file, &sender));
        Ok(Self {
            pieces,
            copier,
            unread: Vec::new(),
        })
    }

    /// Waits until `text` is printed after what an earlier wait found, or until the deadline.
    pub fn wait_for(&mut self, text: &str, deadline: Instant) -> Waited {
        loop {
            if let Some(end) = end_of(&self.unread, text.as_bytes()) {
                self.unread.drain(..end);
                return Waited::Found;
            }
            match self.receive(deadline) {
                Ok(piece) => self.unread.extend(piece),
                Err(ended) => return ended,
            }
        }
    }

    /// Lets the guest go on printing until the deadline.
    pub fn pass_time(&mut self, deadline: Instant) {
        while let Ok(piece) = self.receive(deadline) {
            self.unread.extend(piece);
        }
    }

    /// Waits until the copy is complete; the guest must be gone.
    pub fn finish(self) {
        self.copier.join().ok();
    }

    fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, Waited> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.pieces.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => Waited::TimedOut,
            RecvTimeoutError::Disconnected => Waited::Closed,
        })
    }
}

fn copy(mut from: impl Read, mut file: File, sender: &Sender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(count) = from.read(&mut buffer) {
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            return;
        };
        if file.write_all(piece).is_err() {
            return;
        }
        sender.send(piece.to_vec()).ok();
    }
}

/// The index after the first `needle` in `bytes`.
fn end_of(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len().max(1))
        .position(|window| window == needle)
        .map(|start| start + needle.len())
}

/// A console's bytes from the line of the kernel's banner on: what firmware printed is left out. A
/// quiet boot has no banner, then the first line with a time stamp begins the log.
pub fn from_banner(bytes: &[u8]) -> &[u8] {
    let line_of = |needle: &[u8]| {
        let at = end_of(bytes, needle)? - needle.len();
        let before = bytes.get(..at)?;
        let start = before.iter().rposition(|byte| *byte == b'\n');
        bytes.get(start.map_or(0, |newline| newline + 1)..)
    };
    line_of(b"] Linux version ")
        .or_else(|| line_of(b"[    "))
        .unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_begins_at_the_banner() {
        let console = b"SeaBIOS\r\n[    0.000000] Linux version 6.1\r\n[    1.0] x\r\n";
        assert!(from_banner(console).starts_with(b"[    0.000000] Linux version"));
        assert_eq!(from_banner(b"a\n[    2.5] BUG\n"), b"[    2.5] BUG\n");
        assert_eq!(from_banner(b"nothing"), b"nothing");
    }

    #[test]
    fn text_is_found_across_pieces() {
        assert_eq!(end_of(b"abcdef", b"cd"), Some(4));
        assert_eq!(end_of(b"abc", b"x"), None);
        assert_eq!(end_of(b"", b"x"), None);
    }
}
