//! kdump-compressed files of 64 bits.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;

use crate::order::{Order, Writer};
use crate::{Pages, lzo};

/// How pages are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// `makedumpfile -c`.
    Zlib,
    /// `makedumpfile -l`.
    Lzo,
    /// `makedumpfile -p`.
    Snappy,
    /// `makedumpfile -z`.
    Zstd,
}

impl Packing {
    /// Every one.
    pub const ALL: [Packing; 5] = [
        Packing::None,
        Packing::Zlib,
        Packing::Lzo,
        Packing::Snappy,
        Packing::Zstd,
    ];

    /// `DUMP_DH_COMPRESSED_…`.
    pub fn flag(self) -> u32 {
        match self {
            Packing::None => 0,
            Packing::Zlib => 0x1,
            Packing::Lzo => 0x2,
            Packing::Snappy => 0x4,
            Packing::Zstd => 0x20,
        }
    }

    /// Packs a page; none where the packer fails, which none does.
    fn pack(self, page: &[u8]) -> Option<Vec<u8>> {
        match self {
            Packing::None => None,
            Packing::Zlib => {
                let mut packer =
                    flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                packer.write_all(page).ok()?;
                packer.finish().ok()
            }
            Packing::Lzo => Some(lzo::pack(page)),
            Packing::Snappy => snap::raw::Encoder::new().compress_vec(page).ok(),
            Packing::Zstd => zstd::bulk::compress(page, 1).ok(),
        }
    }
}

/// A dump, as makedumpfile writes it.
#[derive(Clone, Debug)]
pub struct Kdump {
    /// The order of its numbers.
    pub order: Order,
    /// The version of its header, 1 to 6.
    pub version: u32,
    /// As `uname -m` has it.
    pub machine: String,
    /// Bytes of a page.
    pub page_size: u32,
    /// How its pages are packed.
    pub packing: Packing,
    /// Its memory.
    pub pages: Pages,
    /// VMCOREINFO, notes and what was erased; empty where there is none.
    pub vmcoreinfo: Vec<u8>,
    /// See there.
    pub notes: Vec<u8>,
    /// See there.
    pub erased: Vec<u8>,
    /// Only the bitmap of what is in the dump.
    pub one_bitmap: bool,
    /// Only these pages have descriptors: a part of a split dump.
    pub part: Option<Range<u64>>,
    /// Further flags of its status.
    pub status: u32,
}

impl Default for Kdump {
    fn default() -> Self {
        Kdump {
            order: Order::Little,
            version: 6,
            machine: "x86_64".to_owned(),
            page_size: 4096,
            packing: Packing::None,
            pages: Pages::new(),
            vmcoreinfo: Vec::new(),
            notes: Vec::new(),
            erased: Vec::new(),
            one_bitmap: false,
            part: None,
            status: 0,
        }
    }
}

impl Kdump {
    /// The file.
    pub fn write(&self) -> Vec<u8> {
        let block = self.page_size as usize;
        let max_pfn = self.pages.keys().next_back().map_or(0, |last| last + 1);
        let extra = 104 + self.vmcoreinfo.len() + self.notes.len() + self.erased.len();
        let sub_blocks = extra.div_ceil(block);
        let bitmap_blocks = (max_pfn as usize).div_ceil(8).div_ceil(block);
        let bitmaps = if self.one_bitmap { 1 } else { 2 };
        let mut file = self.header(max_pfn, sub_blocks, bitmaps * bitmap_blocks);
        self.sub_header(&mut file, max_pfn);
        file.fill(block * (1 + sub_blocks));
        if !self.one_bitmap {
            self.bitmap(&mut file, bitmap_blocks, |_| true);
        }
        self.bitmap(&mut file, bitmap_blocks, Option::is_some);
        self.write_pages(&mut file);
        file.bytes
    }

    fn header(&self, max_pfn: u64, sub_blocks: usize, bitmap_blocks: usize) -> Writer {
        let mut file = Writer::new(self.order);
        file.bytes.extend(b"KDUMP   ");
        file.u32(self.version);
        for name in [
            "Linux",
            "node",
            "6.1.0-made-up",
            "#1 SMP",
            &self.machine,
            "(none)",
        ] {
            file.text(name, 65);
        }
        file.fill(408).u64(1_700_000_000).u64(0);
        file.u32(self.packing.flag() | self.status)
            .u32(self.page_size);
        file.u32(sub_blocks as u32).u32(bitmap_blocks as u32);
        // Obsolete in version 6.
        let max_mapnr = if self.version >= 6 { 0 } else { max_pfn as u32 };
        file.u32(max_mapnr).u32(0).u32(0).u32(0).u32(0).u32(1);
        file.fill(self.page_size as usize);
        file
    }

    fn sub_header(&self, file: &mut Writer, max_pfn: u64) {
        let mut at = u64::from(self.page_size) + 104;
        let mut place = |bytes: &[u8], since: u32| {
            let size = bytes.len() as u64;
            at += size;
            if size == 0 || self.version < since {
                (0, 0)
            } else {
                (at - size, size)
            }
        };
        let places = [(&self.vmcoreinfo, 3), (&self.notes, 4), (&self.erased, 5)];
        let places = places.map(|(bytes, since)| place(bytes, since));
        let part = self.part.clone().unwrap_or_default();
        file.u64(0).u32(31).u32(self.part.is_some().into());
        // In version 6 these words are obsolete.
        let old = if self.version >= 6 {
            0..0
        } else {
            part.clone()
        };
        file.u64(old.start).u64(old.end);
        for (at, size) in places {
            file.u64(at).u64(size);
        }
        file.u64(part.start).u64(part.end).u64(max_pfn);
        for bytes in [&self.vmcoreinfo, &self.notes, &self.erased] {
            file.bytes.extend(bytes);
        }
    }

    fn bitmap(&self, file: &mut Writer, blocks: usize, has: impl Fn(&Option<Vec<u8>>) -> bool) {
        let mut bits = vec![0u8; blocks * self.page_size as usize];
        for (number, _) in self.pages.iter().filter(|(_, page)| has(page)) {
            if let Some(byte) = bits.get_mut((number / 8) as usize) {
                *byte |= 1 << (number % 8);
            }
        }
        file.bytes.extend(bits);
    }

    /// Descriptors and pages. Pages that are alike share one place, as those of zeroes do.
    fn write_pages(&self, file: &mut Writer) {
        let is_here = |number: &u64| self.part.as_ref().is_none_or(|part| part.contains(number));
        let written = self.pages.iter().filter(|(number, _)| is_here(number));
        let pages: Vec<&Vec<u8>> = written.filter_map(|(_, page)| page.as_ref()).collect();
        let mut at = (file.bytes.len() + 24 * pages.len()) as u64;
        let mut known: BTreeMap<&[u8], (u64, u32, u32)> = BTreeMap::new();
        let mut data = Vec::new();
        for page in pages {
            let place = known.entry(page).or_insert_with(|| {
                // What does not shrink stays as it is.
                let packed = self
                    .packing
                    .pack(page)
                    .filter(|packed| packed.len() < page.len());
                let flag = packed.as_ref().map_or(0, |_| self.packing.flag());
                let bytes = packed.as_ref().unwrap_or(page);
                data.extend_from_slice(bytes);
                at += bytes.len() as u64;
                (at - bytes.len() as u64, bytes.len() as u32, flag)
            });
            file.u64(place.0).u32(place.1).u32(place.2).u64(0);
        }
        file.bytes.extend(data);
    }
}
