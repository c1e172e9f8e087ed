//! A kernel dump in kdump-compressed form, as `makedumpfile -c` and `-l` write
//! it. Known, not read yet.

use super::{Entry, How};
use crate::Error;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        // diskdump is the older form of the same.
        is: |head| head.starts_with(b"KDUMP   ") || head.starts_with(b"DISKDUMP"),
        open: |name, _| {
            Err(
                Error::not_yet(name, "a kernel crash dump (kdump-compressed)")
                    .next("its log can be read: makedumpfile --dump-dmesg DUMP dmesg.txt"),
            )
        },
    },
};
