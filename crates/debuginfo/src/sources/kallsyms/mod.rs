//! The kernel's own table of symbols, as it lies in its memory (`scripts/kallsyms.c` writes it): names are
//! compressed with a table of 256 tokens, addresses stand in a table of their own, in the order of addresses.
//!
//! Nothing is unpacked before it is asked for. Sizes are not told: a symbol ends where the next one begins.

mod search;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use base::Endian;

use crate::bytes::Bytes;
pub use search::{FoundTables, find_tables};

/// Symbols that no kernel exceeds; more is a damaged number.
pub const MOST_SYMBOLS: u32 = 1 << 22;

/// Longest name in bytes (`KSYM_NAME_LEN` is 512), and the letter of its kind.
const LONGEST_NAME: usize = 1 << 10;

/// Names between two of which the place is kept.
const STRIDE: usize = 256;

/// How the table of addresses is written.
#[derive(Clone, Debug)]
pub enum AddressTable<'a> {
    /// Offsets of 32 bits from where each of them lies itself (`_text - . + …`): `kallsyms_offsets` without a
    /// `kallsyms_relative_base`, of kernels that link them as PC-relative.
    FromItself {
        /// Where the table is.
        at: u64,
        /// Its bytes.
        offsets: Cow<'a, [u8]>,
    },
    /// Offsets of 32 bits from a base (`kallsyms_relative_base`).
    FromBase {
        /// The base.
        base: u64,
        /// The table's bytes.
        offsets: Cow<'a, [u8]>,
    },
    /// Addresses (`kallsyms_addresses`).
    Whole(Cow<'a, [u8]>),
}

/// The parts of the table, wherever they were found.
#[derive(Clone, Debug)]
pub struct KallsymsTables<'a> {
    /// Number of symbols.
    pub count: u32,
    /// Names one after the other, and whatever follows them.
    pub names: Cow<'a, [u8]>,
    /// Texts of the tokens.
    pub token_table: Cow<'a, [u8]>,
    /// Where each token's text begins, 16 bits each.
    pub token_index: Cow<'a, [u8]>,
    /// Addresses.
    pub addresses: AddressTable<'a>,
    /// The order of bytes.
    pub endian: Endian,
}

/// The symbols of a kernel.
#[derive(Clone, Debug)]
pub struct Kallsyms<'a> {
    tables: KallsymsTables<'a>,
    tokens: Vec<(u32, u32)>,
    /// Whether offsets are absolute where positive, and count down from the base where negative.
    is_signed: bool,
    places: OnceLock<Vec<u32>>,
}

/// A symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelSymbol {
    /// Its name.
    pub name: String,
    /// The letter that `nm` prints for its kind.
    pub kind: u8,
    /// Where it is.
    pub address: u64,
    /// Bytes up to the next symbol; none of the last.
    pub size: Option<u64>,
}

impl<'a> Kallsyms<'a> {
    /// Reads the tables; says what is wrong with them where they cannot be these.
    pub fn new(tables: KallsymsTables<'a>) -> Result<Self, String> {
        let count = tables.count as usize;
        if tables.count == 0 || tables.count > MOST_SYMBOLS {
            return Err(format!(
                "{} symbols are not a number of symbols",
                tables.count
            ));
        }
        let (size, have) = match &tables.addresses {
            AddressTable::FromItself { offsets, .. } => (4 * count, offsets.len()),
            AddressTable::FromBase { offsets, .. } => (4 * count, offsets.len()),
            AddressTable::Whole(addresses) => (8 * count, addresses.len()),
        };
        if have < size {
            return Err("the table of addresses is cut".to_owned());
        }
        let index = Bytes::new(&tables.token_index, tables.endian);
        let mut tokens = Vec::with_capacity(256);
        for token in 0..256 {
            let start = index.u16(2 * token).ok_or("the index of tokens is cut")?;
            let text = tables.token_table.get(usize::from(start)..);
            let end = text.and_then(|text| memchr::memchr(0, text));
            let length = end.filter(|end| *end < LONGEST_NAME);
            let length = length.ok_or("a token has no end")?;
            tokens.push((u32::from(start), length as u32));
        }
        let mut kallsyms = Kallsyms {
            tables,
            tokens,
            is_signed: false,
            places: OnceLock::new(),
        };
        kallsyms.is_signed = kallsyms.looks_signed();
        Ok(kallsyms)
    }

