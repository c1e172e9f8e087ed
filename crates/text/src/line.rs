//! Lines: cutting a stream of bytes into them, and what a capture keeps of one.

use std::borrow::Cow;

use crate::stack::starts_stack;

/// A line that belongs to a capture: its message, without the prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Number in the input, counted from 1.
    pub number: u64,
    /// The message: no prefix, no line end, control characters taken out,
    /// invalid UTF-8 replaced, at most [`Line::MAX`] bytes.
    pub text: String,
    /// Whether a stack begins behind it; every step that follows stacks asks for this.
    pub opens_stack: bool,
}

impl Line {
    /// Bytes of a message that are kept; what is longer is cut.
    pub const MAX: usize = 4096;

    /// Makes a line of the message `bytes`.
    pub fn new(number: u64, bytes: &[u8]) -> Self {
        Line::of(number, clean(bytes).into_owned())
    }

    /// Makes a line of a message that is clean.
    pub fn of(number: u64, text: String) -> Self {
        let opens_stack = starts_stack(&text);
        Line {
            number,
            text,
            opens_stack,
        }
    }
}

/// The message as text: terminal escapes and control characters are taken
/// out, a tab is a blank, invalid UTF-8 becomes U+FFFD, and what is longer
/// than [`Line::MAX`] is cut.
pub fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.get(..Line::MAX).unwrap_or(bytes);
    let bytes = trim_line_end(bytes);
    // One pass that the compiler turns into vector code, and no copy: the common case.
    let odd = bytes
        .iter()
        .fold(false, |odd, &byte| odd | !(0x20..0x7f).contains(&byte));
    if !odd {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        };
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            0x1b => {
                rest = after_escape(tail);
                continue;
            }
            b'\t' => kept.push(b' '),
            0..=0x1f | 0x7f => {}
            _ => kept.push(byte),
        }
        rest = tail;
    }
    Cow::Owned(String::from_utf8_lossy(&kept).into_owned())
}

/// What follows a terminal escape sequence (ECMA-48, section 5.4) whose ESC has been read.
fn after_escape(bytes: &[u8]) -> &[u8] {
    let Some((b'[', parameters)) = bytes.split_first() else {
        // Two-byte escapes and strings: drop the introducer only, so that no message is lost.
        return bytes.get(1..).unwrap_or_default();
    };
    let end = parameters
        .iter()
        .position(|byte| !(0x20..=0x3f).contains(byte));
    end.and_then(|end| parameters.get(end + 1..))
        .unwrap_or_default()
}

fn trim_line_end(mut bytes: &[u8]) -> &[u8] {
    while let Some((b'\r' | b'\n', head)) = bytes.split_last() {
        bytes = head;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_codes_and_line_ends_are_taken_out() {
        assert_eq!(clean(b"\x1b[1;31mOops\x1b[0m: 0002\r\r\n"), "Oops: 0002");
        assert_eq!(clean(b"a\tb\x07c"), "a bc");
        assert_eq!(clean(b"\x1b"), "");
        assert_eq!(clean(b"\x1b[3"), "");
    }

    #[test]
    fn invalid_utf8_is_replaced_and_long_messages_are_cut() {
        assert_eq!(clean(b"ab\xffcd"), "ab\u{fffd}cd");
        assert_eq!(clean(&[b'x'; 10_000]).len(), Line::MAX);
    }
}
