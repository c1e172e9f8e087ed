//! The ring buffer of printk (`prb`, a `struct printk_ringbuffer`; kernel/printk/printk_ringbuffer.c tells how
//! it works): descriptors of records in a ring of their own, texts in another one.

use base::{Budget, Gap, Partial, ReadError, VirtAddr};

use super::{Form, LogRecord, MOST_BYTES, ReadLog};
use crate::linux::Kernel;

pub(super) static ENTRY: Form = Form { read };

/// States of a descriptor that has a record: `desc_committed` and `desc_finalized`.
const COMMITTED: u64 = 1;
const FINALIZED: u64 = 2;

/// The state is the two highest bits of a descriptor's number (`DESC_SV_BITS` and `DESC_FLAGS_SHIFT`).
const STATE_SHIFT: u32 = 62;
const NUMBER: u64 = (1 << STATE_SHIFT) - 1;

/// The lowest bit of a text's place says that there is no text (`DATALESS`).
const NO_TEXT: u64 = 1;

fn read(kernel: &Kernel<'_>) -> Option<ReadLog> {
    kernel.known("prb").map(|prb| ring(kernel, VirtAddr(prb)))
}

fn ring(kernel: &Kernel<'_>, prb: VirtAddr) -> ReadLog {
    let types = kernel.types();
    let space = kernel.space();
    let ring = types.layout("struct printk_ringbuffer")?;
    let desc = types.layout("struct prb_desc")?;
    let info = types.layout("struct printk_info")?;
    let of_ring = |path: &str| ring.any(&[path]);
    let (bits, descs, infos) = (
        of_ring("desc_ring.count_bits")?,
        of_ring("desc_ring.descs")?,
        of_ring("desc_ring.infos")?,
    );
    let (head, tail) = (
        of_ring("desc_ring.head_id.counter")?,
        of_ring("desc_ring.tail_id.counter")?,
    );
    let (text_bits, text) = (
        of_ring("text_data_ring.size_bits")?,
        of_ring("text_data_ring.data")?,
    );
    let of_desc = |path: &str| desc.any(&[path]);
    let (state, begin, next) = (
        of_desc("state_var.counter")?,
        of_desc("text_blk_lpos.begin")?,
        of_desc("text_blk_lpos.next")?,
    );
    let of_info = |path: &str| info.any(&[path]);
    let (seq, time, length, level) = (
        of_info("seq")?,
        of_info("ts_nsec")?,
        of_info("text_len")?,
        of_info("level")?,
    );
    let failed = |error: ReadError| Gap::new("the kernel log", error.to_string());
    let all = || {
        let at = space.u64(prb)?;
        let number = |field: &value::Field| field.read(space, VirtAddr(at));
        Ok((
            (number(&bits)?, number(&text_bits)?),
            (number(&descs)?, number(&infos)?, number(&text)?),
            (number(&head)?, number(&tail)?),
        ))
    };
    let ((bits, text_bits), (descs, infos, text), (head, tail)) = all().map_err(failed)?;
    if bits > 24 || text_bits > 31 || 1 << text_bits > MOST_BYTES {
        let why = format!("its ring of 2^{bits} records and 2^{text_bits} bytes is none");
        return Err(Gap::new("the kernel log", why));
    }
    let (count, size) = (1_u64 << bits, 1_u64 << text_bits);
    let text = space.bytes(VirtAddr(text), size).map_err(failed)?;
    let mut budget = Budget::new("records of the log", count);
    let (mut records, mut unreadable) = (Vec::new(), 0_u64);
    let (head, mut id) = (head & NUMBER, tail & NUMBER);
    loop {
        if budget.spend(1).is_err() {
            break;
        }
        let slot = id & (count - 1);
        let desc = VirtAddr(descs.wrapping_add(slot * desc.size()));
        let info = VirtAddr(infos.wrapping_add(slot * info.size()));
        let one = || {
            let word = state.read(space, desc)?;
            // A descriptor of another number is one of the round before, or not written yet.
            let kind = word >> STATE_SHIFT;
            if word & NUMBER != id || !matches!(kind, COMMITTED | FINALIZED) {
                return Ok(None);
            }
            let (begin, next) = (begin.read(space, desc)?, next.read(space, desc)?);
            Ok(Some(LogRecord {
                sequence: Some(seq.read(space, info)?),
                nanoseconds: time.read(space, info)?,
                level: level.read(space, info)? as u8,
                text: block(&text, size, begin, next, length.read(space, info)?),
            }))
        };
        match one() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => {}
            Err(error) => {
                let _: ReadError = error;
                unreadable += 1;
            }
        }
        if id == head {
            break;
        }
        id = id.wrapping_add(1) & NUMBER;
    }
    let mut gaps = Vec::new();
    if unreadable > 0 {
        let what = format!("{unreadable} records of the kernel log");
        gaps.push(Gap::new(what, "their memory is not in the dump"));
    }
    Ok(Partial {
        value: records,
        gaps,
    })
}

/// The text of a block: it begins with the number of its descriptor; one that would go round the end of the
/// ring lies at its start.
fn block(ring: &[u8], size: u64, begin: u64, next: u64, length: u64) -> String {
    if begin & NO_TEXT != 0 {
        return String::new();
    }
    let is_wrapped = begin / size != next / size && !next.is_multiple_of(size);
    let start = if is_wrapped { 0 } else { begin % size };
    let end = if next.is_multiple_of(size) {
        size
    } else {
        next % size
    };
    let start = start + 8;
    let length = length.min(end.saturating_sub(start));
    let range = start as usize..(start + length) as usize;
    String::from_utf8_lossy(ring.get(range).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_would_go_round_lies_at_the_start() {
        let mut ring = [b'.'; 64];
        ring[8..13].copy_from_slice(b"round");
        ring[48..53].copy_from_slice(b"plain");
        assert_eq!(block(&ring, 64, 64 * 3 + 40, 64 * 3 + 56, 5), "plain");
        assert_eq!(block(&ring, 64, 64 * 3 + 56, 64 * 4 + 16, 5), "round");
        // A block that ends with the ring is not wrapped; a length beyond it is cut.
        assert_eq!(block(&ring, 64, 64 * 3 + 40, 64 * 4, 99).len(), 16);
        assert_eq!(block(&ring, 64, 1, 1, 5), "");
        assert_eq!(block(&ring, 64, u64::MAX - 1, 0, u64::MAX), "");
    }
}
