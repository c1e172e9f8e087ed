//! A report that `why --json` printed: renders again without its inputs.

use std::path::Path;

use super::{Content, Entry, How};
use crate::Error;
use crate::stream::{Peeked, read_all};

/// Bytes of the largest report that is taken back.
const LARGEST: usize = 256 << 20;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: is_report,
        open: |name: &Path, mut stream: Peeked| {
            whole(name, &mut stream, "a report").map(Content::Report)
        },
    },
};

/// All of a document that was saved.
pub(super) fn whole(name: &Path, stream: &mut Peeked, is: &str) -> Result<Vec<u8>, Error> {
    let (json, whole) = read_all(stream, LARGEST)?;
    if !whole {
        let why = format!("it is {is} of more than {} MiB", LARGEST >> 20);
        return Err(Error::new("read", name, why));
    }
    Ok(json)
}

/// A JSON object whose first member is the one that our reports begin with.
fn is_report(head: &[u8]) -> bool {
    begins_with(head, b"\"whydunit_report\"")
}

/// Whether it is a JSON object with this first member.
pub(super) fn begins_with(head: &[u8], member: &[u8]) -> bool {
    let inside = head.trim_ascii_start().strip_prefix(b"{");
    inside.is_some_and(|inside| inside.trim_ascii_start().starts_with(member))
}
