//! Text from a log on its way to a terminal: nothing in it may steer the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character could change what a terminal shows beside itself.
pub fn is_hostile(c: char) -> bool {
    // C0, DEL and C1 steer terminals; the others reorder or hide text.
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with every hostile character written out: ESC as `\x1b`, U+202E as `\u{202e}`.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            '\t' => write!(out, "\\t"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            c if !is_hostile(c) => {
                out.push(c);
                Ok(())
            }
            c if u32::from(c) < 0x100 => write!(out, "\\x{:02x}", u32::from(c)),
            c => write!(out, "\\u{{{:x}}}", u32::from(c)),
        };
    }
    Cow::Owned(out)
}

/// Cells that a character takes on a terminal: 0 for one that combines, 2 for a wide one.
pub fn cells(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Cells that a text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(safe("a\x1b[31mb\x07"), "a\\x1b[31mb\\x07");
        assert_eq!(safe("\u{9b}2J \u{202e}x\ty"), "\\x9b2J \\u{202e}x\\ty");
        assert!(matches!(safe("f ← g, 12 µs"), Cow::Borrowed(_)));
    }

    #[test]
    fn wide_characters_take_two_cells() {
        assert_eq!(width("aあe\u{301}"), 4);
    }
}
