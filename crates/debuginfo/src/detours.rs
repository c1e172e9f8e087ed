//! Ways of control that no instruction shows: branches that a running kernel patches in, and what it does when an
//! instruction faults.

use std::ops::Range;

use base::Endian;

use crate::bytes::Bytes;
use crate::elf::Section;
use crate::object::Object;
use crate::relocation::Relocation;

/// The tables: their section in a module, the symbols around them in a kernel, and how many words of a row stand
/// behind the two labels.
///
/// `struct jump_entry` (`include/linux/jump_label.h`) and `struct exception_table_entry`
/// (`include/asm-generic/extable.h`).
const TABLES: &[(&str, &str, &str, u64)] = &[
    (
        "__jump_table",
        "__start___jump_table",
        "__stop___jump_table",
        1,
    ),
    ("__ex_table", "__start___ex_table", "__stop___ex_table", 0),
];

/// Rows of one table; no kernel has so many.
const MOST_ROWS: u64 = 1 << 18;

impl Object<'_> {
    /// From which instruction control may go to which address, though the instruction does not say so: sorted.
    pub fn detours(&self) -> &[(u64, u64)] {
        self.detours.get_or_init(|| self.read_detours())
    }

    /// Those that begin in `range`.
    pub fn detours_from(&self, range: Range<u64>) -> &[(u64, u64)] {
        let all = self.detours();
        let start = all.partition_point(|(from, _)| *from < range.start);
        let end = all.partition_point(|(from, _)| *from < range.end);
        all.get(start..end).unwrap_or_default()
    }

    fn read_detours(&self) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for (section, start, stop, words) in TABLES {
            for range in self.tables_named(section, start, stop) {
                self.read_rows(&range, *words, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn tables_named(&self, section: &str, start: &str, stop: &str) -> Vec<Range<u64>> {
        let sections = self.sections().iter();
        let mut ranges: Vec<Range<u64>> = sections
            .filter(|found| found.name == section && found.is_loaded())
            .map(|found| found.range())
            .collect();
        let symbol = |name: &str| {
            let found = self.symbols_named(name).unwrap_or_default();
            found.first().map(|symbol| symbol.address)
        };
        if ranges.is_empty()
            && let (Some(start), Some(stop)) = (symbol(start), symbol(stop))
            && start < stop
        {
            ranges.push(start..stop);
        }
        ranges
    }

    /// The rows of a table, in the first layout in which each of them leads from code to code.
    ///
    /// Old kernels keep whole addresses (50ff18ab497a "jump_label/x86: Switch to jump_entry accessors"), and the kind
    /// of a fix got a word of its own (548acf19234d "x86/mm: Expand the exception table logic to allow new handling
    /// options").
    fn read_rows(&self, range: &Range<u64>, words: u64, found: &mut Vec<(u64, u64)>) {
        let Some(word) = self.arch().map(|arch| arch.pointer_bytes()) else {
            return;
        };
        let relative = match words {
            0 => &[12, 8][..],
            _ => &[16, 12],
        };
        let layouts = relative.iter().map(|row| (4, *row));
        for (field, row) in layouts.chain([(word, (2 + words) * word)]) {
            if let Some(rows) = self.rows(range, field, row) {
                found.extend(rows);
                return;
            }
        }
    }

    fn rows(&self, range: &Range<u64>, field: u64, row: u64) -> Option<Vec<(u64, u64)>> {
        let size = range.end.checked_sub(range.start)?;
        let count = size.checked_div(row)?;
        if size.checked_rem(row) != Some(0) || count > MOST_ROWS {
            return None;
        }
        let is_code = |address: u64| self.section_at(address).is_some_and(Section::is_code);
        let relocations = match self.is_relocatable() {
            true => Some(self.relocations(range.clone()).ok()?),
            false => None,
        };
        let label = |at: u64| match &relocations {
            // The first of several relocations of one field is the label, the second what it is counted from.
            Some(relocations) => {
                let start = relocations.partition_point(|relocation| relocation.at < at);
                let own = relocations.get(start..).unwrap_or_default().iter();
                own.take_while(|relocation| relocation.at == at)
                    .filter(|relocation| u64::from(relocation.size) == field)
                    .find_map(Relocation::target)
            }
            None => {
                let bytes = Bytes::new(self.bytes_at(at, field)?, self.endian());
                match field {
                    4 => {
                        let distance = bytes.u32(0)?.cast_signed();
                        Some(at.wrapping_add_signed(distance.into()))
                    }
                    _ => bytes.u64(0),
                }
            }
        };
        let mut rows = Vec::new();
        for number in 0..count {
            let at = range.start.checked_add(number.checked_mul(row)?)?;
            let (from, to) = (label(at)?, label(at.checked_add(field)?)?);
            // Code that is gone after booting has been cut out of a table.
            if is_code(from) && is_code(to) {
                rows.push((from, to));
            } else if (from, to) != (at, at.wrapping_add(field)) {
                return None;
            }
        }
        Some(rows)
    }

    /// An entry of `size` bytes of a table of labels at `at`: an address that a relocation names, or the number
    /// that the file has there.
    pub fn table_entry(&self, at: u64, size: u8) -> Option<(u64, bool)> {
        let width = u64::from(size);
        if self.is_relocatable()
            && let Ok(relocations) = self.relocations(at..at.checked_add(width)?)
            && let Some(target) = relocations
                .iter()
                .filter(|relocation| relocation.at == at)
                .find_map(|relocation| relocation.target())
        {
            return Some((target, true));
        }
        let bytes = self
            .bytes_at(at, width)
            .filter(|bytes| bytes.len() as u64 == width)?;
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.endian() {
            Endian::Big => (bytes.iter().fold(0, fold), false),
            Endian::Little => (bytes.iter().rev().fold(0, fold), false),
        })
    }
}
