//! ELF: a kernel dump, the core of a process, which is not read yet, or an object that holds debug information,
//! which is of use beside a log.

use super::{Content, Entry, How};
use crate::elf_header::ElfHeader;
use crate::{Error, dump};

pub(super) static ENTRY: Entry = Entry {
    how: How::Magic {
        is: ElfHeader::is,
        open: |name, stream| match ElfHeader::read(stream.head()) {
            // Notes tell whether it is of a kernel.
            Some(header) if header.is_core() => {
                dump::open(name, &stream, "an ELF core: of a process or of a kernel")
            }
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
