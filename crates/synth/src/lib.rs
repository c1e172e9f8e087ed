//! Small synthetic inputs for tests: writers of what the other crates only read.
//!
//! They write what they are told, also what no program would: tests want that too.

mod elf_core;
mod flattened;
mod kdump;
mod lzo;
mod notes;
mod order;

pub use elf_core::{ElfCore, Segment};
pub use flattened::flatten;
pub use kdump::{Kdump, Packing};
pub use notes::{note, prstatus_x86_64, qemu_x86_64};
pub use order::Order;

/// Pages of memory by their numbers; none for a page that was left out of a dump.
pub type Pages = std::collections::BTreeMap<u64, Option<Vec<u8>>>;

/// A page of `size` bytes which looks as memory does: much of it alike, no two pages the same.
pub fn page(number: u64, size: usize) -> Vec<u8> {
    let word = |index: u64| match index % 7 {
        0 => 0xffff_8880_0000_0000 | number << 12 | index << 3,
        1 => number
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(index as u32),
        2 => index,
        _ => 0,
    };
    (0..size.div_ceil(8) as u64)
        .flat_map(|index| word(index).to_le_bytes())
        .take(size)
        .collect()
}
