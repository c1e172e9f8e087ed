//! Code bytes: `Code: 48 8b <0f> b6`, `Code: e3a03000 (e5833000)`.

use base::{Code, CodeUnit};

use super::Dump;

/// Code units that are kept.
const UNITS: usize = 256;

/// How a form marks the unit at the program counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// `<xx>`.
    Angles,
    /// `(xxxx)`.
    Rounds,
}

/// Reads the units in `text`, which follows a label, and offers them to `dump`.
/// `sizes` are the digits that a unit of this form may have.
pub fn code(dump: &mut Dump<'_>, text: &str, marks: Marks, sizes: &[usize]) {
    if let Some(code) = units(text, marks, sizes, dump.line) {
        dump.code(code, false);
    }
}

/// The same for a form that prints the code within each dump.
pub fn own_code(dump: &mut Dump<'_>, text: &str, marks: Marks, sizes: &[usize]) {
    if let Some(code) = units(text, marks, sizes, dump.line) {
        dump.code(code, true);
    }
}

/// The units in `text`. Behind a damaged unit the addresses of the others are
/// known only from the mark: before the mark the units until there are
/// dropped, behind it the rest.
fn units(text: &str, marks: Marks, sizes: &[usize], line: u64) -> Option<Code> {
    let mut code = Code {
        units: Vec::new(),
        marked: None,
        line,
    };
    for word in text.split_whitespace() {
        let (word, is_marked) = marked(word, marks);
        let unit = unit(word, sizes);
        if is_marked && code.marked.is_some() {
            break;
        }
        match unit {
            Some(unit) if code.units.len() < UNITS => {
                if is_marked {
                    code.marked = u32::try_from(code.units.len()).ok();
                }
                code.units.push(unit);
            }
            None if code.marked.is_none() => code.units.clear(),
            _ => break,
        }
    }
    (!code.units.is_empty()).then_some(code)
}

/// The unit without its marks, and whether it had them.
fn marked(word: &str, marks: Marks) -> (&str, bool) {
    let (open, close) = match marks {
        Marks::Angles => ('<', '>'),
        Marks::Rounds => ('(', ')'),
    };
    match word.strip_prefix(open) {
        Some(inner) => (inner.strip_suffix(close).unwrap_or("damaged"), true),
        None => (word, false),
    }
}

fn unit(word: &str, sizes: &[usize]) -> Option<CodeUnit> {
    if !sizes.contains(&word.len()) || !word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some(CodeUnit {
        value: u32::from_str_radix(word, 16).ok()?,
        size: u8::try_from(word.len() / 2).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<u32>, Option<u32>) {
        let code = units(text, Marks::Angles, &[2], 1).unwrap();
        (code.units.iter().map(|u| u.value).collect(), code.marked)
    }

    #[test]
    fn damage_never_moves_the_mark() {
        assert_eq!(
            read("48 8b <0f> b6"),
            (vec![0x48, 0x8b, 0x0f, 0xb6], Some(2))
        );
        assert_eq!(
            read("48 8\u{fffd} 8b <0f> b6"),
            (vec![0x8b, 0x0f, 0xb6], Some(1))
        );
        assert_eq!(read("48 <0f> b 11"), (vec![0x48, 0x0f], Some(1)));
        assert_eq!(read("48 <0f> <11>"), (vec![0x48, 0x0f], Some(1)));
        assert!(units("Bad RIP value.", Marks::Angles, &[2], 1).is_none());
        assert!(units("48 8b <0", Marks::Angles, &[2], 1).is_none());
    }
}