    /// `CONFIG_KALLSYMS_ABSOLUTE_PERCPU` makes all offsets but those of per-CPU variables negative; without it
    /// they are unsigned, and no kernel is large enough to reach the upper half.
    fn looks_signed(&self) -> bool {
        let AddressTable::FromBase { offsets, .. } = &self.tables.addresses else {
            return false;
        };
        let bytes = Bytes::new(offsets, self.tables.endian);
        let last = u64::from(self.tables.count) - 1;
        let probes = (0..16_u64).filter_map(|n| bytes.u32(4 * (last * (n + 1) / 16)));
        probes.filter(|word| word >> 31 != 0).count() > 8
    }

    /// The same symbols, where the image lies `by` bytes higher; none where addresses are told as such.
    #[must_use]
    pub fn moved(mut self, by: u64) -> Option<Self> {
        match &mut self.tables.addresses {
            AddressTable::FromItself { at, .. } => *at = at.wrapping_add(by),
            AddressTable::FromBase { .. } | AddressTable::Whole(_) => return None,
        }
        Some(self)
    }

    /// Number of symbols.
    pub fn count(&self) -> u32 {
        self.tables.count
    }

    /// The address of the symbol `index`.
    pub fn address(&self, index: u32) -> Option<u64> {
        if index >= self.tables.count {
            return None;
        }
        let index = u64::from(index);
        match &self.tables.addresses {
            AddressTable::Whole(bytes) => Bytes::new(bytes, self.tables.endian).u64(8 * index),
            AddressTable::FromItself { at, offsets } => {
                let word = Bytes::new(offsets, self.tables.endian).u32(4 * index)?;
                let here = at.wrapping_add(4 * index);
                Some(here.wrapping_add_signed(i64::from(word.cast_signed())))
            }
            AddressTable::FromBase { base, offsets } => {
                let word = Bytes::new(offsets, self.tables.endian).u32(4 * index)?;
                Some(match (self.is_signed, word.cast_signed()) {
                    (false, _) => base.wrapping_add(u64::from(word)),
                    (true, 0..) => u64::from(word),
                    // `kallsyms_sym_address` of kernel/kallsyms.c.
                    (true, offset) => base.wrapping_sub(1).wrapping_add_signed(-i64::from(offset)),
                })
            }
        }
    }

    /// The compressed name at `at`, and where the next one begins.
    fn packed(&self, at: usize) -> Option<(&[u8], usize)> {
        packed(&self.tables.names, at)
    }

    /// Where every 256th name begins, and where the last one ends. The kernel has such a table
    /// (`kallsyms_markers`), but tells nobody where.
    fn places(&self) -> &[u32] {
        self.places.get_or_init(|| {
            let mut places = Vec::new();
            let mut at = 0;
            for number in 0..self.tables.count as usize {
                if number % STRIDE == 0 {
                    places.push(at as u32);
                }
                match self.packed(at) {
                    Some((_, next)) => at = next,
                    None => break,
                }
            }
            places
        })
    }

    fn expand(&self, packed: &[u8], into: &mut Vec<u8>) {
        into.clear();
        for token in packed {
            let (start, length) = self
                .tokens
                .get(usize::from(*token))
                .copied()
                .unwrap_or_default();
            let text = self
                .tables
                .token_table
                .get(start as usize..(start + length) as usize);
            into.extend_from_slice(text.unwrap_or_default());
            if into.len() > LONGEST_NAME {
                break;
            }
        }
    }

    /// The symbol `index`.
    pub fn symbol(&self, index: u32) -> Option<KernelSymbol> {
        let address = self.address(index)?;
        let mut at = *self.places().get(index as usize / STRIDE)? as usize;
        for _ in 0..index as usize % STRIDE {
            at = self.packed(at)?.1;
        }
        let mut text = Vec::new();
        self.expand(self.packed(at)?.0, &mut text);
        let (kind, name) = text.split_first()?;
        Some(KernelSymbol {
            name: String::from_utf8_lossy(name).into_owned(),
            kind: *kind,
            address,
            size: self.next(index, address).map(|next| next - address),
        })
    }

