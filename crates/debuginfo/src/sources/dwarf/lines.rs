//! Line tables and the names of source files: 6.2 "Line Number Information".

use std::sync::{Arc, OnceLock};

use gimli::{DebugLineOffset, IncompleteLineProgram};

use super::{Dwarf, Slice, Unit};
use crate::bytes::Bytes;
use crate::error::{Error, Result};
use crate::function::SourceLine;

/// Bytes of the header of a line table; compilers write some thousands.
const LARGEST_HEADER: u64 = 256 << 10;

/// Rows of one line table; compilers write some thousands.
const MOST_ROWS: usize = 1 << 21;

/// The line table of one unit.
#[derive(Debug, Default)]
pub(super) struct Lines<'a> {
    directory: Arc<str>,
    /// The name of each file that was asked for, by the number that the table has for it.
    names: Vec<OnceLock<Arc<str>>>,
    program: Option<IncompleteLineProgram<Slice<'a>>>,
    rows: OnceLock<Vec<Row>>,
}

/// The code from here on belongs to this line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    address: u64,
    file: u32,
    line: u32,
    column: u32,
    is_end: bool,
}

impl<'a> Dwarf<'a> {
    /// The line program of a unit (6.2.4), if its header is of a size that compilers write.
    fn line_program(&self, unit: &Unit<'a>) -> Result<Option<IncompleteLineProgram<Slice<'a>>>> {
        let Some(at) = unit.line_table else {
            return Ok(None);
        };
        let bad = |what: String| Error::section(&self.label, ".debug_line", at as u64, what);
        let bytes = Bytes::new(self.line_bytes.get(at..).unwrap_or_default(), self.endian);
        let (size, skip) = match bytes.u32(0) {
            Some(u32::MAX) => (8, 12),
            _ => (4, 4),
        };
        let fields = if bytes.u16(skip).is_some_and(|version| version >= 5) {
            4
        } else {
            2
        };
        // Space is reserved for as many files as the header announces and has bytes for.
        match bytes.number(skip + fields, size) {
            Some(header) if header <= LARGEST_HEADER => {}
            Some(header) => {
                return Err(bad(format!("a line table whose header has {header} bytes")));
            }
            None => return Err(bad("the header of a line table is cut".to_owned())),
        }
        let Unit { inner, .. } = unit;
        let address_size = inner.header.address_size();
        let (directory, name) = (inner.comp_dir, inner.name);
        let line = &self.inner.debug_line;
        match line.program(DebugLineOffset(at), address_size, directory, name) {
            Ok(program) => Ok(Some(program)),
            Err(error) => Err(bad(error.to_string())),
        }
    }

    fn lines<'u>(&self, unit: &'u Unit<'a>) -> &'u Lines<'a> {
        unit.lines.get_or_init(|| {
            let directory = unit.inner.comp_dir.map_or("", |text| utf8(text.slice()));
            let mut lines = Lines {
                directory: directory.into(),
                ..Lines::default()
            };
            let program = match self.line_program(unit) {
                Ok(Some(program)) => program,
                Ok(None) => return lines,
                Err(error) => {
                    self.note_damage(error);
                    return lines;
                }
            };
            let header = program.header();
            // Version 5 counts files from 0, earlier ones from 1 (6.2.4).
            let first = u64::from(header.version() < 5);
            let count = header.file_names().len() as u64 + first;
            lines.names = (0..count).map(|_| OnceLock::new()).collect();
            lines.program = Some(program);
            lines
        })
    }

    /// Name and directory of a file by its number; empty where the table has none.
    fn file_name(&self, unit: &Unit<'a>, lines: &Lines<'a>, number: u64) -> (&'a str, &'a str) {
        let header = lines.program.as_ref().map(IncompleteLineProgram::header);
        let file = header.and_then(|header| Some((header, header.file(number)?)));
        let Some((header, file)) = file else {
            return ("", "");
        };
        let directory = match file.directory_index() {
            // The directory of the compilation, which is told apart.
            0 => "",
            _ => file
                .directory(header)
                .map_or("", |name| self.text_of(unit, name)),
        };
        (self.text_of(unit, file.path_name()), directory)
    }

    /// The place in the source that a file number and a line mean in a unit.
    pub(super) fn source_line(
        &self,
        unit: &Unit<'a>,
        file: u64,
        line: u64,
        column: u64,
    ) -> SourceLine {
        let lines = self.lines(unit);
        let number = usize::try_from(file).unwrap_or(usize::MAX);
        let name = lines.names.get(number).map(|name| {
            let read = || {
                let (name, directory) = self.file_name(unit, lines, file);
                join(&lines.directory, directory, name).into()
            };
            Arc::clone(name.get_or_init(read))
        });
        let small = |number: u64| u32::try_from(number).unwrap_or(0);
        SourceLine {
            file: name.unwrap_or_else(|| "?".into()),
            directory: Arc::clone(&lines.directory),
            line: small(line),
            column: small(column),
        }
    }

