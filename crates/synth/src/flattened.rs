//! The flattened format: a file in pieces, in any order.

use crate::order::{Order, Writer};

/// Flattens a file into pieces of `size` bytes, of which every third comes last. Its first sixteen bytes come
/// twice, at first others.
pub fn flatten(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut file = Writer::new(Order::Big);
    file.text("makedumpfile", 16).u64(1).u64(1).fill(4096);
    let size = size.max(1);
    let piece = |file: &mut Writer, index: usize, bytes: &[u8]| {
        file.u64((index * size) as u64).u64(bytes.len() as u64);
        file.bytes.extend(bytes);
    };
    let pieces = || bytes.chunks(size).enumerate();
    piece(&mut file, 0, &[0x55; 16]);
    for (index, bytes) in pieces().filter(|(index, _)| index % 3 != 1) {
        piece(&mut file, index, bytes);
    }
    for (index, bytes) in pieces().filter(|(index, _)| index % 3 == 1) {
        piece(&mut file, index, bytes);
    }
    file.u64(u64::MAX).u64(u64::MAX);
    file.bytes
}
