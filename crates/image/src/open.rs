//! A dump that was opened, whatever its format.

use std::ops::{ControlFlow, Range};

use base::{CpuRegisters, Endian, Gap, Memory, PhysAddr, ReadError, Target};

use crate::images::{Dump, IMAGES};
use crate::source::Source;
use crate::{About, Bytes, Error, Result};

/// A dump of a kernel.
pub struct Image {
    dump: Box<dyn Dump>,
}

/// Whether a file that begins so is a dump of a known format, or an ELF core, which may be one.
pub fn is_image(head: &[u8]) -> bool {
    IMAGES.iter().any(|entry| (entry.is)(head))
}

impl Image {
    /// Opens bytes as what their beginning says that they are, and as nothing else.
    pub fn open(bytes: Bytes) -> Result<Image> {
        let source = Source::plain(bytes);
        let entry = IMAGES.iter().find(|entry| (entry.is)(source.raw()));
        let dump = (entry.ok_or(Error::Unknown)?.open)(source)?;
        Ok(Image { dump })
    }

    /// What its head tells.
    pub fn about(&self) -> &About {
        self.dump.about()
    }

    /// The release of its kernel, from VMCOREINFO or else from its head.
    pub fn release(&self) -> Option<&str> {
        let told = self.vmcoreinfo().and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("OSRELEASE="))
        });
        let head = || Some(self.about().uts.as_ref()?.release.as_str());
        told.or_else(head).filter(|release| !release.is_empty())
    }
}

impl Memory for Image {
    fn read_physical(
        &self,
        address: PhysAddr,
        into: &mut [u8],
    ) -> std::result::Result<(), ReadError> {
        self.dump.read_physical(address, into)
    }

    fn physical_bytes(&self, address: PhysAddr, size: usize) -> Option<&[u8]> {
        self.dump.physical_bytes(address, size)
    }

    fn physical_ranges(&self) -> Vec<Range<u64>> {
        self.dump.physical_ranges()
    }

    fn visit_physical(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(PhysAddr, &[u8]) -> ControlFlow<()>,
    ) -> u64 {
        self.dump.visit_physical(range, visit)
    }
}

impl Target for Image {
    fn elf_machine(&self) -> u16 {
        self.dump.elf_machine()
    }

    fn endian(&self) -> Endian {
        self.dump.endian()
    }

    fn vmcoreinfo(&self) -> Option<&str> {
        self.dump.vmcoreinfo()
    }

    fn cpus(&self) -> &[CpuRegisters] {
        self.dump.cpus()
    }

    fn gaps(&self) -> Vec<Gap> {
        self.dump.gaps()
    }
}
