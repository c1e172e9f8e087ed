//! `-`: what is piped in.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use super::{Entry, How, open_stream};
use crate::Error;
use crate::interrupt::Interrupt;
use crate::stream::{FileSource, Peeked};

pub(super) static ENTRY: Entry = Entry {
    how: How::Spelled {
        is: |argument| argument == "-",
        open: |_, context| {
            let name = Path::new("standard input");
            let stdin = io::stdin();
            if stdin.is_terminal() {
                return Err(Error::new("read", name, "it is this terminal")
                    .next("pipe a log into it, for instance: dmesg | why -"));
            }
            // A second descriptor, so that no buffer of the standard library is between.
            let file = stdin
                .as_fd()
                .try_clone_to_owned()
                .map(File::from)
                .map_err(|error| Error::io("read", name, &error))?;
            let regular = file.metadata().is_ok_and(|meta| meta.is_file());
            let mut source = FileSource::new(file, name, context);
            if !regular {
                // `dmesg -w | why -` ends by Ctrl-C, and then the report is wanted.
                let interrupt = Interrupt::new()
                    .map_err(|error| Error::io("catch Ctrl-C for", name, &error))?;
                source = source.interruptible(interrupt);
            }
            open_stream(name, Peeked::new(Box::new(source))?)
        },
    },
};
