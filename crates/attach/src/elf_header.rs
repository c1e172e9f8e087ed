//! The head of an ELF file: what it is, and how long it must be ("System V Application Binary Interface",
//! chapter 4, "ELF Header").

/// The kinds that hold code, symbols or debug information: `ET_REL`, `ET_EXEC`, `ET_DYN`.
const OBJECTS: std::ops::RangeInclusive<u16> = 1..=3;

/// `ET_CORE`.
const CORE: u16 = 4;

/// What the head of an ELF file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ElfHeader {
    /// `e_type`.
    kind: u16,
    /// Where the section headers end; 0 where there are none.
    pub(crate) end: u64,
}

impl ElfHeader {
    /// Whether these are the first bytes of an ELF file.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.starts_with(b"\x7fELF")
    }

    /// Reads the first bytes; none where they are no header, or a cut one.
    pub(crate) fn read(head: &[u8]) -> Option<ElfHeader> {
        let is_64 = match head.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let is_big = match head.get(5)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let number = |at: usize, size: usize| -> Option<u64> {
            let bytes = head.get(at..at + size)?.iter();
            let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            Some(if is_big {
                bytes.fold(0, join)
            } else {
                bytes.rev().fold(0, join)
            })
        };
        let (table, size, count) = if is_64 {
            (number(40, 8)?, number(58, 2)?, number(60, 2)?)
        } else {
            (number(32, 4)?, number(46, 2)?, number(48, 2)?)
        };
        Some(ElfHeader {
            kind: u16::try_from(number(16, 2)?).ok()?,
            end: table.saturating_add(size * count),
        })
    }

    /// Whether it is a program, a library, a kernel or a module.
    pub(crate) fn is_object(&self) -> bool {
        OBJECTS.contains(&self.kind)
    }

    /// Whether it is a core or a dump.
    pub(crate) fn is_core(&self) -> bool {
        self.kind == CORE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_in_both_orders_and_widths() {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (head[16], head[41], head[58], head[60]) = (1, 1, 64, 2);
        let read = ElfHeader::read(&head).unwrap();
        assert!(read.is_object() && !read.is_core());
        assert_eq!(read.end, 256 + 128);
        let mut head = vec![0; 52];
        head[..6].copy_from_slice(b"\x7fELF\x01\x02");
        (head[17], head[34], head[47], head[49]) = (4, 1, 40, 3);
        let read = ElfHeader::read(&head).unwrap();
        assert!(read.is_core() && !read.is_object());
        assert_eq!(read.end, 256 + 120);
        for cut in 0..52 {
            assert_eq!(
                ElfHeader::read(&head[..cut]).map(|h| h.end),
                (cut >= 50).then_some(376)
            );
        }
    }
}
