//! A log: what no other kind took.

use super::{Content, Entry, How, Log};
use crate::forms::{Reformed, sniff};

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |_| true,
        open: |_, stream| {
            let binary = is_binary(stream.head());
            let form = sniff(stream.head());
            let mut log = match form {
                Some(form) => Log::new(
                    format!("kernel log in {}", form.name()),
                    Box::new(Reformed::new(Box::new(stream), form)),
                ),
                None => Log::new("kernel log", Box::new(stream)),
            };
            log.binary = binary;
            Ok(Content::Log(log))
        },
    },
};

/// Whether bytes are none that a console would carry. Logs hold escape codes,
/// bells, and runs of NUL where a file was preallocated or a line was cut.
fn is_binary(head: &[u8]) -> bool {
    let mut odd = 0;
    let mut seen = 0;
    for chunk in head.utf8_chunks() {
        for c in chunk.valid().chars().filter(|&c| c != '\0') {
            seen += 1;
            odd += usize::from(
                c.is_control() && !matches!(c, '\t'..='\r' | '\u{1b}' | '\u{7}' | '\u{8}'),
            );
        }
        seen += chunk.invalid().len();
        odd += chunk.invalid().len();
    }
    odd * 4 > seen || (seen == 0 && !head.is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_binary;

    #[test]
    fn consoles_are_text_and_garbage_is_not() {
        assert!(!is_binary(b""));
        assert!(!is_binary(b"\x1b[0m[    1.0] hello\r\n\0\0\0\0\0\0\0\0"));
        assert!(!is_binary("[ 1.0] \u{fffd} grüße\n".as_bytes()));
        let garbage: Vec<u8> = (0..4096u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        assert!(is_binary(&garbage));
        assert!(is_binary(&[0; 512]));
    }
}