    /// The line of the instruction at `address`.
    pub(super) fn line_at(&self, unit: &Unit<'a>, address: u64) -> Result<Option<SourceLine>> {
        let rows = self.rows(unit);
        let end = rows.partition_point(|row| row.address <= address);
        let row = end
            .checked_sub(1)
            .and_then(|last| rows.get(last))
            .filter(|row| !row.is_end);
        Ok(row
            .map(|row| self.source_line(unit, row.file.into(), row.line.into(), row.column.into())))
    }

    /// The lines of the code in `range`: where each begins.
    pub(super) fn lines_in(
        &self,
        unit: &Unit<'a>,
        range: std::ops::Range<u64>,
    ) -> Vec<(u64, SourceLine)> {
        let rows = self.rows(unit);
        let start = rows.partition_point(|row| row.address < range.start);
        let rows = rows.get(start..).unwrap_or_default().iter();
        let rows = rows
            .take_while(|row| row.address < range.end)
            .filter(|row| !row.is_end);
        rows.map(|row| {
            let line = self.source_line(unit, row.file.into(), row.line.into(), row.column.into());
            (row.address, line)
        })
        .collect()
    }

    fn rows<'u>(&self, unit: &'u Unit<'a>) -> &'u [Row] {
        let lines = self.lines(unit);
        lines.rows.get_or_init(|| {
            let mut table: Vec<Row> = Vec::new();
            let Some(program) = lines.program.clone() else {
                return table;
            };
            let mut rows = program.rows();
            let mut start = 0;
            // What is read before damage stands.
            while let Ok(Some((_, row))) = rows.next_row() {
                if table.len() >= MOST_ROWS {
                    break;
                }
                let next = Row {
                    address: row.address(),
                    file: u32::try_from(row.file_index()).unwrap_or(u32::MAX),
                    line: row
                        .line()
                        .map_or(0, |line| u32::try_from(line.get()).unwrap_or(0)),
                    column: match row.column() {
                        gimli::ColumnType::LeftEdge => 0,
                        gimli::ColumnType::Column(column) => {
                            u32::try_from(column.get()).unwrap_or(0)
                        }
                    },
                    is_end: row.end_sequence(),
                };
                match table.get_mut(start..).and_then(<[Row]>::last_mut) {
                    // The last of several rows for one address is that of the instruction.
                    Some(last) if last.address == next.address && !next.is_end => *last = next,
                    _ => table.push(next),
                }
                if next.is_end {
                    // A function that the linker has dropped begins at 0.
                    if table.get(start).is_some_and(|first| first.address == 0) {
                        table.truncate(start);
                    }
                    start = table.len();
                }
            }
            // Of two rows for one address, one of which ends a sequence, the other is meant.
            table.sort_by_key(|row| (row.address, !row.is_end));
            table
        })
    }
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// A path below the directory of the compilation without that one, any other path as it is.
fn join(compilation: &str, directory: &str, name: &str) -> String {
    let mut path = String::new();
    if !name.starts_with('/') && !directory.is_empty() {
        path.push_str(directory);
        path.push('/');
    }
    path.push_str(name);
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts
                .last()
                .is_some_and(|last| !last.is_empty() && *last != "..") =>
            {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    let below = path
        .strip_prefix(compilation)
        .and_then(|rest| rest.strip_prefix('/'));
    match below {
        Some(below) if !compilation.is_empty() => below.to_owned(),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_are_told_from_the_directory_of_the_compilation() {
        let join = |directory, name| join("/build/linux", directory, name);
        assert_eq!(join("drivers/net", "bond.c"), "drivers/net/bond.c");
        assert_eq!(
            join("/build/linux/drivers/net", "bond.c"),
            "drivers/net/bond.c"
        );
        assert_eq!(
            join("/build/linux/drivers/net", "./../core/dev.c"),
            "drivers/core/dev.c"
        );
        assert_eq!(join("/build/linuxes", "bond.c"), "/build/linuxes/bond.c");
        assert_eq!(join("../include", "bond.h"), "../include/bond.h");
        assert_eq!(join("any", "/usr/include/x.h"), "/usr/include/x.h");
        assert_eq!(join("", "bond.c"), "bond.c");
    }
}
