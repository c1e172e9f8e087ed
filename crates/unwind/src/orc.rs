//! ORC, the kernel's own unwind table (`Documentation/arch/x86/orc-unwinder.rst`): for each range of code how
//! the caller's registers are had. Two arrays: addresses, relative to where each stands, and entries of 6 bytes.

use std::borrow::Cow;

/// Bytes of an entry: two offsets of 16 bits, and 16 bits of fields.
const ENTRY: usize = 6;

/// Where the fields of an entry are; numbers of bits from the start of the entry.
///
/// `struct orc_entry` (arch/x86/include/asm/orc_types.h) has had three shapes. Which one it is the kernel's own
/// types tell; they differ in the size of `type` and in what stands behind it. What types do not tell is that
/// registers have been numbered anew since: the table itself does, since most entries count from `sp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrcLayout {
    /// Bits of `type`: with 3 of them 0 is a place without information and 1 an end.
    pub type_bits: u8,
    /// Where `end` is, in layouts that have it.
    pub end: Option<u8>,
    /// Where `signal` is, in layouts that have it.
    pub signal: Option<u8>,
}

impl OrcLayout {
    /// The layouts that there have been, the newest first.
    pub const ALL: [OrcLayout; 3] = [
        OrcLayout {
            type_bits: 3,
            end: None,
            signal: Some(43),
        },
        OrcLayout {
            type_bits: 2,
            end: Some(43),
            signal: Some(42),
        },
        OrcLayout {
            type_bits: 2,
            end: Some(42),
            signal: None,
        },
    ];
}

/// What is to be found where an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrcKind {
    /// Nothing is known here.
    Undefined,
    /// Nobody called this.
    End,
    /// A return address.
    Call,
    /// All registers.
    Regs,
    /// What the CPU pushes for `iret`.
    Iret,
}

/// What an entry counts from (`ORC_REG_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the kernel")]
pub enum OrcRegister {
    Undefined,
    PrevSp,
    Ax,
    Dx,
    Di,
    Bp,
    Sp,
    R10,
    R13,
    BpIndirect,
    SpIndirect,
    Other,
}

use OrcRegister::{Ax, Bp, BpIndirect, Di, Dx, Other, PrevSp, R10, R13, Sp, SpIndirect, Undefined};

/// The numbers of registers as Linux 6.1 and 6.12 have them; 10 was given later.
const OLD: [OrcRegister; 16] = [
    Undefined, PrevSp, Dx, Di, Bp, Sp, R10, R13, BpIndirect, SpIndirect, Ax, Other, Other, Other,
    Other, Other,
];

/// The same of Linux 7.3.
const NEW: [OrcRegister; 16] = [
    Undefined, Ax, Dx, Sp, Bp, Di, R10, R13, PrevSp, SpIndirect, BpIndirect, Other, Other, Other,
    Other, Other,
];

/// Entries that are counted to tell which numbers are meant.
const SAMPLE: usize = 4096;

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrcEntry {
    /// Added to what `sp_reg` says.
    pub sp_offset: i16,
    /// Added to what `bp_reg` says.
    pub bp_offset: i16,
    /// What the stack pointer is had from.
    pub sp_reg: OrcRegister,
    /// What the frame pointer is had from.
    pub bp_reg: OrcRegister,
    /// What lies there.
    pub kind: OrcKind,
}

/// A table: that of the kernel or of a module.
#[derive(Clone, Debug)]
pub struct OrcTable<'a> {
    at: u64,
    addresses: Cow<'a, [u8]>,
    entries: Cow<'a, [u8]>,
    layout: OrcLayout,
    registers: &'static [OrcRegister; 16],
}

impl<'a> OrcTable<'a> {
    /// The table whose addresses lie at `at`; what goes beyond the shorter array does not count.
    pub fn new(
        at: u64,
        addresses: Cow<'a, [u8]>,
        entries: Cow<'a, [u8]>,
        layout: OrcLayout,
    ) -> Self {
        let registers = numbering(&entries);
        OrcTable {
            at,
            addresses,
            entries,
            layout,
            registers,
        }
    }

    /// The same table with the numbers of registers of another: a small one may not tell them.
    #[must_use]
    pub fn numbered_as(mut self, other: &OrcTable<'_>) -> Self {
        self.registers = other.registers;
        self
    }

    /// The layout of its entries.
    pub fn layout(&self) -> OrcLayout {
        self.layout
    }

    /// Number of entries.
    pub fn count(&self) -> usize {
        (self.addresses.len() / 4).min(self.entries.len() / ENTRY)
    }

    /// The address that the entry `index` begins at.
    fn address(&self, index: usize) -> Option<u64> {
        let bytes = self.addresses.get(4 * index..4 * index + 4)?;
        let offset = i32::from_le_bytes(bytes.try_into().ok()?);
        let here = self.at.wrapping_add(4 * index as u64);
        Some(here.wrapping_add_signed(i64::from(offset)))
    }

    fn entry(&self, index: usize) -> Option<OrcEntry> {
        let bytes: &[u8; ENTRY] = self
            .entries
            .get(ENTRY * index..ENTRY * (index + 1))?
            .try_into()
            .ok()?;
        let [s0, s1, b0, b1, f0, f1] = *bytes;
        let fields = u16::from_le_bytes([f0, f1]);
        let bit =
            |at: Option<u8>| at.is_some_and(|at| fields >> at.wrapping_sub(32).min(15) & 1 != 0);
        let word = fields >> 8 & ((1 << self.layout.type_bits) - 1);
        let kind = match (self.layout.type_bits, word) {
            (3, 0) => OrcKind::Undefined,
            (3, 1) => OrcKind::End,
            (3, 2) | (2, 0) => OrcKind::Call,
            (3, 3) | (2, 1) => OrcKind::Regs,
            (3, 4) | (2, 2) => OrcKind::Iret,
            _ => OrcKind::Undefined,
        };
        let register = |number: u16| {
            let found = self.registers.get(usize::from(number & 0xf));
            found.copied().unwrap_or(Other)
        };
        let sp_reg = register(fields);
        // Before the kinds for it, an end and a place without information had a register of no number.
        let kind = match (self.layout.type_bits, sp_reg) {
            (2, Undefined) if bit(self.layout.end) => OrcKind::End,
            (2, Undefined) => OrcKind::Undefined,
            _ => kind,
        };
        Some(OrcEntry {
            sp_offset: i16::from_le_bytes([s0, s1]),
            bp_offset: i16::from_le_bytes([b0, b1]),
            sp_reg,
            bp_reg: register(fields >> 4),
            kind,
        })
    }

    /// The entry for the code at `pc`: the last that begins there or before.
    pub fn find(&self, pc: u64) -> Option<OrcEntry> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.address(middle)? <= pc {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.entry(low.checked_sub(1)?)
    }
}

/// Which numbers of registers a table means: most of its entries count from the stack pointer.
fn numbering(entries: &[u8]) -> &'static [OrcRegister; 16] {
    let step = (entries.len() / ENTRY / SAMPLE).max(1);
    let fields = entries.chunks_exact(ENTRY).step_by(step);
    let (mut old, mut new) = (0_usize, 0_usize);
    for number in fields
        .filter_map(|entry| entry.get(4))
        .map(|byte| usize::from(byte & 0xf))
    {
        old += usize::from(OLD.get(number) == Some(&Sp));
        new += usize::from(NEW.get(number) == Some(&Sp));
    }
    if old > new { &OLD } else { &NEW }
}
