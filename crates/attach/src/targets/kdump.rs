//! A kernel dump in kdump-compressed form, as `makedumpfile -c` and `-l` write it.

use super::{Entry, How};
use crate::dump;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        // diskdump is the older form of the same.
        is: |head| head.starts_with(b"KDUMP   ") || head.starts_with(b"DISKDUMP"),
        open: |name, stream| dump::open(name, &stream, "a kernel crash dump (kdump-compressed)"),
    },
};
