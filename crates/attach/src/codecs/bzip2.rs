//! bzip2: recognised, so that it is not taken for a damaged log.

use super::{Decode, Entry};

pub(super) static ENTRY: Entry = Entry {
    name: "bzip2",
    // 'BZh', the block size, and the digits of pi that begin a block.
    magic: |head| head.starts_with(b"BZh") && head.get(4..8).is_some_and(|block| block == b"1AY&"),
    decode: Decode::Not("bzip2 -dc"),
};
