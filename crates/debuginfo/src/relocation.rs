//! Relocations in neutral words: this call goes to `foo`, this load reads `bar` + 8.

use crate::sources::elf_symtab::{Home, Symbol, SymbolKind};

/// What the linker (or the kernel's module loader) fills in at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation<'a> {
    /// The address of the field: of the instruction where instructions have a fixed size, else of the
    /// operand in it; of a field of 16 bits (PowerPC) the address of these bits.
    pub at: u64,
    /// Bytes of the field.
    pub size: u8,
    /// What is filled in.
    pub kind: RelocationKind,
    /// The symbol it refers to; none for a number.
    pub symbol: Option<Symbol<'a>>,
    /// What is added to the symbol's address to give the address that is meant.
    ///
    /// x86 counts from the end of the instruction: where a constant follows the field (`cmpl $0, foo(%rip)`), its
    /// size is still to be added.
    pub addend: i64,
    /// The type as the file has it; in 64-bit MIPS files three types, a byte each, the first lowest.
    pub machine_kind: u32,
}

/// What a relocation fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelocationKind {
    /// The whole address, as a word of data or a constant of an instruction.
    Address,
    /// The distance to the target, as a word of data or an operand.
    Relative,
    /// The target of an instruction that calls.
    Call,
    /// The target of an instruction that jumps: within the function, or to another at its end.
    Jump,
    /// The upper part of the address, which a [`RelocationKind::Low`] completes.
    High,
    /// The lower part of the address.
    Low,
    /// Bits 32 and above of the address.
    Upper,
    /// The place of a word that holds the address: the instruction loads the address from there.
    Slot,
    /// The upper part of the address of such a word.
    SlotHigh,
    /// A function's way to its own table of global data (`gp`, `r2`).
    GlobalPointer,
    /// An offset of thread-local data.
    ThreadLocal,
    /// One side of a difference of two labels.
    Difference,
    /// Nothing; it tells the linker what it may shorten.
    Hint,
    /// Something that has no neutral word.
    Other,
}

impl RelocationKind {
    /// Whether the instruction transfers control to the target.
    pub fn is_branch(self) -> bool {
        matches!(self, RelocationKind::Call | RelocationKind::Jump)
    }

    /// Whether it completes the address of the target, be it in data or in a register.
    pub fn gives_address(self) -> bool {
        matches!(
            self,
            RelocationKind::Address
                | RelocationKind::Relative
                | RelocationKind::Low
                | RelocationKind::Slot
        )
    }
}

impl<'a> Relocation<'a> {
    /// The address that is meant, where it lies in the same object.
    pub fn target(&self) -> Option<u64> {
        let Some(symbol) = &self.symbol else {
            // The loader's relocations of a linked file name addresses, not symbols.
            return (self.kind == RelocationKind::Address).then_some(self.addend as u64);
        };
        match symbol.home {
            Home::Section(_) => Some(symbol.address.wrapping_add_signed(self.addend)),
            _ => None,
        }
    }

    /// The address that is meant, for the instruction that ends before `end`: on x86 a constant behind the
    /// field shifts what a relative operand counts from.
    pub fn target_of_operand(&self, end: u64) -> Option<u64> {
        let target = self.target()?;
        if self.kind != RelocationKind::Relative || self.size != 4 {
            return Some(target);
        }
        let behind = end.wrapping_sub(self.at).wrapping_sub(4);
        Some(if behind <= 8 {
            target.wrapping_add(behind)
        } else {
            target
        })
    }

    /// The name of the symbol of another object that is meant.
    pub fn external(&self) -> Option<&'a str> {
        let symbol = self.symbol.as_ref()?;
        match symbol.home {
            Home::Elsewhere | Home::Common => Some(symbol.name),
            _ => None,
        }
    }

    /// The name of the symbol, where it is more than that of a section.
    pub fn name(&self) -> Option<&'a str> {
        let symbol = self.symbol.as_ref()?;
        (symbol.kind != SymbolKind::Section && !symbol.name.is_empty()).then_some(symbol.name)
    }

    /// Whether its field lies within the instruction at `address`.
    pub fn is_in(&self, address: u64, size: u64) -> bool {
        self.at
            .checked_sub(address)
            .is_some_and(|offset| offset < size)
    }
}
