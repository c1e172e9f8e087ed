//! The seam between what a target is and what is asked of it: memory, registers, notes.
//!
//! Readers of dumps, of live processes and of live kernels implement it; walkers, unwinders and typed values
//! ask it. Nobody behind it knows a file.

use std::fmt;
use std::ops::{ControlFlow, Range};

use crate::{Endian, VirtAddr};

/// An address in the target's physical memory, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysAddr(pub u64);

impl fmt::Display for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} (physical)", self.0)
    }
}

impl fmt::Debug for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why memory could not be read: absence has kinds, and none of them is a page of zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// No page table of the address space leads there.
    Unmapped(VirtAddr),
    /// It is mapped, and its page is not in memory: swapped out, or on its way there or back.
    NotPresent(VirtAddr),
    /// The dump was made without this page (`makedumpfile -d`).
    Filtered(PhysAddr),
    /// The dump should have the page, but the file ends before it or the page cannot be unpacked.
    Truncated(PhysAddr),
    /// There is no memory at this address.
    NotMemory(PhysAddr),
    /// This kind of target cannot tell.
    NotSupported(&'static str),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Unmapped(address) => write!(f, "{address} is not mapped"),
            ReadError::NotPresent(address) => {
                write!(
                    f,
                    "the page of {address} is not in memory (swapped out, or on its way)"
                )
            }
            ReadError::Filtered(address) => write!(f, "{address} was filtered out of the dump"),
            ReadError::Truncated(address) => write!(f, "the dump is cut or damaged at {address}"),
            ReadError::NotMemory(address) => write!(f, "there is no memory at {address}"),
            ReadError::NotSupported(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ReadError {}

/// Bytes of the smallest page that any architecture has.
const PAGE: u64 = 4096;

/// Physical memory of a target.
pub trait Memory: Sync {
    /// Fills `into` from physical memory; what was read before an error is not told.
    fn read_physical(&self, address: PhysAddr, into: &mut [u8]) -> Result<(), ReadError>;

    /// The bytes themselves, where they lie in one piece and need no unpacking.
    fn physical_bytes(&self, address: PhysAddr, size: usize) -> Option<&[u8]>;

    /// Where there is memory, in order, whether or not the dump has all pages of it.
    fn physical_ranges(&self) -> Vec<Range<u64>>;

    /// Hands what can be read of `range` to `visit`, piece by piece and in order, until it breaks off; the answer
    /// is how many bytes could not be read, and means nothing where it broke off. Pieces end at multiples of 4 KiB, unless the range or the memory ends
    /// before. For whoever looks at all of memory once: what it reads is not worth to be kept for others, and
    /// pages that are absent need not be asked for one by one.
    fn visit_physical(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(PhysAddr, &[u8]) -> ControlFlow<()>,
    ) -> u64 {
        let mut page = [0; PAGE as usize];
        let (mut at, mut absent) = (range.start, 0);
        while at < range.end {
            let size = (PAGE - at % PAGE).min(range.end - at);
            let Some(piece) = page.get_mut(..size as usize) else {
                break;
            };
            match self.read_physical(PhysAddr(at), piece) {
                Ok(()) if visit(PhysAddr(at), piece).is_break() => break,
                Ok(()) => {}
                Err(_) => absent += size,
            }
            at += size;
        }
        absent
    }
}

/// Registers of one CPU at the time of the dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuRegisters {
    /// Number of the CPU, in the order of the dump's notes.
    pub cpu: u32,
    /// The id of the task that ran, where the note tells it: notes of QEMU count processors in its place.
    pub pid: Option<u32>,
    /// Names, as `arch` has them, and values. Tables that the processor knows by their address are
    /// `idt_base`, `gdt_base`, `ldt_base` and `tr_base`.
    pub registers: Vec<(&'static str, u64)>,
}

/// A kernel that can be inspected: a dump, or one that runs.
pub trait Target: Memory {
    /// `e_machine` of the ELF files of its architecture.
    fn elf_machine(&self) -> u16;

    /// The order of its bytes.
    fn endian(&self) -> Endian;

    /// The text of VMCOREINFO, where the target has it.
    fn vmcoreinfo(&self) -> Option<&str>;

    /// The registers of its CPUs, where the target has them.
    fn cpus(&self) -> &[CpuRegisters];

    /// What of the target is missing or damaged.
    fn gaps(&self) -> Vec<crate::Gap>;
}
