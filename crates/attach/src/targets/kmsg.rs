//! `/dev/kmsg`: the log of the running kernel, followed.

use std::path::Path;

use super::{Content, Entry, How};
use crate::Error;
use crate::live::LiveLog;

pub(super) static ENTRY: Entry = Entry {
    how: How::Spelled {
        is: |argument| argument == "/dev/kmsg" || argument == "/proc/kmsg",
        open: |argument, context| {
            if argument == "/proc/kmsg" {
                return Err(Error::new(
                    "read",
                    argument,
                    "what is read from it is lost for the program that keeps the log",
                )
                .next("why /dev/kmsg"));
            }
            LiveLog::open(Path::new(argument), context).map(Content::Live)
        },
    },
};
