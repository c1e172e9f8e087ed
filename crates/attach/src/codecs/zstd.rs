//! zstd; also several frames in a row, and skippable ones between them.

use std::io::BufReader;

use zstd::stream::read::Decoder;

use super::{Decode, Entry};

pub(super) static ENTRY: Entry = Entry {
    name: "zstd",
    // The window is left at the decoder's own bound of 128 MiB, which is what
    // `zstd` itself refuses to exceed without being told to.
    magic: |head| head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
    decode: Decode::With(|compressed| {
        let buffered = BufReader::with_capacity(64 << 10, compressed);
        Ok(Box::new(Decoder::with_buffer(buffered)?))
    }),
};