    /// The first address behind `address`, which is that of `index`.
    fn next(&self, index: u32, address: u64) -> Option<u64> {
        // Of symbols at one address there are few; a table of one address alone is damaged.
        (index..self.tables.count.min(index.saturating_add(4096)))
            .filter_map(|index| self.address(index))
            .find(|next| *next > address)
    }

    /// The symbol that `address` lies in: of several at one place the first, as the kernel itself chooses
    /// (`get_symbol_pos` of kernel/kallsyms.c).
    pub fn at(&self, address: u64) -> Option<KernelSymbol> {
        let (last, start) = self.last_before(address)?;
        let mut index = last;
        for _ in 0..4096 {
            match index.checked_sub(1) {
                Some(before) if self.address(before) == Some(start) => index = before,
                _ => break,
            }
        }
        self.symbol(index)
    }

    /// Where the symbol that `address` lies in begins, and where the next one does; no name is unpacked for it.
    pub fn range_at(&self, address: u64) -> Option<Range<u64>> {
        let (last, start) = self.last_before(address)?;
        Some(start..self.next(last, start)?)
    }

    /// The last symbol at or before `address`, and its own address.
    fn last_before(&self, address: u64) -> Option<(u32, u64)> {
        let (mut low, mut high) = (0, self.tables.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.address(middle)? <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let last = low.checked_sub(1)?;
        Some((last, self.address(last)?))
    }

    /// The addresses of the symbols of these names, in one pass over all names; of several symbols of one
    /// name the first.
    pub fn addresses_of(&self, names: &[&str]) -> Vec<Option<u64>> {
        let mut found = vec![None; names.len()];
        let mut missing = names.len();
        self.each_called(names, &mut |place, address| {
            if let Some(slot) = found.get_mut(place).filter(|slot| slot.is_none()) {
                *slot = address;
                missing -= 1;
            }
            missing > 0
        });
        found
    }

    /// The same with all symbols of each name.
    pub fn all_addresses_of(&self, names: &[&str]) -> Vec<Vec<u64>> {
        let mut found = vec![Vec::new(); names.len()];
        self.each_called(names, &mut |place, address| {
            if let Some(slot) = found.get_mut(place) {
                slot.extend(address);
            }
            true
        });
        found
    }

    /// Tells the symbols of these names, by the place of the name among them, until `tell` has enough.
    fn each_called(&self, names: &[&str], tell: &mut dyn FnMut(usize, Option<u64>) -> bool) {
        // A name is unpacked only where its length is that of one that is asked for.
        let mut lengths: Vec<Vec<usize>> = vec![Vec::new(); LONGEST_NAME + 1];
        for (place, name) in names.iter().enumerate() {
            if let Some(places) = lengths.get_mut(name.len() + 1) {
                places.push(place);
            }
        }
        let mut sizes = [0_u16; 256];
        for (size, (_, length)) in sizes.iter_mut().zip(&self.tokens) {
            *size = *length as u16;
        }
        let (mut at, mut text) = (0, Vec::new());
        for index in 0..self.tables.count {
            let Some((packed, next)) = self.packed(at) else {
                break;
            };
            at = next;
            let length = packed
                .iter()
                .map(|token| usize::from(sizes.get(usize::from(*token)).copied().unwrap_or(0)))
                .sum::<usize>();
            let Some(places) = lengths.get(length).filter(|places| !places.is_empty()) else {
                continue;
            };
            self.expand(packed, &mut text);
            let name = text.get(1..).unwrap_or_default();
            for place in places {
                let is_it = names
                    .get(*place)
                    .is_some_and(|wanted| wanted.as_bytes() == name);
                if is_it && !tell(*place, self.address(index)) {
                    return;
                }
            }
        }
    }

    /// The address of the symbol called `name`.
    pub fn address_of(&self, name: &str) -> Option<u64> {
        self.addresses_of(&[name]).pop().flatten()
    }
}

/// The compressed name at `at`, and where the next one begins. A length has one byte, or two where the first
/// has its highest bit set: low bits first.
fn packed(names: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let first = *names.get(at)?;
    let (length, start) = if first & 0x80 == 0 {
        (usize::from(first), at + 1)
    } else {
        let second = *names.get(at + 1)?;
        (usize::from(first & 0x7f) | usize::from(second) << 7, at + 2)
    };
    if length == 0 {
        return None;
    }
    let end = start.checked_add(length)?;
    Some((names.get(start..end)?, end))
}

#[cfg(test)]
mod tests;
