//! Numbers at offsets of foreign bytes: out of bounds is none, never a panic.

use base::Endian;

/// Bytes and the order of numbers in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) endian: Endian,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(data: &'a [u8], endian: Endian) -> Self {
        Bytes { data, endian }
    }

    /// `size` bytes at `offset`.
    pub(crate) fn slice(&self, offset: u64, size: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.data.get(start..end)
    }

    pub(crate) fn u8(&self, offset: u64) -> Option<u8> {
        self.data.get(usize::try_from(offset).ok()?).copied()
    }

    pub(crate) fn u16(&self, offset: u64) -> Option<u16> {
        let bytes = self.slice(offset, 2)?.try_into().ok()?;
        Some(match self.endian {
            Endian::Little => u16::from_le_bytes(bytes),
            Endian::Big => u16::from_be_bytes(bytes),
        })
    }

    pub(crate) fn u32(&self, offset: u64) -> Option<u32> {
        let bytes = self.slice(offset, 4)?.try_into().ok()?;
        Some(match self.endian {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        })
    }

    pub(crate) fn u64(&self, offset: u64) -> Option<u64> {
        let bytes = self.slice(offset, 8)?.try_into().ok()?;
        Some(match self.endian {
            Endian::Little => u64::from_le_bytes(bytes),
            Endian::Big => u64::from_be_bytes(bytes),
        })
    }

    /// A number of `size` bytes, of which there may be 1, 2, 4 and 8.
    pub(crate) fn number(&self, offset: u64, size: u64) -> Option<u64> {
        match size {
            1 => self.u8(offset).map(u64::from),
            2 => self.u16(offset).map(u64::from),
            4 => self.u32(offset).map(u64::from),
            8 => self.u64(offset),
            _ => None,
        }
    }

    /// The text at `offset` up to its NUL; none where it has no end or is not UTF-8.
    pub(crate) fn text(&self, offset: u64) -> Option<&'a str> {
        let rest = self.data.get(usize::try_from(offset).ok()?..)?;
        let end = memchr::memchr(0, rest)?;
        std::str::from_utf8(rest.get(..end)?).ok()
    }
}

/// Writes the lowest `size` bytes of `value` at `offset`; whether there was room.
pub(crate) fn put(data: &mut [u8], endian: Endian, offset: u64, size: u64, value: u64) -> bool {
    let Ok(start) = usize::try_from(offset) else {
        return false;
    };
    let Some(end) = start.checked_add(size as usize) else {
        return false;
    };
    let Some(field) = data.get_mut(start..end) else {
        return false;
    };
    match endian {
        Endian::Little => {
            let bytes = value.to_le_bytes();
            for (to, from) in field.iter_mut().zip(bytes) {
                *to = from;
            }
        }
        Endian::Big => {
            let bytes = value.to_be_bytes();
            for (to, from) in field.iter_mut().rev().zip(bytes.iter().rev()) {
                *to = *from;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_written_in_both_orders() {
        for endian in [Endian::Little, Endian::Big] {
            let mut data = vec![0; 12];
            assert!(put(&mut data, endian, 1, 8, 0x1122_3344_5566_7788));
            assert!(put(&mut data, endian, 9, 2, 0xaabb));
            assert!(!put(&mut data, endian, 9, 4, 0));
            let bytes = Bytes::new(&data, endian);
            assert_eq!(bytes.u64(1), Some(0x1122_3344_5566_7788));
            assert_eq!(bytes.u16(9), Some(0xaabb));
            assert_eq!((bytes.u32(9), bytes.u64(u64::MAX)), (None, None));
        }
        assert_eq!(Bytes::new(b"ab\0c", Endian::Little).text(1), Some("b"));
        assert_eq!(Bytes::new(b"ab\0c", Endian::Little).text(3), None);
    }
}
