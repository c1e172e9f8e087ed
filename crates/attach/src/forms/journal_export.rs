//! `journalctl -k -o export`: a field a line, an empty line behind each entry.
//!
//! A field whose value holds line ends or control characters is written as
//! its name alone, eight bytes of length, the value, and a line end. Lines
//! come here without their ends, so such a value is put together again from
//! as many lines as its length says.

use base::Gap;

use super::journal_json::JournalEntry;
use super::{Entry, Form};

pub(super) static ENTRY: Entry = Entry {
    name: "journal entries in the export format",
    sniff: |lines| {
        lines
            .first()
            .is_some_and(|line| line.starts_with(b"__CURSOR="))
    },
    begin: || Box::new(Export::default()),
};

/// Bytes of a value that are kept; longer ones are no kernel line.
const LARGEST: usize = 64 << 10;

#[derive(Default)]
struct Export {
    message: Option<Vec<u8>>,
    priority: Option<u32>,
    source_usec: Option<u64>,
    usec: Option<u64>,
    foreign: bool,
    binary: Option<Binary>,
}

/// A value with a length that is being put together.
struct Binary {
    is_message: bool,
    /// Whether a line of it was read.
    started: bool,
    /// Length and value as far as read.
    bytes: Vec<u8>,
    /// Bytes of them that were not kept.
    dropped: u64,
}

impl Binary {
    fn add(&mut self, more: &[u8]) {
        let room = LARGEST.saturating_sub(self.bytes.len());
        let kept = more.get(..more.len().min(room)).unwrap_or_default();
        self.bytes.extend_from_slice(kept);
        self.dropped += (more.len() - kept.len()) as u64;
    }

    /// Whether all is read: the value's own end takes the place of the line end.
    fn complete(&self) -> bool {
        let Some(length) = self
            .bytes
            .first_chunk::<8>()
            .copied()
            .map(u64::from_le_bytes)
        else {
            return false;
        };
        (self.bytes.len() as u64 - 8).saturating_add(self.dropped) >= length
    }
}

impl Form for Export {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if let Some(binary) = &mut self.binary {
            if std::mem::replace(&mut binary.started, true) {
                binary.add(b"\n");
            }
            binary.add(line);
            if binary.complete()
                && let Some(done) = self.binary.take()
                && done.is_message
            {
                self.message = done.bytes.get(8..).map(<[u8]>::to_vec);
            }
            return;
        }
        if line.is_empty() {
            self.finish(out);
            return;
        }
        let Some(equals) = line.iter().position(|&byte| byte == b'=') else {
            self.binary = Some(Binary {
                is_message: line == b"MESSAGE",
                started: false,
                bytes: Vec::new(),
                dropped: 0,
            });
            return;
        };
        let (name, value) = line.split_at_checked(equals).unwrap_or((line, &[]));
        let value = value.get(1..).unwrap_or_default();
        let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
        match name {
            b"MESSAGE" => self.message = Some(value.to_vec()),
            b"PRIORITY" => self.priority = number().and_then(|n| u32::try_from(n).ok()),
            b"_SOURCE_MONOTONIC_TIMESTAMP" => self.source_usec = number(),
            b"__MONOTONIC_TIMESTAMP" => self.usec = number(),
            b"_TRANSPORT" => self.foreign = value != b"kernel",
            _ => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>, gaps: &mut Vec<Gap>) {
        if self.binary.is_some() {
            gaps.push(Gap::new(
                "the last journal entry",
                "the capture ends inside one of its values",
            ));
        }
        self.finish(out);
    }
}

impl Export {
    fn finish(&mut self, out: &mut Vec<u8>) {
        let entry = std::mem::take(self);
        if let Some(message) = entry.message {
            JournalEntry {
                message: &message,
                priority: entry.priority,
                usec: entry.source_usec.or(entry.usec),
                of_kernel: !entry.foreign,
            }
            .write(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reform;

    #[test]
    fn entries_become_lines() {
        let mut input = b"__CURSOR=s=1\n__MONOTONIC_TIMESTAMP=2500000\n_TRANSPORT=kernel\nPRIORITY=3\nMESSAGE=one\n\n".to_vec();
        input.extend_from_slice(b"__CURSOR=s=2\n_TRANSPORT=kernel\nMESSAGE\n");
        input.extend_from_slice(&7u64.to_le_bytes());
        input.extend_from_slice(b"two\n\x1b[m\nPRIORITY=4\n\n");
        input.extend_from_slice(b"__CURSOR=s=3\n_TRANSPORT=syslog\nMESSAGE=a program\n\n");
        let (form, text, gaps) = reform(&input);
        assert!(form.is_some());
        assert_eq!(text, "<3>[    2.500000] one\n<4>two\n<4>\u{1b}[m\n");
        assert_eq!(gaps, []);
    }

    #[test]
    fn a_length_that_holds_a_line_end_is_read() {
        // The length 10 is the byte of a line end.
        let mut input = b"__CURSOR=s=1\nMESSAGE\n".to_vec();
        input.extend_from_slice(&10u64.to_le_bytes());
        input.extend_from_slice(b"0123456789\n\n");
        assert_eq!(reform(&input).1, "0123456789\n");
    }
}
