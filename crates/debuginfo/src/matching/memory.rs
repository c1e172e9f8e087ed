//! A file beside the same code in memory: where each of its sections lies there.

use std::borrow::Cow;

use super::running::Ran;
use crate::elf::Section;
use crate::object::Object;

/// Functions of a section that are looked for in memory.
const MOST_TRIED: usize = 64;

/// Functions that must be as far from their place in the file as each other: fewer are no proof.
const FEWEST: usize = 2;

impl<'a> Object<'a> {
    /// The code of this file as it lies in `memory`, a kernel or a module in the form of a file: of each section of
    /// code whose functions all lie equally far away.
    ///
    /// A loader lays sections where it likes, so each is asked for by itself. Of a name that memory has twice
    /// nothing is known, and what was thrown away after booting is not there.
    pub fn seen_in(&self, memory: &Object<'a>) -> Vec<Ran<'a>> {
        let sections = self.sections().iter().enumerate();
        let code = sections.filter(|(_, section)| section.is_loaded() && section.is_code());
        code.filter_map(|(index, section)| self.section_in(memory, index, section))
            .collect()
    }

    fn section_in(
        &self,
        memory: &Object<'a>,
        index: usize,
        section: &Section<'a>,
    ) -> Option<Ran<'a>> {
        let functions = self.functions().ok()?;
        let own = functions
            .iter()
            .filter(|function| function.section().is_some_and(|of| of as usize == index));
        let mut distance = None;
        let mut agreed = 0;
        for function in own.take(MOST_TRIED) {
            let there = memory.functions_named(function.name).unwrap_or_default();
            let here = self.functions_named(function.name).unwrap_or_default();
            let ([there], [_]) = (there.as_slice(), here.as_slice()) else {
                continue;
            };
            let far = there.address.wrapping_sub(function.address);
            if distance.is_some_and(|distance| distance != far) {
                return None;
            }
            distance = Some(far);
            agreed += 1;
        }
        if agreed < FEWEST {
            return None;
        }
        let range = section.range();
        let start = range.start.wrapping_add(distance?);
        let size = range.end.saturating_sub(range.start);
        let bytes = memory.bytes_at(start, size)?;
        Some(Ran {
            address: range.start,
            bytes: Cow::Borrowed(bytes),
        })
    }
}
