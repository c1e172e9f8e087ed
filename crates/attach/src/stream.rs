//! Bytes that are pulled block by block, and what is missing from them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use base::Gap;

use crate::interrupt::{Interrupt, Ready};
use crate::{Context, Error, escape};

/// A stream of bytes: one pass, bounded memory, gaps at the end.
pub trait Pull: Send {
    /// Reads at least one byte into `buf`; 0 means the end.
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize, Error>;

    /// Adds what is missing from what was read; complete only at the end.
    fn gaps(&mut self, into: &mut Vec<Gap>);

    /// The file whose bytes these are, from its beginning and as they lie, where they are those of a file.
    fn file(&self) -> Option<&File> {
        None
    }
}

/// The bytes of an open file or pipe.
pub(crate) struct FileSource {
    file: File,
    name: String,
    context: Arc<Context>,
    read: u64,
    ended: bool,
    failed: Option<String>,
    interrupt: Option<Interrupt>,
}

impl FileSource {
    pub(crate) fn new(file: File, name: &std::path::Path, context: Arc<Context>) -> Self {
        FileSource {
            file,
            name: escape(name.as_os_str()).into_owned(),
            context,
            read: 0,
            ended: false,
            failed: None,
            interrupt: None,
        }
    }

    /// The same source; Ctrl-C ends it as if its writer had.
    pub(crate) fn interruptible(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    fn was_interrupted(&mut self) -> Result<bool, Error> {
        let Some(interrupt) = &self.interrupt else {
            return Ok(false);
        };
        let ready = interrupt
            .wait(self.file.as_fd(), None)
            .map_err(|error| Error::io("wait for", &self.name, &error))?;
        Ok(ready == Ready::Interrupted)
    }
}

impl Pull for FileSource {
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        if self.ended {
            return Ok(0);
        }
        if self.was_interrupted()? {
            self.ended = true;
            self.context.interrupt();
            return Ok(0);
        }
        match read_some(&mut self.file, buf) {
            Ok(n) => {
                self.read += n as u64;
                self.context.add_bytes(n as u64);
                // The end of a terminal's input comes only once.
                self.ended = n == 0;
                Ok(n)
            }
            // A disk that fails half-way has still told the first half.
            Err(error) if self.read > 0 => {
                self.ended = true;
                self.failed = Some(error.to_string());
                Ok(0)
            }
            Err(error) => Err(Error::io("read", &self.name, &error)),
        }
    }

    fn gaps(&mut self, into: &mut Vec<Gap>) {
        if let Some(why) = self.failed.take() {
            into.push(Gap::new(
                format!("what follows the first {} bytes", self.read),
                format!("reading failed: {why}"),
            ));
        }
    }

    fn file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

/// One `read`, repeated when a signal interrupts it.
pub(crate) fn read_some(from: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A stream whose first bytes have been looked at.
pub(crate) struct Peeked {
    inner: Box<dyn Pull>,
    head: Vec<u8>,
    given: usize,
}

impl Peeked {
    /// Bytes that are looked at: enough for every magic number and for some lines.
    pub(crate) const HEAD: usize = 16 << 10;

    /// Reads the head of `inner`: one block, and more only as long as it is
    /// too short to tell anything, so that a slow pipe is not waited for.
    pub(crate) fn new(mut inner: Box<dyn Pull>) -> Result<Self, Error> {
        const ENOUGH: usize = 512;
        const ENOUGH_FOR_A_LINE: usize = 16;
        let mut head = vec![0; Self::HEAD];
        let mut filled = 0;
        while let Some(free) = head.get_mut(filled..).filter(|free| !free.is_empty()) {
            let n = inner.pull(free)?;
            filled += n;
            let told = head.get(..filled).unwrap_or_default();
            let line = filled >= ENOUGH_FOR_A_LINE && told.contains(&b'\n');
            if n == 0 || filled >= ENOUGH || line {
                break;
            }
        }
        head.truncate(filled);
        Ok(Peeked {
            inner,
            head,
            given: 0,
        })
    }

    /// The first bytes; fewer than [`Peeked::HEAD`] when the stream is short or slow.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }
}

impl Pull for Peeked {
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        match self.head.get(self.given..) {
            Some(left) if !left.is_empty() => {
                let n = copy(left, buf);
                self.given += n;
                Ok(n)
            }
            _ => self.inner.pull(buf),
        }
    }

    fn gaps(&mut self, into: &mut Vec<Gap>) {
        self.inner.gaps(into);
    }

    fn file(&self) -> Option<&File> {
        self.inner.file()
    }
}

/// Bytes that are in memory already.
#[derive(Default)]
pub(crate) struct MemorySource {
    bytes: Vec<u8>,
    given: usize,
    gaps: Vec<Gap>,
}

impl MemorySource {
    pub(crate) fn new(bytes: Vec<u8>, gaps: Vec<Gap>) -> Self {
        MemorySource {
            bytes,
            given: 0,
            gaps,
        }
    }
}

impl Pull for MemorySource {
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        let n = copy(self.bytes.get(self.given..).unwrap_or_default(), buf);
        self.given += n;
        Ok(n)
    }

    fn gaps(&mut self, into: &mut Vec<Gap>) {
        into.append(&mut self.gaps);
    }
}

/// Copies what fits and says how much that was.
pub(crate) fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let n = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..n), from.get(..n)) {
        to.copy_from_slice(from);
    }
    n
}

/// Reads a stream to its end, at most `limit` bytes; says whether it ended there.
pub(crate) fn read_all(stream: &mut dyn Pull, limit: usize) -> Result<(Vec<u8>, bool), Error> {
    let mut all = Vec::new();
    let mut block = vec![0; 64 << 10];
    loop {
        let n = stream.pull(&mut block)?;
        if n == 0 {
            return Ok((all, true));
        }
        let room = limit.saturating_sub(all.len());
        all.extend_from_slice(block.get(..n.min(room)).unwrap_or_default());
        if n > room {
            return Ok((all, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peeked_stream_loses_nothing() {
        let text: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
        let inner = MemorySource::new(text.clone(), Vec::new());
        let mut peeked = Peeked::new(Box::new(inner)).unwrap();
        assert_eq!(peeked.head().len(), Peeked::HEAD);
        assert_eq!(read_all(&mut peeked, usize::MAX).unwrap(), (text, true));
    }

    #[test]
    fn reading_all_stops_at_its_limit() {
        let mut source = MemorySource::new(vec![7; 100], Vec::new());
        assert_eq!(read_all(&mut source, 10).unwrap(), (vec![7; 10], false));
        let mut source = MemorySource::new(vec![7; 10], Vec::new());
        assert_eq!(read_all(&mut source, 10).unwrap(), (vec![7; 10], true));
    }
}
