//! lz4 frames: recognised, so that they are not taken for a damaged log.

use super::{Decode, Entry};

pub(super) static ENTRY: Entry = Entry {
    name: "lz4",
    magic: |head| head.starts_with(&[0x04, 0x22, 0x4d, 0x18]),
    decode: Decode::Not("lz4 -dc"),
};
