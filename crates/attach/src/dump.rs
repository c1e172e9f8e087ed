//! A dump of a kernel: a file that is mapped, and read by the crate `image`.
//!
//! It is read here and there, so a pipe or a compressed file will not do. A page of the file that vanishes while
//! it is read becomes zeroes ([`crate::cut_while_read`] says so afterwards).

use std::path::Path;

use base::{Memory as _, Target as _};
use image::Image;

use crate::mapped::Mapped;
use crate::stream::{Peeked, Pull as _};
use crate::targets::Content;
use crate::{Error, escape};

/// A dump that is open.
pub struct Dump {
    /// What it holds.
    pub image: Image,
}

/// Why a target that begins as a dump was not opened as one.
pub(crate) enum Refused {
    /// It is not a file that can be mapped.
    NotAFile,
    /// What the reader of dumps says.
    By(image::Error),
    /// The operating system.
    System(Error),
}

impl Dump {
    /// Opens the file that the stream is of; none of it has to be read in its order.
    pub(crate) fn open(name: &Path, stream: &Peeked) -> Result<Dump, Refused> {
        let file = stream
            .file()
            .filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()));
        let file = file.ok_or(Refused::NotAFile)?;
        let mapped =
            Mapped::new(file).map_err(|error| Refused::System(Error::io("map", name, &error)))?;
        let image = Image::open(Box::new(mapped)).map_err(Refused::By)?;
        Ok(Dump { image })
    }

    /// What it is, for people: `a dump of the kernel 6.1.0 (ELF core, x86_64, 2 processors, 512 MiB of memory)`.
    pub fn summary(&self) -> String {
        let image = &self.image;
        let machine = arch::find_elf(image.elf_machine(), 64);
        let machine = machine.map_or("an unknown machine", |arch| arch.name);
        let processors = match image.cpus().len() {
            0 => "no registers".to_owned(),
            1 => "1 processor".to_owned(),
            n => format!("{n} processors"),
        };
        let ranges = image.physical_ranges();
        let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let release = image
            .release()
            .map(|release| format!(" {}", escape(release.as_ref())));
        format!(
            "a dump of the kernel{} ({}, {machine}, {processors}, {} MiB of memory)",
            release.unwrap_or_default(),
            image.about().format,
            bytes.div_ceil(1 << 20),
        )
    }
}

impl Refused {
    /// The failure to show; `is` is what the first bytes say that it is.
    pub(crate) fn error(self, name: &Path, is: &str) -> Error {
        match self {
            Refused::NotAFile => Error::new(
                "read",
                name,
                format!("it is {is}, which is not read from front to back: it must lie in a file, uncompressed"),
            )
            .intact()
            .next("write it to a file, unpacked, and name that"),
            Refused::By(image::Error::NotRead(what)) => {
                Error::new("read", name, format!("it is {}", escape(what.as_ref()))).intact()
            }
            Refused::By(wrong) => Error::new("read", name, format!("it is {is}, and damaged: {}", escape(wrong.to_string().as_ref()))),
            Refused::System(error) => error,
        }
    }
}

/// Opens a target whose first bytes say that it is a dump.
pub(crate) fn open(name: &Path, stream: &Peeked, is: &str) -> Result<Content, Error> {
    match Dump::open(name, stream) {
        Ok(dump) => Ok(Content::Dump(Box::new(dump))),
        Err(refused) => Err(refused.error(name, is)),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::sync::Arc;

    use base::PhysAddr;
    use synth::{ElfCore, Kdump, Order, Packing, Segment};

    use super::*;
    use crate::testing::{folder, put};
    use crate::{Context, resolve};

    fn kdump() -> Kdump {
        let notes = synth::note(
            Order::Little,
            "CORE",
            1,
            &synth::prstatus_x86_64(77, &[5; 27]),
        );
        Kdump {
            packing: Packing::Zlib,
            pages: (0..300)
                .map(|number| (number, Some(synth::page(number, 4096))))
                .collect(),
            vmcoreinfo: b"OSRELEASE=6.1.0-\x1b[2Jx\n".to_vec(),
            notes,
            ..Kdump::default()
        }
    }

    fn opened(path: PathBuf) -> Result<Content, Error> {
        let resolved = resolve(&[OsString::from(path)]);
        resolved.targets[0].open(&Arc::new(Context::new()))
    }

    fn dump(path: PathBuf) -> Box<Dump> {
        match opened(path) {
            Ok(Content::Dump(dump)) => dump,
            Ok(_) => panic!("no dump"),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn dumps_are_mapped_and_said_for_what_they_are() {
        let folder = folder("dump-formats");
        let file = kdump().write();
        put(&folder.join("vmcore"), &file);
        put(&folder.join("vmcore.flat"), &synth::flatten(&file, 4096));
        for (name, format) in [("vmcore", "zlib"), ("vmcore.flat", "zlib, flattened")] {
            let dump = dump(folder.join(name));
            let mut got = [0; 8];
            dump.image
                .read_physical(PhysAddr(7 * 4096), &mut got)
                .unwrap();
            assert_eq!(got, synth::page(7, 8)[..]);
            let expected = format!(
                "a dump of the kernel 6.1.0-\\u{{1b}}[2Jx (kdump-compressed, version 6, {format}, x86_64, 1 processor, \
                 2 MiB of memory)"
            );
            assert_eq!(dump.summary(), expected);
        }
        let bytes = synth::page(1, 8192);
        let core = ElfCore {
            segments: vec![Segment {
                physical: 0,
                bytes,
                size: 8192,
            }],
            ..ElfCore::default()
        };
        put(&folder.join("vmcore.elf"), &core.write());
        let dump = dump(folder.join("vmcore.elf"));
        let summary = dump.summary();
        let expected = "a dump of the kernel (ELF core, x86_64, no registers, 1 MiB";
        assert!(summary.starts_with(expected), "{summary}");
        assert_eq!(dump.image.gaps()[0].what, "VMCOREINFO");
    }

    #[test]
    fn what_is_cut_is_said_and_what_is_damaged_is_refused() {
        let folder = folder("dump-cut");
        let file = kdump().write();
        put(&folder.join("cut"), &file[..file.len() - 9000]);
        let gaps = dump(folder.join("cut")).image.gaps();
        let cut = gaps.iter().any(|gap| {
            gap.what.ends_with(" of 300 pages of the dump")
                && gap.why.starts_with("the file ends before them")
        });
        assert!(cut, "{gaps:?}");
        put(&folder.join("damaged"), &file[..4150]);
        let error = opened(folder.join("damaged")).err().unwrap();
        assert!(error.is_failure());
        let wrong = "damaged: the sub header is cut, at offset 0x1000 of the dump";
        assert!(error.to_string().ends_with(wrong), "{error}");
    }

    #[test]
    fn a_dump_that_is_packed_or_piped_must_be_a_file_first() {
        let file = kdump().write();
        let error = crate::open_bytes("x", file).err().unwrap();
        assert!(
            error.reason().contains("must lie in a file, uncompressed"),
            "{error}"
        );
        assert!(!error.is_failure());
    }

    #[test]
    fn the_core_of_a_process_is_none() {
        let folder = folder("dump-process");
        let notes = synth::note(Order::Little, "CORE", 3, &[0; 136]);
        put(
            &folder.join("core"),
            &ElfCore {
                notes,
                ..ElfCore::default()
            }
            .write(),
        );
        let error = opened(folder.join("core")).err().unwrap();
        assert!(!error.is_failure());
        assert!(
            error
                .to_string()
                .ends_with("it is the core of a process and no kernel's"),
            "{error}"
        );
    }
}
