//! zlib, as makedumpfile -c and QEMU pack. The state of the unpacker is 40 KiB and is used again.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::Codec;

pub(super) static ENTRY: Codec = Codec {
    flag: 0x1,
    name: "zlib",
    unpack: |packed, page| {
        thread_local! {
            static STATE: RefCell<Decompress> = RefCell::new(Decompress::new(true));
        }
        STATE.with_borrow_mut(|state| {
            state.reset(true);
            let done = state.decompress(packed, page, FlushDecompress::Finish);
            matches!(done, Ok(Status::StreamEnd)) && state.total_out() == page.len() as u64
        })
    },
};
