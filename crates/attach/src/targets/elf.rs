//! ELF: a core file or kernel dump, or an object that holds debug
//! information. Known, not read yet.

use super::{Entry, How};
use crate::Error;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |head| head.starts_with(b"\x7fELF"),
        open: |name, stream| {
            let kind = object_type(stream.head());
            Err(match kind {
                Some(4) => Error::not_yet(name, "an ELF core: of a process or of a kernel")
                    .next("a kernel's log can be read: makedumpfile --dump-dmesg CORE dmesg.txt"),
                Some(1..=3) => Error::new(
                    "explain",
                    name,
                    "it is an ELF program, library or kernel: symbols, and nothing that happened",
                )
                .intact()
                .next("name what died: a kernel's log"),
                _ => Error::new("read", name, "it is an ELF file of an unknown type"),
            })
        },
    },
};

/// `e_type` in the byte order that the file states.
fn object_type(head: &[u8]) -> Option<u16> {
    let bytes = [*head.get(16)?, *head.get(17)?];
    match head.get(5)? {
        1 => Some(u16::from_le_bytes(bytes)),
        2 => Some(u16::from_be_bytes(bytes)),
        _ => None,
    }
}
