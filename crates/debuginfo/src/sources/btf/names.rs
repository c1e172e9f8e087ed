//! Finding types and functions by name: by a look through the texts as long as few names are asked for, then by a table.

use std::sync::atomic::Ordering;

use super::{Btf, MARK};
use crate::types::NameKind;

/// Names looked for before there is a table: it costs as much as so many looks through the texts of a kernel.
const MOST_LOOKS: u32 = 8;

/// The end of a chain.
const END: u32 = u32::MAX;

/// Types by what their names hash to; those of one hash make a chain, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Names {
    /// The first of each chain.
    heads: Vec<u32>,
    /// The next one behind each type.
    next: Vec<u32>,
}

impl Names {
    /// The first type of the chain that a name belongs to.
    fn head(&self, name: &[u8]) -> Option<u32> {
        // There is a power of two of them.
        let mask = self.heads.len().wrapping_sub(1);
        let head = *self.heads.get(hash(name) as usize & mask)?;
        (head != END).then_some(head)
    }

    fn behind(&self, index: u32) -> Option<u32> {
        let next = *self.next.get(index as usize)?;
        (next != END).then_some(next)
    }
}

/// FNV-1a, the upper half folded onto the lower.
fn hash(name: &[u8]) -> u32 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325, step);
    (hash ^ hash >> 32) as u32
}

impl<'a> Btf<'a> {
    /// Every definition of a `kind` called `name`, without those of the base.
    pub(crate) fn named(&self, kind: NameKind, name: &str) -> Vec<u64> {
        if name.is_empty() {
            return Vec::new();
        }
        let is_asked_often = self.asked.fetch_add(1, Ordering::Relaxed) >= MOST_LOOKS;
        let indices = match self.names.get() {
            Some(names) => self.by_table(names, name),
            None if is_asked_often => {
                let names = self.names.get_or_init(|| self.table());
                self.by_table(names, name)
            }
            None => self.by_texts(name),
        };
        let first = self.first();
        let is = |index: &u32| {
            let head = self.places().get(*index as usize);
            let head = head.and_then(|at| self.head_at(u64::from(*at)));
            head.is_some_and(|head| {
                let is_kind = match kind {
                    NameKind::Structure => head.kind == 4,
                    NameKind::Union => head.kind == 5,
                    NameKind::Enumeration => head.kind == 6 || head.kind == 19,
                    NameKind::Typedef => head.kind == 8,
                    NameKind::Base => head.kind == 1 || head.kind == 16,
                    NameKind::Function => head.kind == 12,
                };
                is_kind && head.name != 0 && self.text(head.name) == name
            })
        };
        let found = indices.into_iter().filter(is);
        found.map(|index| MARK | u64::from(first + index)).collect()
    }

    /// The types of a name's chain, by their order here.
    fn by_table(&self, names: &Names, name: &str) -> Vec<u32> {
        let first = names.head(name.as_bytes());
        std::iter::successors(first, |index| names.behind(*index)).collect()
    }

    fn table(&self) -> Names {
        let texts = &self.walk().names;
        let size = texts.len().next_power_of_two();
        let mut names = Names {
            heads: vec![END; size],
            next: vec![END; texts.len()],
        };
        // From the last one on, so that each comes before those behind it.
        for (index, text) in texts.iter().enumerate().rev() {
            if *text == 0 {
                continue;
            }
            let bucket = hash(self.text(*text).as_bytes()) as usize & (size - 1);
            if let (Some(head), Some(next)) =
                (names.heads.get_mut(bucket), names.next.get_mut(index))
            {
                *next = std::mem::replace(head, index as u32);
            }
        }
        names
    }

    /// The types whose name stands at one of the places of the texts that have it, by their order here.
    fn by_texts(&self, name: &str) -> Vec<u32> {
        let texts = self.places_of_text(name);
        let (Some(lowest), Some(highest)) = (texts.first(), texts.last()) else {
            return Vec::new();
        };
        let is =
            |text: &u32| text >= lowest && text <= highest && texts.binary_search(text).is_ok();
        let names = self.walk().names.iter().enumerate();
        let found = names.filter(|(_, text)| is(text));
        found.map(|(index, _)| index as u32).collect()
    }

    /// Every place of the texts at which `name` stands, in order: texts may share their ends.
    fn places_of_text(&self, name: &str) -> Vec<u32> {
        let mut places = match &self.base {
            Some(base) => base.places_of_text(name),
            None => Vec::new(),
        };
        let Some(texts) = self.bytes.slice(self.texts, self.texts_size) else {
            return places;
        };
        let first = self.first_text();
        let mut needle = name.as_bytes().to_vec();
        needle.push(0);
        let found = memchr::memmem::find_iter(texts, &needle);
        places.extend(found.filter_map(|at| u32::try_from(first + at as u64).ok()));
        places
    }
}
