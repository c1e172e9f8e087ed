//! ELF: a core file or kernel dump, known and not read yet, or an object that
//! holds debug information, which is of use beside a log.

use super::{Content, Entry, How};
use crate::Error;
use crate::elf_header::ElfHeader;

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: ElfHeader::is,
        open: |name, stream| match ElfHeader::read(stream.head()) {
            Some(header) if header.is_core() => Err(Error::not_yet(
                name,
                "an ELF core: of a process or of a kernel",
            )
            .next("a kernel's log can be read: makedumpfile --dump-dmesg CORE dmesg.txt")),
            Some(header) if header.is_object() => Ok(Content::Object(
                Error::new(
                    "explain",
                    name,
                    "it is an ELF program, library or kernel: symbols, and nothing that happened",
                )
                .intact()
                .next("name what died too: a kernel's log"),
            )),
            Some(_) => Err(Error::new(
                "read",
                name,
                "it is an ELF file of an unknown type",
            )),
            None => Err(Error::new(
                "read",
                name,
                "it is an ELF file whose header is cut or damaged",
            )),
        },
    },
};
