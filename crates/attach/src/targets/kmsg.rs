//! `/dev/kmsg`: the log of the running kernel, followed.

use std::path::Path;

use super::{Content, Entry, How};
use crate::live::LiveLog;

pub(super) static ENTRY: Entry = Entry {
    how: How::Spelled {
        is: |argument| argument == "/dev/kmsg",
        open: |argument, context| LiveLog::open(Path::new(argument), context).map(Content::Live),
    },
};
