//! Snappy without frames, as makedumpfile -p packs.

use super::Codec;

pub(super) static ENTRY: Codec = Codec {
    flag: 0x4,
    name: "snappy",
    unpack: |packed, page| {
        let unpacked = snap::raw::Decoder::new().decompress(packed, page);
        unpacked.is_ok_and(|size| size == page.len())
    },
};
