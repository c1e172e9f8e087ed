//! Where the kernel's table of symbols lies, where nobody tells: by what its parts look like.
//!
//! The tokens of the ten digits stand for themselves and one behind the other, since names hold digits. From
//! there all 256 tokens are counted out, and the index behind them must agree. What lies around them:
//!
//! * `scripts/kallsyms.c` before Linux 6.4: addresses or offsets and their base, number, names, markers, order
//!   by name (6.2 and later), tokens, index of tokens;
//! * later: number, names, markers, tokens, index of tokens, offsets, their base where there is one, order.
//!
//! Each part begins at a multiple of 8 bytes; since Linux 7 where its numbers need it.

use std::borrow::Cow;

use base::Endian;

use super::{AddressTable, Kallsyms, KallsymsTables, MOST_SYMBOLS, packed};
use crate::bytes::Bytes;

/// What the tokens of the digits look like.
const DIGITS: &[u8] = b"0\x001\x002\x003\x004\x005\x006\x007\x008\x009\0";

/// Bytes of names, markers and order before the tokens.
const MOST_BEFORE: usize = 64 << 20;

/// Places at which one search tries to read names.
const MOST_TRIES: usize = 1 << 16;

/// Fewest symbols of a kernel.
const FEWEST: u32 = 1000;

/// Tables that were found in a piece of memory; places are offsets in it.
#[derive(Clone, Debug)]
pub struct FoundTables<'a> {
    /// The tables. Of offsets from themselves `at` is an offset in the piece too.
    pub tables: KallsymsTables<'a>,
    /// Where the names begin.
    pub names: usize,
}

/// All tables of symbols in `memory`, a piece that is contiguous in the kernel's image.
pub fn find_tables(memory: &[u8], endian: Endian) -> Vec<FoundTables<'_>> {
    memchr::memmem::find_iter(memory, DIGITS)
        .take(64)
        .filter_map(|digits| around(memory, digits, endian))
        .collect()
}

fn around(memory: &[u8], digits: usize, endian: Endian) -> Option<FoundTables<'_>> {
    let (tokens, index) = tokens(memory, digits, endian)?;
    let all = Bytes::new(memory, endian);
    let (number, names) = numbers(memory, tokens, endian)?;
    let count = all.u32(number as u64)?;
    let behind = (index + 512).div_ceil(4) * 4;
    let whole = |addresses| {
        let tables = KallsymsTables {
            count,
            names: Cow::Borrowed(memory.get(names..tokens)?),
            token_table: Cow::Borrowed(memory.get(tokens..index)?),
            token_index: Cow::Borrowed(memory.get(index..behind)?),
            addresses,
            endian,
        };
        let kallsyms = Kallsyms::new(tables.clone()).ok()?;
        is_sorted(&kallsyms).then_some(FoundTables { tables, names })
    };
    let size = 4 * count as usize;
    let offsets = |at: usize| memory.get(at..at.checked_add(size)?);
    let base = |at: usize| all.u64(at as u64).filter(|base| base >> 63 != 0);
    let later = || {
        let table = offsets(behind)?;
        let from_base = base(round(behind + size)).and_then(|base| {
            whole(AddressTable::FromBase {
                base,
                offsets: Cow::Borrowed(table),
            })
        });
        from_base.or_else(|| {
            whole(AddressTable::FromItself {
                at: behind as u64,
                offsets: Cow::Borrowed(table),
            })
        })
    };
    let earlier = || {
        let at = number.checked_sub(8)?;
        let table = offsets(at.checked_sub(round(size))?)?;
        whole(AddressTable::FromBase {
            base: base(at)?,
            offsets: Cow::Borrowed(table),
        })
    };
    let earliest = || {
        let start = number.checked_sub(8 * count as usize)?;
        whole(AddressTable::Whole(Cow::Borrowed(
            memory.get(start..number)?,
        )))
    };
    later().or_else(earlier).or_else(earliest)
}

