//! The flattened format: a dump in the order in which it was written, for a pipe (`makedumpfile -F`, and what
//! QEMU's `dump-guest-memory -z` writes).
//!
//! A header of 4 KiB (`struct makedumpfile_header`: the name, a type, a version), then pieces, each behind its
//! offset and size (`struct makedumpfile_data_header`), numbers of 64 bits, the highest byte first; both -1 at the
//! end (makedumpfile, `makedumpfile.h`; QEMU, `include/sysemu/dump.h`). A later piece replaces what an
//! earlier one wrote: makedumpfile writes its header twice.

use base::{Budget, Endian, Gap};

use super::{Dump, Entry, IMAGES};
use crate::disjoint::disjoint;
use crate::fields::Fields;
use crate::source::{Piece, Source};
use crate::{Error, Result};

pub(super) static ENTRY: Entry = Entry {
    is: is_flattened,
    open,
};

const MAGIC: &[u8] = b"makedumpfile\0\0\0\0";
/// `MAX_SIZE_MDF_HEADER`.
const HEADER: usize = 4096;
/// Bytes of `struct makedumpfile_data_header`.
const PIECE_HEADER: usize = 16;
/// Pieces that any file may have, and the share of the file that each further one must fill: those of
/// makedumpfile and QEMU are of 4 KiB and more, but for the headers.
const FREE_PIECES: u64 = 1 << 16;
const BYTES_FOR_A_PIECE: u64 = 512;
const MOST_PIECES: u64 = 1 << 25;

fn is_flattened(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

fn open(source: Source) -> Result<Box<dyn Dump>> {
    let (pieces, cut) = index(source.raw())?;
    let inner = source.rearranged(pieces, cut);
    let mut head = [0; MAGIC.len()];
    inner.read(0, &mut head).map_err(|at| {
        Error::damaged(
            at,
            "the flattened file does not have the dump's first bytes",
        )
    })?;
    if is_flattened(&head) {
        return Err(Error::NotRead("a dump that was flattened twice".into()));
    }
    match IMAGES.iter().find(|entry| (entry.is)(&head)) {
        Some(entry) => (entry.open)(inner),
        None => Err(Error::damaged(
            0,
            "the flattened file holds no dump of a known kind",
        )),
    }
}

/// Where the pieces lie and belong, and what is missing where the file ends early.
fn index(file: &[u8]) -> Result<(Vec<Piece>, Option<Gap>)> {
    let fields = Fields::new(file, Endian::Big);
    if let (Some(kind), Some(version)) = (fields.u64(16), fields.u64(24))
        && (kind, version) != (1, 1)
    {
        let what = format!("a flattened dump of type {kind}, version {version}");
        return Err(Error::NotRead(what));
    }
    let size = file.len() as u64;
    let limit = (FREE_PIECES + size / BYTES_FOR_A_PIECE).min(MOST_PIECES);
    let mut budget = Budget::new("pieces of a flattened dump", limit);
    // In the order of the file: where each belongs and where it lies.
    let (mut belongs, mut lies) = (Vec::new(), Vec::new());
    let mut at = HEADER;
    let cut = loop {
        let (Some(offset), Some(length)) = (fields.u64(at), fields.u64(at.saturating_add(8)))
        else {
            break Some("it ends without an end mark");
        };
        if offset == u64::MAX && length == u64::MAX {
            break None;
        }
        let end = offset
            .checked_add(length)
            .filter(|end| i64::try_from(*end).is_ok());
        let (Some(end), true) = (end, length > 0) else {
            let what = format!("a piece of {length:#x} bytes for offset {offset:#x}");
            let what = format!("{what}, at {at:#x} of the flattened file");
            return Err(Error::damaged(offset, what));
        };
        budget
            .spend(1)
            .map_err(|spent| Error::damaged(offset, spent.to_string()))?;
        let from = at.saturating_add(PIECE_HEADER) as u64;
        let there = length.min(size.saturating_sub(from));
        if there > 0 {
            belongs.push(offset..offset + there);
            lies.push(from);
        }
        if there < length {
            break Some("it ends within a piece");
        }
        let next = from.saturating_add(end - offset);
        at = usize::try_from(next).unwrap_or(usize::MAX);
    };
    let pieces = disjoint(&belongs).into_iter().filter_map(|(range, index)| {
        let (whole, from) = (belongs.get(index)?, lies.get(index)?);
        let from = from + (range.start - whole.start);
        Some(Piece { range, from })
    });
    let cut = cut.map(|why| {
        let file = format!("what follows the first {size} bytes of the flattened file");
        Gap::new(file, format!("{why}: it was cut")).supply("the whole file")
    });
    Ok((pieces.collect(), cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(pieces: &[(u64, &[u8])]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend([1u64, 1].map(u64::to_be_bytes).concat());
        file.resize(HEADER, 0);
        for (offset, bytes) in pieces {
            file.extend([*offset, bytes.len() as u64].map(u64::to_be_bytes).concat());
            file.extend(*bytes);
        }
        file
    }

    fn ended(mut file: Vec<u8>) -> Vec<u8> {
        file.extend([0xff; 16]);
        file
    }

    #[test]
    fn pieces_come_in_any_order_and_the_later_one_wins() {
        let file = ended(flat(&[(10, b"abcdef"), (0, b"0123456789"), (8, b"XYZ")]));
        let (pieces, cut) = index(&file).unwrap();
        assert_eq!(cut, None);
        let source = Source::plain(Box::new(file)).rearranged(pieces, None);
        assert_eq!(&*source.fetch(0, 16).unwrap(), b"01234567XYZbcdef");
    }

    #[test]
    fn a_cut_file_has_what_was_written() {
        let file = flat(&[(0, b"0123"), (4, b"4567")]);
        let (_, cut) = index(&file).unwrap();
        assert!(cut.unwrap().why.contains("end mark"));
        let (pieces, cut) = index(&file[..file.len() - 1]).unwrap();
        assert!(cut.unwrap().why.contains("within a piece"));
        assert_eq!(pieces.last().unwrap().range, 4..7);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let wrong = index(&ended(flat(&[(0, b"x"), (u64::MAX - 3, b"0123456")]))).unwrap_err();
        assert!(
            wrong.to_string().contains("at 0x1011 of the flattened"),
            "{wrong}"
        );
        assert!(index(&ended(flat(&[(0, b"")]))).is_err());
        let many = vec![(0, &b"x"[..]); 80_000];
        let wrong = index(&ended(flat(&many))).unwrap_err();
        assert!(
            wrong.to_string().contains("stopped after 68200 pieces"),
            "{wrong}"
        );
        let mut other = ended(flat(&[(0, b"x")]));
        other[31] = 2;
        assert_eq!(
            index(&other).unwrap_err().to_string(),
            "it is a flattened dump of type 1, version 2"
        );
    }
}
