//! Which functions run at an address, by what is inlined where: a function's variables and calls are not read for
//! it, so that many addresses are told in little time.

use base::Budget;
use gimli::{UnitOffset, constants as dw};

use super::{Dwarf, MOST_RANGES, Unit};
use crate::error::Result;
use crate::function::{RunningFunction, SourceLine};

impl<'a> Dwarf<'a> {
    /// The functions that run at `address`, the innermost inlined one first, the compiled one last; none where no
    /// function is told there. The line of the instruction comes besides.
    pub(crate) fn running(
        &self,
        address: u64,
    ) -> Result<(Vec<RunningFunction<'a>>, Option<SourceLine>)> {
        let Some((unit, at)) = self.function_at(address)? else {
            return Ok((Vec::new(), self.line(address)?));
        };
        let mut line = self.line_at(&unit, address)?;
        let here = line.clone();
        let mut chain = vec![(self.name(&unit, &self.entry(&unit, at)?), None)];
        self.inlined(&unit, at, address, &mut chain)?;
        let mut running = Vec::new();
        for (place, (function, call)) in chain.into_iter().enumerate().rev() {
            running.push(RunningFunction {
                function,
                line,
                is_inlined: place > 0,
            });
            line = call;
        }
        Ok((running, here))
    }

    /// Adds what is inlined at `address` into the function whose entry is at `at`, the outermost first: names, and
    /// the lines of the calls.
    fn inlined(
        &self,
        unit: &Unit<'a>,
        at: UnitOffset,
        address: u64,
        chain: &mut Vec<(&'a str, Option<SourceLine>)>,
    ) -> Result<()> {
        let mut budget = Budget::new("ranges of one function", MOST_RANGES);
        let mut entries = self.entries(unit, Some(at))?;
        // The depth at which children of the innermost scope that holds the address stand.
        let mut inside = 1;
        let mut is_first = true;
        while !entries.is_empty() && (is_first || entries.next_depth() > 0) {
            let (place, depth) = (entries.next_offset(), entries.next_depth());
            let wrong = |error| self.wrong(unit.range.start.saturating_add(place.0), error);
            let Some(abbreviation) = entries.read_abbreviation().map_err(wrong)? else {
                continue;
            };
            let specs = abbreviation.attributes();
            entries.skip_attributes(specs).map_err(wrong)?;
            if std::mem::take(&mut is_first) {
                if !abbreviation.has_children() {
                    break;
                }
                continue;
            }
            // What held the address has ended: nothing behind it holds it, too.
            if depth < inside {
                break;
            }
            let tag = abbreviation.tag();
            let is_inlined = tag == dw::DW_TAG_inlined_subroutine;
            if depth != inside || !(is_inlined || tag == dw::DW_TAG_lexical_block) {
                continue;
            }
            let entry = self.entry(unit, place)?;
            let ranges = self.ranges(unit, &entry, &mut budget)?;
            if !ranges.iter().any(|range| range.contains(&address)) {
                continue;
            }
            if is_inlined {
                chain.push((self.name(unit, &entry), self.call_line(unit, &entry)));
            }
            if !abbreviation.has_children() {
                break;
            }
            inside = depth + 1;
        }
        Ok(())
    }
}
