//! What `perf record` saves. Known, not read yet.

use super::{Entry, How};
use crate::Error;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |head| head.starts_with(b"PERFILE2") || head.starts_with(b"2ELIFREP"),
        open: |name, _| Err(Error::not_yet(name, "a recording of perf")),
    },
};
