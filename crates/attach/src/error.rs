//! What went wrong: what was being done, to what, why it failed, what to do next.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

/// A failure at the rim, complete enough to be shown as it is.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} '{what}': {why}")]
pub struct Error {
    doing: &'static str,
    what: String,
    why: String,
    next: String,
    whole: bool,
}

impl Error {
    /// A failure of `doing` (`read`) to `what`, which is escaped here.
    pub fn new(doing: &'static str, what: impl AsRef<OsStr>, why: impl Into<String>) -> Self {
        Error {
            doing,
            what: escape(what.as_ref()).into_owned(),
            why: why.into(),
            next: String::new(),
            whole: false,
        }
    }

    /// A failure that the operating system reported.
    pub fn io(doing: &'static str, what: impl AsRef<OsStr>, error: &io::Error) -> Self {
        let (why, next) = match error.kind() {
            io::ErrorKind::NotFound => (
                "there is no such file or folder",
                "check the spelling; a folder or '-' (standard input) is also a target",
            ),
            io::ErrorKind::PermissionDenied => (
                "this user may not read it",
                "read it as a user who may, for instance with sudo",
            ),
            io::ErrorKind::IsADirectory => ("it is a folder", ""),
            _ => ("", ""),
        };
        let why = if why.is_empty() {
            error.to_string()
        } else {
            why.to_owned()
        };
        Error::new(doing, what, why).next(next)
    }

    /// The same failure with what to do about it.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// Something that is known and is not read in this version.
    pub(crate) fn not_yet(what: impl AsRef<OsStr>, is: &str) -> Self {
        Error::new(
            "read",
            what,
            format!("it is {is}, which this version does not read yet"),
        )
        .intact()
    }

    /// What to do next; empty when nothing helps.
    pub fn advice(&self) -> &str {
        &self.next
    }

    /// What it is about, escaped.
    pub fn subject(&self) -> &str {
        &self.what
    }

    /// Why it failed.
    pub fn reason(&self) -> &str {
        &self.why
    }

    /// Marks a refusal: the target is whole, and of a kind that is not read.
    pub fn intact(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Whether something failed; else the target is merely of a kind that is not read.
    pub fn is_failure(&self) -> bool {
        !self.whole
    }
}

/// A name as it may be shown on a terminal: control characters, characters
/// that reorder text, and bytes that are not UTF-8 are written as escapes.
pub fn escape(name: &OsStr) -> Cow<'_, str> {
    if let Some(text) = name.to_str()
        && !text.chars().any(is_hostile)
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_hostile(c) {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    Cow::Owned(shown)
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_drive_a_terminal() {
        assert_eq!(escape(OsStr::new("console.log")), "console.log");
        assert_eq!(
            escape(OsStr::new("a\u{1b}[2Jb\n\u{202e}c")),
            "a\\u{1b}[2Jb\\n\\u{202e}c"
        );
        assert_eq!(escape(OsStr::from_bytes(b"log\xff")), "log\\xff");
    }

    #[test]
    fn an_error_says_what_was_done_to_what_and_what_next() {
        let error = Error::io("open", "x.log", &io::ErrorKind::PermissionDenied.into());
        assert_eq!(
            error.to_string(),
            "cannot open 'x.log': this user may not read it"
        );
        assert!(error.advice().contains("sudo"));
    }
}
