//! The kdump-compressed format (also called diskdump), which `makedumpfile -c`, `-l`, `-p` and `-z` and QEMU
//! write: a header, a sub header, two bitmaps (which pages are memory, which are in the dump), a descriptor for
//! each page of the second, and the pages, each packed by itself (makedumpfile, `IMPLEMENTATION` and
//! `diskdump_mod.h`).

mod bitmap;
mod cache;
mod header;
mod pages;

use std::ops::{ControlFlow, Range};
use std::sync::OnceLock;

use base::{CpuRegisters, Endian, Gap, Memory, PhysAddr, ReadError, Target};

use self::header::Header;
use self::pages::Pages;
use super::{Dump, Entry};
use crate::codecs;
use crate::fields::text;
use crate::notes::Notes;
use crate::source::Source;
use crate::{About, Result};

pub(super) static ENTRY: Entry = Entry {
    is: |head| head.starts_with(header::MAGIC) || head.starts_with(header::OLDER_MAGIC),
    open: |source| Ok(Box::new(Kdump::open(source)?)),
};

/// Bytes of notes, and of what tells of erased data, that are read.
const MOST_NOTES: u64 = 64 << 20;
const MOST_ERASED: u64 = 1 << 20;

struct Kdump {
    pages: Pages,
    header: Header,
    notes: Notes,
    about: About,
    gaps: Vec<Gap>,
    /// How much is missing is counted when it is asked for.
    missing: OnceLock<Option<Gap>>,
}

impl Kdump {
    fn open(source: Source) -> Result<Kdump> {
        let header = Header::read(&source)?;
        let mut gaps: Vec<Gap> = source.cut().cloned().into_iter().collect();
        let part = |range: &Range<u64>, most, what: &str, gaps: &mut Vec<Gap>| {
            let size = (range.end - range.start).min(most);
            let bytes = source.fetch(range.start, size);
            if bytes.is_none() {
                let why = format!("the file does not have all of them, at {:#x}", range.start);
                gaps.push(Gap::new(what, why));
            }
            bytes
        };
        let mut notes = Notes::default();
        if let Some(range) = &header.notes
            && let Some(bytes) = part(range, MOST_NOTES, "the notes", &mut gaps)
        {
            notes = Notes::parse(&bytes, header.endian, header.machine);
            if let Some(why) = &notes.damage {
                gaps.push(Gap::new("some of the notes", why));
            }
        }
        if let Some(range) = &header.vmcoreinfo
            && let Some(bytes) = part(range, 1 << 20, "the bytes of VMCOREINFO", &mut gaps)
            && let Some(text) = Notes::vmcoreinfo_of(&bytes)
        {
            notes.vmcoreinfo = Some(text);
        }
        let mut erased = None;
        if let Some(range) = &header.erased
            && let Some(bytes) = part(range, MOST_ERASED, "the list of what was erased", &mut gaps)
        {
            erased = Some(text(&bytes));
        }
        if notes.vmcoreinfo.is_none() {
            gaps.push(Gap::new("VMCOREINFO", "the dump does not have it"));
        }
        if notes.cpus.is_empty() {
            gaps.push(Gap::new("the registers", "the dump has no note of them"));
        }
        let about = about(&header, &source, erased);
        let pages = Pages::new(source, &header, &mut gaps)?;
        Ok(Kdump {
            pages,
            header,
            notes,
            about,
            gaps,
            missing: OnceLock::new(),
        })
    }
}

fn about(header: &Header, source: &Source, erased: Option<String>) -> About {
    let mut format = format!("kdump-compressed, version {}", header.version);
    // Older makedumpfile did not tell.
    if let Some(codec) = codecs::find(header.status) {
        format.push_str(", ");
        format.push_str(codec.name);
    }
    if source.is_rearranged() {
        format.push_str(", flattened");
    }
    About {
        format,
        uts: Some(header.uts.clone()),
        created: Some(header.created).filter(|seconds| *seconds != 0),
        dump_level: header.dump_level,
        erased,
    }
}

impl Memory for Kdump {
    fn read_physical(
        &self,
        address: PhysAddr,
        into: &mut [u8],
    ) -> std::result::Result<(), ReadError> {
        self.pages.read(address.0, into)
    }

    fn physical_bytes(&self, address: PhysAddr, size: usize) -> Option<&[u8]> {
        self.pages.bytes(address.0, size)
    }

    fn physical_ranges(&self) -> Vec<Range<u64>> {
        self.pages.ranges().to_vec()
    }

    fn visit_physical(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(PhysAddr, &[u8]) -> ControlFlow<()>,
    ) -> u64 {
        self.pages.visit(range, visit)
    }
}

impl Target for Kdump {
    fn elf_machine(&self) -> u16 {
        self.header.machine
    }

    fn endian(&self) -> Endian {
        self.header.endian
    }

    fn vmcoreinfo(&self) -> Option<&str> {
        self.notes.vmcoreinfo.as_deref()
    }

    fn cpus(&self) -> &[CpuRegisters] {
        &self.notes.cpus
    }

    fn gaps(&self) -> Vec<Gap> {
        let mut gaps = self.gaps.clone();
        let missing = self.missing.get_or_init(|| {
            self.pages
                .missing(self.header.status & header::INCOMPLETE != 0)
        });
        gaps.extend(missing.clone());
        gaps
    }
}

impl Dump for Kdump {
    fn about(&self) -> &About {
        &self.about
    }
}
