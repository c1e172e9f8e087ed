//! A dump as an ELF core: what `/proc/vmcore` is copied to, and what QEMU and libvirt write
//! (`dump-guest-memory`), with or without VMCOREINFO.
//!
//! Its segments lie in physical memory (`p_paddr`). Segments of `/proc/vmcore` may overlap: the kernel's text
//! has one of its own (kexec-tools, `crashdump-elf.c`). Memory that a segment has and the file does not
//! (`p_memsz` beyond `p_filesz`) was left out: makedumpfile -E writes such.

use std::ops::{ControlFlow, Range};

use base::{CpuRegisters, Endian, Gap, Memory, PhysAddr, ReadError, Target};

use super::{Dump, Entry};
use crate::disjoint::disjoint;
use crate::fields::Fields;
use crate::notes::Notes;
use crate::source::Source;
use crate::{About, Error, Result};

pub(super) static ENTRY: Entry = Entry {
    is: |head| head.starts_with(b"\x7fELF"),
    open: |source| Ok(Box::new(ElfCore::open(source)?)),
};

const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;
/// `ET_CORE`.
const CORE: u16 = 4;
/// `PT_LOAD` and `PT_NOTE`.
const LOAD: u32 = 1;
const NOTE: u32 = 4;
/// `PN_XNUM`: the count stands in the first section header.
const MANY: u16 = 0xffff;
/// Segments that are read. makedumpfile writes one for each run of pages that it kept.
const MOST_SEGMENTS: u64 = 1 << 20;
/// Bytes of notes that are read: 4 KiB for each of 8,192 processors, twice.
const MOST_NOTES: u64 = 64 << 20;
/// Bytes that are visited at once; a power of two and no less than a page.
const VISIT: u64 = 1 << 20;
/// And where they do not lie in one piece.
const PAGE: u64 = 4096;

/// Memory without overlaps.
#[derive(Debug)]
struct Extent {
    range: Range<u64>,
    /// Where it lies in the dump; none where it was left out.
    from: Option<u64>,
}

struct ElfCore {
    source: Source,
    machine: u16,
    endian: Endian,
    extents: Vec<Extent>,
    notes: Notes,
    about: About,
    gaps: Vec<Gap>,
}

/// A program header.
struct Segment {
    kind: u32,
    from: u64,
    physical: u64,
    in_file: u64,
    in_memory: u64,
}

impl ElfCore {
    fn open(source: Source) -> Result<ElfCore> {
        let mut head = [0; HEADER as usize];
        let read = source.read(0, &mut head);
        let cut = |at| Error::damaged(at, "the ELF header is cut");
        match (head.get(4), head.get(5)) {
            // A file of these first bytes alone may be shorter than the header.
            (Some(1), _) => {
                return Err(Error::NotRead(
                    "an ELF core of 32 bits: dumps of kernels of 32 bits are not read".into(),
                ));
            }
            _ => read.map_err(cut)?,
        }
        let endian = match (head.get(4), head.get(5)) {
            (Some(2), Some(1)) => Endian::Little,
            (Some(2), Some(2)) => Endian::Big,
            _ => return Err(Error::damaged(4, "the ELF class or byte order is none")),
        };
        let fields = Fields::new(&head, endian);
        let kind = fields.u16(16).unwrap_or_default();
        if kind != CORE {
            return Err(Error::NotRead(format!(
                "an ELF file of type {kind} and no core"
            )));
        }
        let machine = fields.u16(18).unwrap_or_default();
        let segments = segments(&source, &fields)?;
        let (notes, mut gaps) = read_notes(&source, &segments, endian, machine)?;
        if notes.of_a_process && notes.vmcoreinfo.is_none() {
            return Err(Error::NotRead(
                "the core of a process and no kernel's".into(),
            ));
        }
        let extents = extents(&segments)?;
        if extents.is_empty() {
            return Err(Error::damaged(HEADER, "the core has no memory"));
        }
        gaps.extend(source.cut().cloned());
        gaps.extend(missing(&source, &extents));
        if notes.vmcoreinfo.is_none() {
            let why = "the dump has no such note: a virtual machine needs the device 'vmcoreinfo'";
            gaps.push(Gap::new("VMCOREINFO", why));
        }
        if notes.cpus.is_empty() {
            gaps.push(Gap::new("the registers", "the dump has no note of them"));
        }
        let flattened = if source.is_rearranged() {
            ", flattened"
        } else {
            ""
        };
        let about = About {
            format: format!("ELF core{flattened}"),
            ..About::default()
        };
        Ok(ElfCore {
            source,
            machine,
            endian,
            extents,
            notes,
            about,
            gaps,
        })
    }

