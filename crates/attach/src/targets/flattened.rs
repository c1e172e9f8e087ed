//! A kernel dump as it is sent through a pipe (`makedumpfile -F`, QEMU's `dump-guest-memory -z`).

use super::{Entry, How};
use crate::dump;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |head| head.starts_with(b"makedumpfile\0"),
        open: |name, stream| dump::open(name, &stream, "a kernel crash dump (flattened)"),
    },
};
