//! ELF cores of 64 bits.

use crate::order::{Order, Writer};

/// A core, as `/proc/vmcore` gives it.
#[derive(Clone, Debug)]
pub struct ElfCore {
    /// The order of its numbers.
    pub order: Order,
    /// `e_machine`.
    pub machine: u16,
    /// The content of its segment of notes; no segment where it is empty.
    pub notes: Vec<u8>,
    /// Its memory.
    pub segments: Vec<Segment>,
    /// The count of segments stands in the first section header, as where there are more than 65,534.
    pub many: bool,
}

/// A run of memory.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Where it is in physical memory.
    pub physical: u64,
    /// What the file has of it.
    pub bytes: Vec<u8>,
    /// How long it is in memory.
    pub size: u64,
}

impl Default for ElfCore {
    fn default() -> Self {
        ElfCore {
            order: Order::Little,
            machine: 62,
            notes: Vec::new(),
            segments: Vec::new(),
            many: false,
        }
    }
}

impl ElfCore {
    /// The file.
    pub fn write(&self) -> Vec<u8> {
        let notes = usize::from(!self.notes.is_empty());
        let count = self.segments.len() + notes;
        let sections = if self.many { 64 } else { 0 };
        let table = 64 + sections;
        let mut at = (table + 56 * count) as u64;
        let mut file = Writer::new(self.order);
        let order = if self.order == Order::Little { 1 } else { 2 };
        file.bytes.extend([0x7f, b'E', b'L', b'F', 2, order, 1]);
        file.fill(16)
            .u16(4)
            .u16(self.machine)
            .u32(1)
            .u64(0)
            .u64(table as u64);
        file.u64(sections as u64).u32(0).u16(64).u16(56);
        let told = if self.many { 0xffff } else { count as u16 };
        file.u16(told).u16(64).u16(u16::from(self.many)).u16(0);
        if self.many {
            // sh_info of the first section has the count.
            file.fill(64 + 44).u32(count as u32).fill(table);
        }
        if notes == 1 {
            program_header(
                &mut file,
                4,
                at,
                0,
                self.notes.len() as u64,
                self.notes.len() as u64,
            );
            at += self.notes.len() as u64;
        }
        for segment in &self.segments {
            let size = segment.bytes.len() as u64;
            program_header(&mut file, 1, at, segment.physical, size, segment.size);
            at += size;
        }
        file.bytes.extend(&self.notes);
        for segment in &self.segments {
            file.bytes.extend(&segment.bytes);
        }
        file.bytes
    }
}

fn program_header(
    file: &mut Writer,
    kind: u32,
    at: u64,
    physical: u64,
    in_file: u64,
    in_memory: u64,
) {
    file.u32(kind)
        .u32(0)
        .u64(at)
        .u64(0)
        .u64(physical)
        .u64(in_file)
        .u64(in_memory)
        .u64(0);
}
