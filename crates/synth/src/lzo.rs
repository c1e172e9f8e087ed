//! A small packer of LZO1X: runs of literals, and matches of four bytes and more at most 16 KiB behind (the
//! instructions and their numbers: Linux, Documentation/staging/lzo.rst). No crate of a licence that fits packs it.

/// Places of earlier bytes that are remembered.
const TABLE: usize = 1 << 12;
const NEAREST: usize = 1;
const FARTHEST: usize = 0x4000;
const SHORTEST: usize = 4;

/// Packs bytes.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut table = vec![usize::MAX; TABLE];
    let (mut at, mut unwritten) = (0, 0);
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let hash = u32::from_le_bytes(*word).wrapping_mul(0x9e37_79b1) >> 20;
        let slot = table.get_mut(hash as usize);
        let before = slot.map_or(usize::MAX, |slot| std::mem::replace(slot, at));
        let distance = at.saturating_sub(before);
        let length = match distance {
            NEAREST..FARTHEST => alike(bytes, before, at),
            _ => 0,
        };
        if length < SHORTEST {
            at += 1;
            continue;
        }
        literals(&mut packed, bytes.get(unwritten..at).unwrap_or_default());
        matched(&mut packed, distance, length);
        at += length;
        unwritten = at;
    }
    literals(&mut packed, bytes.get(unwritten..).unwrap_or_default());
    packed.extend([17, 0, 0]);
    packed
}

/// How many bytes at `at` are those at `before`.
fn alike(bytes: &[u8], before: usize, at: usize) -> usize {
    let (one, other) = (bytes.iter().skip(before), bytes.iter().skip(at));
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

fn literals(packed: &mut Vec<u8>, bytes: &[u8]) {
    match (bytes.len(), packed.len()) {
        (0, _) => {}
        // At the beginning a byte of its own tells a short run.
        (size @ 1..=3, 0) => packed.push(17 + size as u8),
        // Elsewhere the last two bytes of the match before do: in the lower of them.
        (size @ 1..=3, end) => {
            if let Some(byte) = packed.get_mut(end - 2) {
                *byte |= size as u8;
            }
        }
        (size @ 4..=18, _) => packed.push(size as u8 - 3),
        (size, _) => {
            packed.push(0);
            long(packed, size - 18);
        }
    }
    packed.extend(bytes);
}

/// A match of the kind M3: 0 0 1 L L L L L, two bytes of distance, the lowest two bits for literals.
fn matched(packed: &mut Vec<u8>, distance: usize, length: usize) {
    if length <= 33 {
        packed.push(32 | (length - 2) as u8);
    } else {
        packed.push(32);
        long(packed, length - 33);
    }
    packed.extend((((distance - 1) << 2) as u16).to_le_bytes());
}

/// A number as zeroes, 255 each, and what remains.
fn long(packed: &mut Vec<u8>, number: usize) {
    let zeroes = (number - 1) / 255;
    packed.resize(packed.len() + zeroes, 0);
    packed.push((number - 255 * zeroes) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let cases = [
            Vec::new(),
            vec![1],
            vec![1, 2, 3, 4, 5],
            vec![0; 4096],
            (0..4096u32).map(|n| (n * n / 7) as u8).collect(),
            crate::page(77, 4096),
            crate::page(3, 65_536),
        ];
        for bytes in cases {
            let packed = pack(&bytes);
            assert_eq!(lzo::decompress(&packed, bytes.len()).unwrap(), bytes);
        }
        assert!(pack(&crate::page(1, 4096)).len() < 2048);
    }
}
