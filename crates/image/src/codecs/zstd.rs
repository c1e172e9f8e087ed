//! Zstandard, as makedumpfile -z packs. The state of the unpacker is used again.

use std::cell::RefCell;

use ::zstd::bulk::Decompressor;

use super::Codec;

pub(super) static ENTRY: Codec = Codec {
    flag: 0x20,
    name: "zstd",
    unpack: |packed, page| {
        thread_local! {
            static STATE: RefCell<Option<Decompressor<'static>>> = RefCell::new(Decompressor::new().ok());
        }
        STATE.with_borrow_mut(|state| {
            let unpacked = state
                .as_mut()
                .map(|state| state.decompress_to_buffer(packed, page));
            matches!(unpacked, Some(Ok(size)) if size == page.len())
        })
    },
};
