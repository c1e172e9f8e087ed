//! The header and the sub header, of kernels of 64 bits, in either byte order.
//!
//! `struct disk_dump_header` and `struct kdump_sub_header` of makedumpfile's `diskdump_mod.h`; which member came
//! with which version stands in its comments.

use std::ops::Range;

use base::Endian;

use crate::fields::Fields;
use crate::source::Source;
use crate::{Error, Result, Uts};

pub(super) const MAGIC: &[u8] = b"KDUMP   ";
/// Of Linux 2.4 and 2.6 before kdump; its sub header is another.
pub(super) const OLDER_MAGIC: &[u8] = b"DISKDUMP";

/// `DUMP_DH_COMPRESSED_INCOMPLETE`: the disk was full before all was written.
pub(super) const INCOMPLETE: u32 = 0x8;

const SIZE: u64 = 464;
/// Where the names begin, and the room of each: sysname, nodename, release, version, machine, domainname.
const NAMES: usize = 12;
const NAME: usize = 65;
/// Where `block_size` is in headers of 64 and of 32 bits.
const BLOCK_SIZE: usize = 428;
const BLOCK_SIZE_32: usize = 416;
/// Bytes of the sub header of version 6.
const SUB_SIZE: u64 = 104;
/// Pages of kernels are of 4 KiB to 64 KiB, and 256 KiB on some PowerPC.
const BLOCK_SIZES: std::ops::RangeInclusive<u32> = 512..=(1 << 18);

/// What the headers say.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) endian: Endian,
    pub(super) machine: u16,
    pub(super) version: u32,
    pub(super) uts: Uts,
    pub(super) created: u64,
    /// `DUMP_DH_…`.
    pub(super) status: u32,
    /// Bytes of a page.
    pub(super) block_size: u32,
    pub(super) dump_level: Option<u32>,
    /// The pages of this part of a split dump.
    pub(super) part: Option<Range<u64>>,
    /// One more than the number of the last page.
    pub(super) max_pfn: u64,
    /// Where the bitmaps are.
    pub(super) bitmaps: Range<u64>,
    pub(super) vmcoreinfo: Option<Range<u64>>,
    pub(super) notes: Option<Range<u64>>,
    pub(super) erased: Option<Range<u64>>,
}

impl Header {
    pub(super) fn read(source: &Source) -> Result<Header> {
        let head = source.fetch(0, SIZE);
        let head = head.ok_or_else(|| Error::damaged(source.len(), "the header is cut"))?;
        if head.starts_with(OLDER_MAGIC) {
            let what = "a dump of the older format 'diskdump', of kernels before kdump";
            return Err(Error::NotRead(what.into()));
        }
        let fields = byte_order(&head)?;
        let word = |at| fields.u32(at).unwrap_or_default();
        let is_block_size = |size: u32| size.is_power_of_two() && BLOCK_SIZES.contains(&size);
        let name = |index: usize| fields.text(NAMES + index * NAME, NAME).unwrap_or_default();
        let uts = Uts {
            node: name(1),
            release: name(2),
            version: name(3),
            machine: name(4),
        };
        let (block_size, sub_blocks) = (word(BLOCK_SIZE), word(BLOCK_SIZE + 4));
        if !is_block_size(block_size) {
            if is_block_size(word(BLOCK_SIZE_32)) {
                let what = "a kdump-compressed dump of a kernel of 32 bits, which is not read";
                return Err(Error::NotRead(what.into()));
            }
            let what = format!("pages of {block_size} bytes");
            return Err(Error::damaged(BLOCK_SIZE as u64, what));
        }
        let arch = arch::find(&uts.machine).map(|(arch, _)| arch);
        let Some(arch) = arch.filter(|arch| arch.pointer_bits == 64) else {
            let what = format!("a kdump-compressed dump of the machine '{}'", uts.machine);
            return Err(Error::NotRead(what));
        };

        let block = u64::from(block_size);
        let sub = SubHeader::read(source, block, word(8), fields.endian)?;
        let start = block.saturating_mul(1 + u64::from(sub_blocks));
        let bitmaps = start..start.saturating_add(block.saturating_mul(word(436).into()));
        let max_pfn = if sub.max_pfn != 0 {
            sub.max_pfn
        } else {
            word(440).into()
        };
        Ok(Header {
            endian: fields.endian,
            machine: arch.elf_machine,
            version: word(8),
            uts,
            created: fields.u64(408).unwrap_or_default(),
            status: word(424),
            block_size,
            dump_level: sub.dump_level,
            part: sub.part,
            max_pfn,
            bitmaps,
            vmcoreinfo: sub.vmcoreinfo,
            notes: sub.notes,
            erased: sub.erased,
        })
    }
}

/// The order in which the version is one that there is.
fn byte_order(head: &[u8]) -> Result<Fields<'_>> {
    let [little, big] = [Endian::Little, Endian::Big].map(|endian| Fields::new(head, endian));
    for fields in [little, big] {
        if fields
            .u32(8)
            .is_some_and(|version| (1..=6).contains(&version))
        {
            return Ok(fields);
        }
    }
    let version = little.u32(8).unwrap_or_default();
    let version = version.min(big.u32(8).unwrap_or_default());
    let what = format!("a kdump-compressed dump of version {version}; 1 to 6 are known");
    Err(Error::NotRead(what))
}

struct SubHeader {
    dump_level: Option<u32>,
    part: Option<Range<u64>>,
    max_pfn: u64,
    vmcoreinfo: Option<Range<u64>>,
    notes: Option<Range<u64>>,
    erased: Option<Range<u64>>,
}

impl SubHeader {
    fn read(source: &Source, at: u64, version: u32, endian: Endian) -> Result<SubHeader> {
        let bytes = source.fetch(at, SUB_SIZE);
        let bytes = bytes.ok_or_else(|| Error::damaged(at, "the sub header is cut"))?;
        let fields = Fields::new(&bytes, endian);
        // What a version does not have yet may be anything.
        let since = |first: u32, at: usize| {
            fields
                .u64(at)
                .filter(|_| version >= first)
                .unwrap_or_default()
        };
        let range = |first, place: usize, what: &str| {
            let (start, size) = (since(first, place), since(first, place + 8));
            if start == 0 || size == 0 {
                return Ok(None);
            }
            match start.checked_add(size) {
                Some(end) => Ok(Some(start..end)),
                None => {
                    let what = format!("{size:#x} bytes of {what} at {start:#x}");
                    Err(Error::damaged(at + place as u64, what))
                }
            }
        };
        let is_part = version >= 2 && fields.u32(12).unwrap_or_default() != 0;
        let pages = if version >= 6 { 80 } else { 16 };
        let part = since(2, pages)..since(2, pages + 8);
        Ok(SubHeader {
            dump_level: fields.u32(8).filter(|_| version >= 1),
            part: is_part.then_some(part),
            max_pfn: since(6, 96),
            vmcoreinfo: range(3, 32, "VMCOREINFO")?,
            notes: range(4, 48, "notes")?,
            erased: range(5, 64, "what was erased")?,
        })
    }
}
