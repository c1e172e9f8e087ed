//! gzip, as `logrotate` and `gzip` write it; also several members in a row.

use std::io::BufReader;

use super::{Decode, Entry};

pub(super) static ENTRY: Entry = Entry {
    name: "gzip",
    // RFC 1952: ID1, ID2, and CM, which has no other value than 8.
    magic: |head| head.starts_with(&[0x1f, 0x8b, 8]),
    decode: Decode::With(|compressed| {
        let buffered = BufReader::with_capacity(64 << 10, compressed);
        Ok(Box::new(flate2::bufread::MultiGzDecoder::new(buffered)))
    }),
};
