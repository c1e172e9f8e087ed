//! UTF-16, as PowerShell writes what a remote `dmesg` prints: no compression,
//! and undone in the same way.

use std::io::{self, BufReader, Read};

use super::{Compressed, Decode, Entry};

pub(super) static ENTRY: Entry = Entry {
    name: "UTF-16",
    // A byte order mark; two more zeros would make it one of UTF-32.
    magic: |head| match head {
        [0xff, 0xfe, 0, 0, ..] => false,
        [0xff, 0xfe, _, _, ..] | [0xfe, 0xff, _, _, ..] => true,
        _ => false,
    },
    decode: Decode::With(|encoded| {
        Ok(Box::new(Utf16 {
            encoded: BufReader::with_capacity(64 << 10, encoded),
            swapped: None,
            pending: None,
            out: String::new(),
            given: 0,
        }))
    }),
};

struct Utf16 {
    encoded: BufReader<Compressed>,
    /// Whether the high byte of a unit comes first; told by the first unit.
    swapped: Option<bool>,
    /// A unit that was read and is the beginning of the next character.
    pending: Option<u16>,
    out: String,
    given: usize,
}

/// Characters that are decoded at once.
const CHUNK: usize = 16 << 10;

impl Read for Utf16 {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() {
            self.out.clear();
            self.given = 0;
            while self.out.len() < CHUNK && self.decode_one()? {}
        }
        let left = self.out.as_bytes().get(self.given..).unwrap_or_default();
        let n = crate::stream::copy(left, buf);
        self.given += n;
        Ok(n)
    }
}

impl Utf16 {
    /// Decodes a character; says whether there was one.
    fn decode_one(&mut self) -> io::Result<bool> {
        let Some(first) = self.unit()? else {
            return Ok(false);
        };
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first)
            && let Some(second) = self.unit()?
        {
            if (0xdc00..0xe000).contains(&second) {
                units.push(second);
            } else {
                self.pending = Some(second);
            }
        }
        let decoded = char::decode_utf16(units);
        self.out
            .extend(decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        Ok(true)
    }

    fn unit(&mut self) -> io::Result<Option<u16>> {
        if let Some(unit) = self.pending.take() {
            return Ok(Some(unit));
        }
        loop {
            let mut bytes = [0; 2];
            let mut filled = 0;
            while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
                match crate::stream::read_some(&mut self.encoded, free)? {
                    // Half a unit at the end is nothing that could be shown.
                    0 => return Ok(None),
                    n => filled += n,
                }
            }
            match self.swapped {
                None => self.swapped = Some(bytes == [0xfe, 0xff]),
                Some(true) => return Ok(Some(u16::from_be_bytes(bytes))),
                Some(false) => return Ok(Some(u16::from_le_bytes(bytes))),
            }
        }
    }
}
