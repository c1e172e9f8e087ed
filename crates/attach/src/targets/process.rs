//! `pid:N`: a live process. Known, not read yet.

use super::{Entry, How};
use crate::Error;

pub(super) static ENTRY: Entry = Entry {
    how: How::Spelled {
        is: |argument| {
            argument
                .to_str()
                .and_then(|text| text.strip_prefix("pid:"))
                .is_some_and(|pid| pid.parse::<u32>().is_ok())
        },
        open: |argument, _| {
            Err(Error::not_yet(argument, "a live process")
                .next("logs are read; if a file of this name is meant, write it with './'"))
        },
    },
};
