//! A kernel dump as it is sent through a pipe (`makedumpfile -F`, QEMU's
//! `dump-guest-memory -z`). Known, not read yet.

use super::{Entry, How};
use crate::Error;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |head| head.starts_with(b"makedumpfile\0"),
        open: |name, _| {
            Err(Error::not_yet(name, "a kernel crash dump (flattened)")
                .next("its log can be read: makedumpfile -R DUMP < FILE, then --dump-dmesg"))
        },
    },
};