fn round(at: usize) -> usize {
    at.div_ceil(8) * 8
}

/// Where the tokens and their index begin, around the tokens of the digits.
fn tokens(memory: &[u8], digits: usize, endian: Endian) -> Option<(usize, usize)> {
    // Tokens before the digits: 48 of them, each ended by a zero. The first begins behind what is not theirs,
    // which the index tells.
    let mut end = digits;
    for _ in 0..256 {
        let rest = memory.get(end..memory.len().min(end + 1024))?;
        end += memchr::memchr(0, rest)? + 1;
        // Numbers of 16 bits, which were aligned more than they need before Linux 7.
        for index in [round(end), end.div_ceil(4) * 4, end.div_ceil(2) * 2] {
            if let Some(start) = agreeing(memory, digits, index, end, endian) {
                return Some((start, index));
            }
        }
    }
    None
}

/// Where the tokens begin whose index is at `index`, if it is one.
fn agreeing(
    memory: &[u8],
    digits: usize,
    index: usize,
    end: usize,
    endian: Endian,
) -> Option<usize> {
    // The index begins with 0 and its 48th number leads to the digits.
    let all = Bytes::new(memory, endian);
    let number = |n: usize| all.u16((index + 2 * n) as u64).map(usize::from);
    if number(0) != Some(0) {
        return None;
    }
    let start = digits.checked_sub(number(48)?)?;
    let agrees = (1..256).all(|n| {
        let at = number(n).map(|offset| start + offset);
        at.is_some_and(|at| at < end && at > start && memory.get(at - 1) == Some(&0))
    });
    agrees.then_some(start)
}

/// Where the number of symbols and the names stand, before the tokens at `tokens`.
fn numbers(memory: &[u8], tokens: usize, endian: Endian) -> Option<(usize, usize)> {
    let all = Bytes::new(memory, endian);
    let mut tries = 0;
    let lowest = tokens.saturating_sub(MOST_BEFORE);
    let mut at = tokens / 4 * 4;
    while at >= lowest + 4 {
        at -= 4;
        let count = all.u32(at as u64)?;
        if !(FEWEST..=MOST_SYMBOLS).contains(&count) {
            continue;
        }
        // The number fills four bytes; four of padding follow where parts begin at multiples of 8.
        let padded = all.u32(at as u64 + 4) == Some(0);
        let start = if padded { at + 8 } else { at + 4 };
        // A name has two bytes at least, and its length is before it.
        let names = memory.get(start..tokens).unwrap_or_default();
        if names.len() < 3 * count as usize {
            continue;
        }
        tries += 1;
        if tries > MOST_TRIES {
            return None;
        }
        if are_names(names, count, start, endian) {
            return Some((at, start));
        }
    }
    None
}

/// Whether `count` names are at the start of `names`, and the places of each 256th follow them.
fn are_names(names: &[u8], count: u32, start: usize, endian: Endian) -> bool {
    let (mut at, mut second) = (0, None);
    for number in 0..count {
        if number == 256 {
            second = Some(at as u32);
        }
        match packed(names, at) {
            Some((_, next)) => at = next,
            None => return false,
        }
    }
    // Markers are numbers of 32 bits, or were of 64; what is aligned is where they are in memory.
    let all = Bytes::new(names, endian);
    let follow = |alignment: usize| {
        let markers = ((start + at).next_multiple_of(alignment) - start) as u64;
        all.u32(markers) == Some(0)
            && (all.u32(markers + 4) == second || all.u64(markers + 8) == second.map(u64::from))
    };
    follow(8) || follow(4)
}

/// Whether addresses rise: those of a wrong reading do not.
fn is_sorted(kallsyms: &Kallsyms<'_>) -> bool {
    let count = kallsyms.count();
    let step = (count / 4096).max(1);
    let probes = (0..count).step_by(step as usize);
    let addresses: Vec<_> = probes.map_while(|index| kallsyms.address(index)).collect();
    addresses.is_sorted() && addresses.first() < addresses.last()
}
