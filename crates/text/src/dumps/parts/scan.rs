//! Small readers of printed values: total functions that cannot fail loudly.

/// A number read off the head of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<'t> {
    /// Its value.
    pub value: u64,
    /// Digits it was printed with; 0 for `(null)`, which has none.
    pub digits: usize,
    /// What follows it.
    pub rest: &'t str,
}

/// The hexadecimal number at the head of `text`, with or without `0x`, also
/// `(null)` as `%p` prints it alone and behind zeros.
pub fn hex(text: &str) -> Option<Number<'_>> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix("(null)") {
        let (value, digits) = (0, 0);
        return Some(Number {
            value,
            digits,
            rest,
        });
    }
    let body = text.strip_prefix("0x").unwrap_or(text);
    let mut value = 0u64;
    let mut digits = 0;
    for byte in body.bytes() {
        let Some(digit) = char::from(byte).to_digit(16) else {
            break;
        };
        digits += 1;
        value = (value << 4) | u64::from(digit);
    }
    if digits == 0 || digits > 16 {
        return None;
    }
    let rest = body.get(digits..)?;
    Some(Number {
        value,
        digits,
        rest: rest.strip_prefix("(null)").unwrap_or(rest),
    })
}

/// The decimal number at the head of `text`, if it fits 32 bits.
pub fn decimal(text: &str) -> Option<(u32, &str)> {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (head, rest) = text.split_at_checked(digits)?;
    Some((head.parse().ok()?, rest))
}

/// Every `a name[7]` in `text`: the name, the process id and what follows.
pub fn processes(text: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    text.match_indices(']').filter_map(|(end, _)| {
        let (comm, pid) = text.get(..end)?.rsplit_once('[')?;
        let (pid, rest) = decimal(pid)?;
        rest.is_empty().then_some(())?;
        Some((comm, pid, text.get(end + 1..)?))
    })
}

/// What follows `label`, any blanks and a colon at the head of `text`.
pub fn labelled<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(label)?.trim_start().strip_prefix(':')?;
    Some(rest.trim_start())
}

/// What follows `head` and any blanks at the head of `text`.
pub fn after<'t>(text: &'t str, head: &str) -> Option<&'t str> {
    Some(text.strip_prefix(head)?.trim_start())
}

/// What follows the first `mark` in `text`.
pub fn behind<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

/// The next `name:` in `text`, however many blanks stand before the colon,
/// and what follows it.
pub fn label(text: &str) -> Option<(&str, &str)> {
    let mut rest = text;
    loop {
        let start = rest.find(name_char)?;
        rest = rest.get(start..)?;
        let end = rest.find(|c| !name_char(c))?;
        let (name, tail) = rest.split_at_checked(end)?;
        rest = tail.trim_start();
        if let Some(value) = rest.strip_prefix(':') {
            return Some((name, value.trim_start()));
        }
    }
}

fn name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What stands between `open` and the next `close` at the head of `text`, and what follows.
pub fn enclosed<'t>(text: &'t str, open: &str, close: &str) -> Option<(&'t str, &'t str)> {
    text.trim_start().strip_prefix(open)?.split_once(close)
}

/// The number in `[<…>]`, as kernels before 4.10 print an address, and what follows.
pub fn bracketed(text: &str) -> Option<Number<'_>> {
    let (inner, rest) = enclosed(text, "[<", ">]")?;
    Some(Number {
        rest,
        ..hex(inner)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_their_digits_end() {
        let number = hex(" 0x1fz").unwrap();
        assert_eq!((number.value, number.digits, number.rest), (0x1f, 2, "z"));
        assert_eq!(hex("00000000(null) x").unwrap().rest, " x");
        assert_eq!(hex("  (null)").unwrap().digits, 0);
        assert!(hex("00000000000000000").is_none());
        assert!(hex("\u{fffd}1").is_none());
    }

    #[test]
    fn labels_are_found_with_any_blanks() {
        assert_eq!(label("x29: 00 x28: 11"), Some(("x29", "00 x28: 11")));
        assert_eq!(label(" sp : 1"), Some(("sp", "1")));
        assert_eq!(label("no value here"), None);
        assert_eq!(labelled("epc : 1", "epc"), Some("1"));
        assert_eq!(labelled("epc   : 1", "epc"), Some("1"));
    }
}
