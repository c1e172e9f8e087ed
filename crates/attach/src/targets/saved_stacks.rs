//! Stacks that `why stacks --json` printed: they are shown again without their dump.

use std::path::Path;

use super::saved_report::{begins_with, whole};
use super::{Content, Entry, How};
use crate::stream::Peeked;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |head| begins_with(head, b"\"whydunit_stacks\""),
        open: |name: &Path, mut stream: Peeked| {
            whole(name, &mut stream, "a list of stacks").map(Content::Stacks)
        },
    },
};