    /// The extent that has `address`.
    fn find(&self, address: u64) -> Option<&Extent> {
        let after = self
            .extents
            .partition_point(|extent| extent.range.start <= address);
        let extent = self.extents.get(after.checked_sub(1)?)?;
        extent.range.contains(&address).then_some(extent)
    }
}

/// Reads the program headers.
fn segments(source: &Source, header: &Fields<'_>) -> Result<Vec<Segment>> {
    let table = header.u64(32).unwrap_or_default();
    let size = u64::from(header.u16(54).unwrap_or_default());
    if size != PROGRAM_HEADER {
        let what = format!("program headers are of {size} bytes and not {PROGRAM_HEADER}");
        return Err(Error::damaged(54, what));
    }
    let count = match header.u16(56).unwrap_or_default() {
        MANY => {
            let sections = header.u64(40).unwrap_or_default();
            let first = source.fetch(sections, 64);
            let first =
                first.ok_or_else(|| Error::damaged(sections, "the section header is cut"))?;
            Fields::new(&first, header.endian)
                .u32(44)
                .unwrap_or_default()
                .into()
        }
        count => u64::from(count),
    };
    if count > MOST_SEGMENTS {
        return Err(Error::damaged(56, format!("{count} segments are too many")));
    }
    let bytes = source.fetch(table, count * PROGRAM_HEADER);
    let bytes = bytes.ok_or_else(|| Error::damaged(table, "the program headers are cut"))?;
    let read = |bytes: &[u8]| {
        let fields = Fields::new(bytes, header.endian);
        Some(Segment {
            kind: fields.u32(0)?,
            from: fields.u64(8)?,
            physical: fields.u64(24)?,
            in_file: fields.u64(32)?,
            in_memory: fields.u64(40)?,
        })
    };
    Ok(bytes
        .chunks_exact(PROGRAM_HEADER as usize)
        .filter_map(read)
        .collect())
}

fn read_notes(
    source: &Source,
    segments: &[Segment],
    endian: Endian,
    machine: u16,
) -> Result<(Notes, Vec<Gap>)> {
    let (mut notes, mut gaps) = (Notes::default(), Vec::new());
    // The kernel merges all notes into one segment (fs/proc/vmcore.c), and so does QEMU.
    let mut of_notes = segments.iter().filter(|segment| segment.kind == NOTE);
    if let Some(segment) = of_notes.next() {
        let there = segment.in_file - source.absent(segment.from, segment.in_file);
        if there > MOST_NOTES {
            return Err(Error::damaged(
                segment.from,
                format!("{there} bytes of notes are too many"),
            ));
        }
        if let Some(bytes) = source.fetch(segment.from, there) {
            notes = Notes::parse(&bytes, endian, machine);
        }
        if let Some(why) = &notes.damage {
            let why = format!("{why}, in the segment at {:#x}", segment.from);
            gaps.push(Gap::new("some of the notes", why));
        }
    }
    if of_notes.next().is_some() {
        gaps.push(Gap::new(
            "some of the notes",
            "only those of the first segment are read",
        ));
    }
    Ok((notes, gaps))
}

/// The memory of the segments; where they overlap, what the file has goes first, then the earlier segment.
fn extents(segments: &[Segment]) -> Result<Vec<Extent>> {
    let loads = || segments.iter().rev().filter(|segment| segment.kind == LOAD);
    let (mut ranges, mut from) = (Vec::new(), Vec::new());
    for load in loads() {
        let end = load.physical.checked_add(load.in_memory.max(load.in_file));
        let (Some(end), Some(_)) = (end, load.from.checked_add(load.in_file)) else {
            let what = format!(
                "a segment of {:#x} bytes at {:#x}",
                load.in_memory, load.physical
            );
            return Err(Error::damaged(
                HEADER,
                format!("{what} ends beyond all memory"),
            ));
        };
        ranges.push(load.physical..end);
        from.push(None);
    }
    for load in loads() {
        ranges.push(load.physical..load.physical.saturating_add(load.in_file));
        from.push(Some(load.from));
    }
    let cut = disjoint(&ranges).into_iter().filter_map(|(range, index)| {
        let whole = ranges.get(index)?;
        let from = from
            .get(index)?
            .map(|from| from + (range.start - whole.start));
        Some(Extent { range, from })
    });
    Ok(cut.collect())
}

