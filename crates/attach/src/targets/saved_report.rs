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
            let (json, whole) = read_all(&mut stream, LARGEST)?;
            if !whole {
                return Err(Error::new(
                    "read",
                    name,
                    format!("it is a report of more than {} MiB", LARGEST >> 20),
                ));
            }
            Ok(Content::Report(json))
        },
    },
};

/// A JSON object whose first member is the one that our reports begin with.
fn is_report(head: &[u8]) -> bool {
    let rest = head.trim_ascii_start();
    rest.strip_prefix(b"{").is_some_and(|inside| {
        inside
            .trim_ascii_start()
            .starts_with(b"\"whydunit_report\"")
    })
}
