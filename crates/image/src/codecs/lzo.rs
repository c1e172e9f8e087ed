//! LZO1X, as makedumpfile -l packs.

use super::Codec;

pub(super) static ENTRY: Codec = Codec {
    flag: 0x2,
    name: "lzo",
    unpack: |packed, page| ::lzo::decompress_into(packed, page) == Ok(page.len()),
};
