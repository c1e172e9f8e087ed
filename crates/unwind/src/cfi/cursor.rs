//! Reads numbers out of a table one after the other; what goes beyond its end is none.

/// Forms of a pointer (`DW_EH_PE_*`; "Linux Standard Base Core Specification", 10.5.1 "DWARF Exception Header
/// Encoding"): how its number is written, in the lower half …
const FORM: u8 = 0x0f;
/// … what is added to it, in the upper half …
const BASE: u8 = 0x70;
const RELATIVE_TO_ITSELF: u8 = 0x10;
const RELATIVE_TO_DATA: u8 = 0x30;
/// … and whether it is the address of the pointer that is meant.
pub(super) const INDIRECT: u8 = 0x80;
/// There is no pointer.
pub(super) const OMITTED: u8 = 0xff;

/// A place in the bytes of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Cursor { bytes, at }
    }

    /// Bytes from the start.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn take(&mut self, size: u64) -> Option<&'b [u8]> {
        let end = self.at.checked_add(usize::try_from(size).ok()?)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes to where the place is `by` bytes away.
    pub(super) fn jump(&mut self, by: i64) -> Option<()> {
        let to = i64::try_from(self.at).ok()?.checked_add(by)?;
        let to = usize::try_from(to).ok()?;
        self.at = (to <= self.bytes.len()).then_some(to)?;
        Some(())
    }

    /// A number of `size` bytes, the lowest first; at most 8.
    pub(super) fn number(&mut self, size: u64) -> Option<u64> {
        let bytes = self.take(size)?;
        let mut word = [0; 8];
        word.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(word))
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// A number of `size` bytes with its sign.
    pub(super) fn signed(&mut self, size: u64) -> Option<i64> {
        let spare = 64_u32.checked_sub(8 * u32::try_from(size).ok()?)?;
        let number = self.number(size)?.cast_signed();
        Some(number.wrapping_shl(spare).wrapping_shr(spare))
    }

    /// A number of seven bits a byte (ULEB128); bits beyond 64 are lost.
    pub(super) fn uleb(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.u8()?;
            if shift < 64 {
                number |= u64::from(byte & 0x7f) << shift;
            }
            shift = shift.saturating_add(7);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
    }

    /// The same with a sign (SLEB128).
    pub(super) fn sleb(&mut self) -> Option<i64> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.u8()?;
            if shift < 64 {
                number |= u64::from(byte & 0x7f) << shift;
            }
            shift = shift.saturating_add(7);
            if byte & 0x80 == 0 {
                if byte & 0x40 != 0 && shift < 64 {
                    number |= u64::MAX << shift;
                }
                return Some(number.cast_signed());
            }
        }
    }

    /// A pointer in a form of `DW_EH_PE_*`. The section begins at the address `section`; `data` is what
    /// pointers count from that are relative to data. What [`INDIRECT`] asks for is not followed.
    pub(super) fn pointer(&mut self, form: u8, section: u64, data: Option<u64>) -> Option<u64> {
        let here = section.wrapping_add(self.at as u64);
        let number = self.value(form)?;
        match form & BASE {
            0 => Some(number),
            RELATIVE_TO_ITSELF => Some(here.wrapping_add(number)),
            RELATIVE_TO_DATA => Some(data?.wrapping_add(number)),
            // Relative to text or to the function, and aligned, are written by no compiler for these machines.
            _ => None,
        }
    }

    /// The number of a pointer, to which nothing is added.
    pub(super) fn value(&mut self, form: u8) -> Option<u64> {
        match form & FORM {
            0 | 4 => self.number(8),
            1 => self.uleb(),
            2 => self.number(2),
            3 => self.number(4),
            9 => self.sleb().map(i64::cast_unsigned),
            0xa => self.signed(2).map(i64::cast_unsigned),
            0xb => self.signed(4).map(i64::cast_unsigned),
            0xc => self.number(8),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_seven_bits_have_the_values_of_the_standard() {
        // DWARF 5, tables 7.7 and 7.8.
        let uleb = |bytes: &[u8]| Cursor::new(bytes, 0).uleb();
        assert_eq!(uleb(&[2]), Some(2));
        assert_eq!(uleb(&[0x80, 1]), Some(128));
        assert_eq!(uleb(&[0xb9, 0x64]), Some(12857));
        assert_eq!(uleb(&[0x80]), None);
        let sleb = |bytes: &[u8]| Cursor::new(bytes, 0).sleb();
        assert_eq!(sleb(&[0x7e]), Some(-2));
        assert_eq!(sleb(&[0xff, 0]), Some(127));
        assert_eq!(sleb(&[0x80, 0x7f]), Some(-128));
        // Longer than any number: it is read to its end, and no shift goes too far.
        assert_eq!(uleb(&[0xff; 40]), None);
        assert!(sleb(&[[0xff; 20].as_slice(), &[0]].concat()).is_some());
    }

    #[test]
    fn pointers_count_from_where_their_form_says() {
        let bytes = (-16_i32).to_le_bytes();
        let pointer = |form| Cursor::new(&bytes, 0).pointer(form, 0x1000, Some(0x2000));
        assert_eq!(pointer(0x1b), Some(0xff0));
        assert_eq!(pointer(0x3b), Some(0x1ff0));
        assert_eq!(pointer(0x0b), Some(-16_i64 as u64));
        assert_eq!(pointer(0x50), None);
        assert_eq!(pointer(0x04), None);
    }
}