/// Memory which the dump should have and the file does not.
fn missing(source: &Source, extents: &[Extent]) -> Option<Gap> {
    let absent = |extent: &Extent| {
        let size = extent.range.end - extent.range.start;
        extent.from.map_or(0, |from| source.absent(from, size))
    };
    let bytes: u64 = extents.iter().map(absent).sum();
    (bytes > 0).then(|| {
        let what = format!("{bytes} bytes of memory");
        Gap::new(what, "the file ends before them: it was cut").supply("the whole dump")
    })
}

impl Memory for ElfCore {
    fn read_physical(
        &self,
        address: PhysAddr,
        into: &mut [u8],
    ) -> std::result::Result<(), ReadError> {
        let (mut at, mut left) = (address.0, into);
        while !left.is_empty() {
            let extent = self.find(at).ok_or(ReadError::NotMemory(PhysAddr(at)))?;
            let from = extent.from.ok_or(ReadError::Filtered(PhysAddr(at)))?;
            let room = usize::try_from(extent.range.end - at).unwrap_or(usize::MAX);
            let (now, later) = left.split_at_mut(room.min(left.len()));
            let from = from + (at - extent.range.start);
            let read = self.source.read(from, now);
            read.map_err(|absent| ReadError::Truncated(PhysAddr(at + (absent - from))))?;
            at = at.saturating_add(now.len() as u64);
            left = later;
        }
        Ok(())
    }

    fn physical_bytes(&self, address: PhysAddr, size: usize) -> Option<&[u8]> {
        let extent = self.find(address.0)?;
        let fits = size as u64 <= extent.range.end - address.0;
        let from = extent.from.filter(|_| fits)? + (address.0 - extent.range.start);
        self.source.slice(from, size)
    }

    fn physical_ranges(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for extent in &self.extents {
            match ranges.last_mut() {
                Some(last) if last.end == extent.range.start => last.end = extent.range.end,
                _ => ranges.push(extent.range.clone()),
            }
        }
        ranges
    }

    fn visit_physical(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(PhysAddr, &[u8]) -> ControlFlow<()>,
    ) -> u64 {
        let mut absent = range.end.saturating_sub(range.start);
        let first = self
            .extents
            .partition_point(|extent| extent.range.end <= range.start);
        let inside = self.extents.iter().skip(first);
        let mut page = Vec::new();
        for extent in inside.take_while(|extent| extent.range.start < range.end) {
            let Some(from) = extent.from else { continue };
            let (mut at, end) = (
                extent.range.start.max(range.start),
                extent.range.end.min(range.end),
            );
            while at < end {
                // What the file does not have is not walked through: it may be longer than any file.
                let place = from + (at - extent.range.start);
                let Some(there) = self.source.next(place) else {
                    break;
                };
                at = at.saturating_add(there - place);
                if at >= end {
                    break;
                }
                let room = |size: u64| (size - at % size).min(end - at);
                let large = usize::try_from(room(VISIT)).unwrap_or(usize::MAX);
                let piece = match self.source.slice(there, large) {
                    Some(piece) => piece,
                    None => {
                        page.resize(room(PAGE) as usize, 0);
                        if self.source.read(there, &mut page).is_err() {
                            at += page.len() as u64;
                            continue;
                        }
                        &page
                    }
                };
                absent -= (piece.len() as u64).min(absent);
                if visit(PhysAddr(at), piece).is_break() {
                    return absent;
                }
                at += piece.len() as u64;
            }
        }
        absent
    }
}

impl Target for ElfCore {
    fn elf_machine(&self) -> u16 {
        self.machine
    }

    fn endian(&self) -> Endian {
        self.endian
    }

    fn vmcoreinfo(&self) -> Option<&str> {
        self.notes.vmcoreinfo.as_deref()
    }

    fn cpus(&self) -> &[CpuRegisters] {
        &self.notes.cpus
    }

    fn gaps(&self) -> Vec<Gap> {
        self.gaps.clone()
    }
}

impl Dump for ElfCore {
    fn about(&self) -> &About {
        &self.about
    }
}
