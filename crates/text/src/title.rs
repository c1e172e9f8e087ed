//! Titles: one line, stable across runs of the same defect.

/// Bytes of a title; a corrupted line can be much longer.
const MAX: usize = 120;

/// Makes a title stable: what differs between two runs of one defect is
/// replaced by a word, control characters are dropped, blanks folded.
pub fn sanitize(title: &str) -> String {
    let title = fuzzer_names(title);
    let title = addresses(&title);
    let title = internet_addresses(&title);
    let title = line_numbers(&title);
    let title = symbol_offsets(&title);
    let title = cpu_numbers(&title);
    let title = numbers(&title);
    fold(&title)
}

/// Processes of a fuzzer carry a number in their names.
fn fuzzer_names(title: &str) -> String {
    let title = drop_number_after(title, "syz-executor", true);
    drop_number_after(&title, "syzkaller", false)
}

fn drop_number_after(title: &str, word: &str, dot: bool) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(at) = rest.find(word) {
        let (head, tail) = rest.split_at(at + word.len());
        out.push_str(head);
        let mut after = tail;
        if dot {
            after = after.strip_prefix('.').unwrap_or(after);
        }
        let number = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = if number.len() == after.len() {
            tail
        } else {
            let second = number.strip_prefix(['/', ':']).unwrap_or(number);
            let end = second.trim_start_matches(|c: char| c.is_ascii_digit());
            if end.len() == second.len() {
                number
            } else {
                end
            }
        };
    }
    out + rest
}

/// Six or more hexadecimal digits that do not continue a word are an address.
fn addresses(title: &str) -> String {
    let bytes = title.as_bytes();
    let mut out = String::with_capacity(title.len());
    let mut at = 0;
    let mut copied = 0;
    while let Some(&byte) = bytes.get(at) {
        let starts_here = at > 0
            && bytes
                .get(at - 1)
                .is_some_and(|b| !b.is_ascii_alphabetic() && *b != b'0')
            && byte.is_ascii_hexdigit()
            && !byte.is_ascii_uppercase();
        if starts_here {
            let text = title.get(at..).unwrap_or_default();
            let digits_at = if text.starts_with("0x") { 2 } else { 0 };
            let is_digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
            let digits = text
                .as_bytes()
                .iter()
                .skip(digits_at)
                .take_while(|b| is_digit(b))
                .count();
            if digits >= 6 {
                out.push_str(title.get(copied..at).unwrap_or_default());
                out.push_str("ADDR");
                at += digits_at + digits;
                copied = at;
                continue;
            }
        }
        at += 1;
    }
    out.push_str(title.get(copied..).unwrap_or_default());
    out
}

/// Four numbers of at most three digits with dots between.
fn internet_addresses(title: &str) -> String {
    replace(title, "IP", |text| {
        let mut rest = text;
        for part in 0..4 {
            let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return None;
            }
            rest = rest.get(digits..)?;
            if part < 3 {
                rest = rest.strip_prefix('.')?;
            }
        }
        Some(text.len() - rest.len())
    })
}

/// `file.c:123:45` becomes `file.c:LINE`.
fn line_numbers(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(at) = rest.find('.') {
        let (head, tail) = rest.split_at(at + 1);
        out.push_str(head);
        let word = tail
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        let mut after = tail.get(word..).unwrap_or_default();
        let mut found = false;
        while let Some(number) = after.strip_prefix(':') {
            let digits = number.bytes().take_while(u8::is_ascii_digit).count();
            if word == 0 || digits == 0 {
                break;
            }
            found = true;
            after = number.get(digits..).unwrap_or_default();
        }
        if found {
            out.push_str(tail.get(..word).unwrap_or_default());
            out.push_str(":LINE");
            rest = after;
        } else {
            rest = tail;
        }
    }
    out + rest
}

/// `foo+0x12/0x34` becomes `foo`.
fn symbol_offsets(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(at) = rest.find("+0x") {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let numbers = tail.get(3..).unwrap_or_default();
        let is_digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'z');
        let offset = numbers.bytes().take_while(is_digit).count();
        let after = numbers.get(offset..).unwrap_or_default();
        let named = head.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        match after.strip_prefix("/0x") {
            Some(size) if offset > 0 && named => {
                let digits = size.bytes().take_while(is_digit).count();
                rest = size.get(digits..).unwrap_or_default();
            }
            _ => {
                out.push_str("+0x");
                rest = numbers;
            }
        }
    }
    out + rest
}

/// `CPU#12` becomes `CPU`.
fn cpu_numbers(title: &str) -> String {
    replace(title, "CPU", |text| {
        let number = text.strip_prefix("CPU#")?;
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        (digits > 0).then_some(4 + digits)
    })
}

/// A decimal number that stands alone becomes `NUM`.
fn numbers(title: &str) -> String {
    let bytes = title.as_bytes();
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let mut out = String::with_capacity(title.len());
    let mut at = 0;
    let mut copied = 0;
    while at < bytes.len() {
        let alone = at > 0 && bytes.get(at - 1).is_some_and(|b| !is_word(b));
        let digits = bytes
            .iter()
            .skip(at)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if digits > 0 && alone && bytes.get(at + digits).is_none_or(|b| !is_word(b)) {
            out.push_str(title.get(copied..at).unwrap_or_default());
            out.push_str("NUM");
            copied = at + digits;
        }
        at += digits.max(1);
    }
    out.push_str(title.get(copied..).unwrap_or_default());
    out
}

/// Replaces every piece for which `length` tells one, scanning from the left.
fn replace(title: &str, word: &str, length: impl Fn(&str) -> Option<usize>) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(first) = rest.chars().next() {
        match length(rest) {
            Some(len) if len > 0 => {
                out.push_str(word);
                rest = rest.get(len..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

fn fold(title: &str) -> String {
    let mut out = String::with_capacity(MAX);
    for byte in title.bytes().take(MAX) {
        let c = if byte == b'\t' { ' ' } else { char::from(byte) };
        if !(' '..'\x7f').contains(&c) || c == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_runs_is_replaced() {
        for (raw, title) in [
            (
                "KASAN: use-after-free in f.part.23+0x1/0x2 at addr ffff8801",
                "KASAN: use-after-free in f.part.NUM at addr ADDR",
            ),
            (
                "INFO: Allocated in f age=12 cpu=1 pid=345",
                "INFO: Allocated in f age=NUM cpu=NUM pid=NUM",
            ),
            (
                "panic: failed(-7) to start app 3",
                "panic: failed(-NUM) to start app NUM",
            ),
            (
                "BUG: soft lockup - CPU#1 stuck",
                "BUG: soft lockup - CPU stuck",
            ),
            ("bad thing at mm/slab.c:123", "bad thing at mm/slab.c:LINE"),
            ("from 10.0.0.1 to 0x12345678", "from IP to ADDR"),
            (
                "task syz-executor.3:1234  hung\t now\x07",
                "task syz-executor hung now",
            ),
            ("kernel BUG in ip6_fragment", "kernel BUG in ip6_fragment"),
            ("0,1,2", "0,NUM,NUM"),
        ] {
            assert_eq!(sanitize(raw), title, "{raw}");
        }
        assert_eq!(sanitize(&"x".repeat(1000)).len(), MAX);
        assert_eq!(sanitize("é ü"), "");
    }
}
