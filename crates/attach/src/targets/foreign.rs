//! Files of other makes that are met beside logs and hold no log in the clear.

use super::{Entry, How};
use crate::{Error, escape};

/// Magic, where it stands, what it is, and the command that makes it readable.
static KINDS: &[(usize, &[u8], &str, &str)] = &[
    (
        0,
        b"LPKSHHRH",
        "a file of the systemd journal",
        "journalctl -k --file",
    ),
    (0, b"PK\x03\x04", "a zip archive", "unzip -p"),
    (0, b"\x37\x7a\xbc\xaf\x27\x1c", "a 7z archive", "7z x -so"),
    (257, b"ustar", "a tar archive", "tar -xOf"),
    (0, b"%PDF-", "a PDF document", ""),
    (0, b"\x89PNG\r\n", "a picture", ""),
    (0, b"\xff\xd8\xff", "a picture", ""),
    (0, b"\xd4\xc3\xb2\xa1", "a packet capture", ""),
    (0, b"\x0a\x0d\x0d\x0a", "a packet capture", ""),
    (0, b"SQLite format 3\0", "an SQLite database", ""),
    (0, b"QFI\xfb", "a disk image", ""),
];

fn find(head: &[u8]) -> Option<(&'static str, &'static str)> {
    KINDS.iter().find_map(|(at, magic, what, command)| {
        head.get(*at..)?
            .starts_with(magic)
            .then_some((*what, *command))
    })
}

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: |head| find(head).is_some(),
        open: |name, stream| {
            let (what, command) = find(stream.head()).unwrap_or_default();
            let error = Error::new("read", name, format!("it is {what} and no log")).intact();
            Err(if command.is_empty() {
                error.next("name a kernel log in plain text")
            } else {
                error.next(format!("{command} '{}' | why -", escape(name.as_os_str())))
            })
        },
    },
};
