//! Words of the stack: `Stack : 0000000000000003 …` and the rows that follow.

use base::VirtAddr;

use super::{Continues, Dump, scan};

/// Words of the stack that are kept.
const WORDS: usize = 1024;

/// Reads the words behind the label `Stack:`; the rows that follow are read by [`stack_row`].
/// `width` is the number of digits of a word, 0 where the first word tells it.
pub fn stack(dump: &mut Dump<'_>, text: &str, width: usize) {
    // `(0xc0 to 0xc1)` is the range that follows.
    let text = match text.strip_prefix('(') {
        Some(range) => {
            dump.detail("stack range", range.split(')').next().unwrap_or_default());
            scan::behind(range, ")").unwrap_or_default()
        }
        None => text,
    };
    // Only the first dump of an event is its stack.
    if dump.event.stack_words.is_empty() {
        dump.continues = Continues::Stack(width);
        stack_row(dump, text, width);
    }
}

/// Reads one row of stack words; returns false where the line is none.
pub fn stack_row(dump: &mut Dump<'_>, text: &str, width: usize) -> bool {
    let mut width = width;
    let mut rest = text.trim();
    // `df60: ` is the low half of the row's address.
    if let Some((head, tail)) = rest.split_once(':')
        && scan::hex(head).is_some_and(|n| n.rest.is_empty())
    {
        rest = tail;
    }
    for word in rest.split_whitespace() {
        // Kernels before 3.9 repeat the level within a row.
        if matches!(word, "<0>" | "...") {
            continue;
        }
        let number = scan::hex(word).filter(|n| n.rest.is_empty());
        let fits = number.is_some_and(|n| {
            n.digits == width || n.digits == 0 || width == 0 && matches!(n.digits, 8 | 16)
        });
        let (Some(number), true) = (number, fits) else {
            dump.continues = Continues::Nothing;
            return false;
        };
        if width == 0 && number.digits != 0 {
            width = number.digits;
        }
        if dump.event.stack_words.len() < WORDS {
            dump.event.stack_words.push(VirtAddr(number.value));
        }
    }
    dump.continues = Continues::Stack(width);
    true
}
