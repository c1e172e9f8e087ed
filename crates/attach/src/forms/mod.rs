//! Forms in which kernel lines are carried by other programs, brought back to
//! the form that the kernel itself prints: `<6>[    1.234567] message`.
//!
//! A form is decided by the first lines. Lines that do not have it pass
//! unchanged, so that a capture with foreign lines in it loses nothing.

use base::Gap;

use crate::Error;
use crate::stream::{Pull, copy};

pub(crate) mod record;

/// One form.
pub(crate) struct Entry {
    /// What it is called in messages.
    name: &'static str,
    /// Whether a stream with these first complete lines has it.
    sniff: fn(&[&[u8]]) -> bool,
    /// Begins reading it.
    begin: fn() -> Box<dyn Form>,
}

base::registry! {
    static FORMS: [Entry] = [records, journal_json, journal_export];
}

/// Turns lines of a form into lines as the kernel prints them.
pub(crate) trait Form: Send {
    /// Takes one line without its line feed.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>);

    /// Gives what was held back, since a line follows that passes as it is.
    fn flush(&mut self, _out: &mut Vec<u8>) {}

    /// Gives what was held back, and what is missing.
    fn end(&mut self, out: &mut Vec<u8>, gaps: &mut Vec<Gap>);
}

/// The form of a stream that begins with `head`, if it is not plain text.
pub(crate) fn sniff(head: &[u8]) -> Option<&'static Entry> {
    const LINES: usize = 20;
    let complete = match head.iter().rposition(|&byte| byte == b'\n') {
        Some(end) => head.get(..end).unwrap_or_default(),
        None => head,
    };
    let lines: Vec<&[u8]> = complete
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .take(LINES)
        .collect();
    if lines.is_empty() {
        return None;
    }
    FORMS.iter().copied().find(|form| (form.sniff)(&lines))
}

/// A stream brought back to the kernel's own form.
pub(crate) struct Reformed {
    inner: Box<dyn Pull>,
    form: Box<dyn Form>,
    block: Vec<u8>,
    /// The beginning of a line whose end has not been read.
    partial: Vec<u8>,
    /// Inside a line that was too long and passes as it is.
    passing: bool,
    out: Vec<u8>,
    given: usize,
    ended: bool,
    gaps: Vec<Gap>,
}

/// The longest line that is looked into; a record of the kernel has 8 KiB.
const LINE: usize = 256 << 10;

impl Reformed {
    pub(crate) fn new(inner: Box<dyn Pull>, entry: &'static Entry) -> Self {
        Reformed {
            inner,
            form: (entry.begin)(),
            block: vec![0; 64 << 10],
            partial: Vec::new(),
            passing: false,
            out: Vec::new(),
            given: 0,
            ended: false,
            gaps: Vec::new(),
        }
    }

    fn take_block(&mut self, n: usize) {
        let block = std::mem::take(&mut self.block);
        for piece in block
            .get(..n)
            .unwrap_or_default()
            .split_inclusive(|&byte| byte == b'\n')
        {
            let (text, whole) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if self.passing {
                self.out.extend_from_slice(piece);
                self.passing = !whole;
            } else if self.partial.len() + text.len() > LINE {
                self.form.flush(&mut self.out);
                self.out.append(&mut self.partial);
                self.out.extend_from_slice(piece);
                self.passing = !whole;
            } else if !whole {
                self.partial.extend_from_slice(text);
            } else if self.partial.is_empty() {
                self.form.line(text, &mut self.out);
            } else {
                self.partial.extend_from_slice(text);
                self.form.line(&self.partial, &mut self.out);
                self.partial.clear();
            }
        }
        self.block = block;
    }
}

impl Pull for Reformed {
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        loop {
            let left = self.out.get(self.given..).unwrap_or_default();
            if !left.is_empty() {
                let n = copy(left, buf);
                self.given += n;
                return Ok(n);
            }
            self.out.clear();
            self.given = 0;
            if self.ended || buf.is_empty() {
                return Ok(0);
            }
            let n = self.inner.pull(&mut self.block)?;
            if n > 0 {
                self.take_block(n);
                continue;
            }
            self.ended = true;
            if !self.partial.is_empty() {
                let last = std::mem::take(&mut self.partial);
                self.form.line(&last, &mut self.out);
            }
            self.form.end(&mut self.out, &mut self.gaps);
        }
    }

    fn gaps(&mut self, into: &mut Vec<Gap>) {
        self.inner.gaps(into);
        into.append(&mut self.gaps);
    }
}

impl Entry {
    /// What it is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

#[cfg(test)]
pub(crate) fn reform(input: &[u8]) -> (Option<&'static str>, String, Vec<Gap>) {
    use crate::stream::{MemorySource, read_all};
    let source = Box::new(MemorySource::new(input.to_vec(), Vec::new()));
    let Some(entry) = sniff(input) else {
        return (
            None,
            String::from_utf8_lossy(input).into_owned(),
            Vec::new(),
        );
    };
    let mut stream = Reformed::new(source, entry);
    let (text, _) = read_all(&mut stream, usize::MAX).unwrap();
    let mut gaps = Vec::new();
    stream.gaps(&mut gaps);
    (
        Some(entry.name),
        String::from_utf8_lossy(&text).into_owned(),
        gaps,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_logs_are_left_alone() {
        for log in [
            "",
            "\n\n",
            "[    1.000000] hello\n",
            "<6>[    1.000000] hello\n",
            "Nov 20 10:00:01 host kernel: hello\n",
            "1,2,3 go;\n",
            "{ not json\n",
        ] {
            assert_eq!(reform(log.as_bytes()).0, None, "{log:?}");
        }
    }

    #[test]
    fn a_line_without_bound_passes_in_bounded_memory() {
        let mut input = b"6,1,1000000,-;first\n".to_vec();
        input.resize(input.len() + 3 * LINE, b'x');
        input.extend_from_slice(b"\n6,2,2000000,-;last\n");
        let (_, text, _) = reform(&input);
        assert!(
            text.starts_with("<6>[    1.000000] first\n"),
            "{}",
            text.get(..60).unwrap_or(&text)
        );
        assert!(text.ends_with("x\n<6>[    2.000000] last\n"));
        assert_eq!(text.len(), 2 * 24 - 1 + 3 * LINE + 1);
    }
}
