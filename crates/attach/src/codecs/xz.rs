//! xz; also several streams in a row with padding between them.

use std::io::BufReader;

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::{Decode, Entry};

/// What `xz -9` needs is 65 MiB; a stream that asks for more is no log.
const MEMORY: u64 = 80 << 20;

pub(super) static ENTRY: Entry = Entry {
    name: "xz",
    magic: |head| head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]),
    decode: Decode::With(|compressed| {
        let buffered = BufReader::with_capacity(64 << 10, compressed);
        let stream = Stream::new_stream_decoder(MEMORY, CONCATENATED)?;
        Ok(Box::new(XzDecoder::new_stream(buffered, stream)))
    }),
};
