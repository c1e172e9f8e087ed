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

/// Reads the units in `text`, which follows a label, and offers them to `dump`: as those of
/// the open register set if `tied`, else as the event's. `sizes` are the digits that a unit
/// of this form may have.
pub fn code(dump: &mut Dump<'_>, text: &str, marks: Marks, sizes: &[usize], tied: bool) {
    let row = row(text, marks, sizes, dump.line);
    if !row.code.units.is_empty() {
        dump.code(row.code, tied);
    }
}

/// Reads a further row of code into what was read before; returns false where it is none or
/// the last.
pub fn code_row(dump: &mut Dump<'_>, text: &str, marks: Marks, sizes: &[usize]) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_code = unit(marked(first, marks).0, sizes).is_some();
    // `XXXXXXXX` stands for what the kernel could not read.
    if !is_code && !first.starts_with("XXXX") {
        return false;
    }
    let row = row(text, marks, sizes, dump.line);
    more_code(dump, row.code, row.gap_before);
    !row.gap_behind
}

/// Adds units to the code read so far: only what is contiguous with the mark can be placed.
/// Returns false where nothing can follow.
pub fn more_code(dump: &mut Dump<'_>, row: Code, gap_before: bool) -> bool {
    if dump.code_so_far().is_none() {
        if !row.units.is_empty() {
            dump.code(row, false);
        }
        return true;
    }
    let Some(code) = dump.code_so_far() else {
        return false;
    };
    if gap_before {
        if code.marked.is_some() {
            return false;
        }
        code.units.clear();
    }
    if code.marked.is_none() {
        code.marked = row
            .marked
            .and_then(|mark| mark.checked_add(u32::try_from(code.units.len()).ok()?))
            .filter(|mark| (*mark as usize) < UNITS);
    }
    code.units.extend(row.units);
    code.units.truncate(UNITS);
    true
}

struct Row {
    code: Code,
    /// Units in front of these, or in front of a unit that is not there, were lost.
    gap_before: bool,
    /// Units behind these were lost.
    gap_behind: bool,
}

/// The units in `text`. Behind a damaged unit the addresses of the others are
/// known only from the mark: before the mark the units until there are
/// dropped, behind it the rest.
fn row(text: &str, marks: Marks, sizes: &[usize], line: u64) -> Row {
    let mut row = Row {
        code: Code {
            units: Vec::new(),
            marked: None,
            line,
        },
        gap_before: false,
        gap_behind: false,
    };
    let code = &mut row.code;
    for word in text.split_whitespace() {
        let (word, is_marked) = marked(word, marks);
        match unit(word, sizes) {
            Some(unit) if code.units.len() < UNITS && !(is_marked && code.marked.is_some()) => {
                if is_marked {
                    code.marked = u32::try_from(code.units.len()).ok();
                }
                code.units.push(unit);
            }
            None if code.marked.is_none() => {
                code.units.clear();
                row.gap_before = true;
            }
            _ => {
                row.gap_behind = true;
                break;
            }
        }
    }
    row
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
        let code = row(text, Marks::Angles, &[2], 1).code;
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
        assert_eq!(read("Bad RIP value."), (vec![], None));
        assert_eq!(read("48 8b <0"), (vec![], None));
    }
}
