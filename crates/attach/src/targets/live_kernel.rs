//! `live`: the running kernel. Known, not read yet.

use super::{Entry, How};
use crate::Error;

pub(super) static ENTRY: Entry = Entry {
    how: How::Spelled {
        is: |argument| argument == "live",
        open: |argument, _| {
            Err(Error::not_yet(argument, "the running kernel")
                .next("its log can be read: 'why /dev/kmsg'; a file of this name is './live'"))
        },
    },
};
