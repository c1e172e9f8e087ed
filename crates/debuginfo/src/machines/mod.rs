//! What the files of each architecture say in a way of their own: relocation types, register numbers
//! in DWARF, the form of direct branches, how arguments are passed. One file per architecture.

use std::ops::Range;

use crate::bytes::Bytes;
use crate::crossrefs::{How, Starts};
use crate::link::Word;
use crate::relocation::RelocationKind;

base::registry! {
    /// Every machine whose relocations are known; the order has no meaning.
    pub(crate) static MACHINES: [Machine] = [x86_64, i386, arm64, arm, mips, riscv, ppc64];
}

/// The file-format side of an architecture.
#[derive(Debug)]
pub(crate) struct Machine {
    /// `e_machine`.
    pub(crate) elf: u16,
    /// What a relocation of type `kind` does to the field.
    pub(crate) meaning: fn(kind: u32, field: &Field<'_>) -> Meaning,
    /// The addend that lies in the field itself, for `SHT_REL`.
    pub(crate) addend: fn(kind: u32, field: &Field<'_>) -> i64,
    /// What a relocation of type `kind` fills into an instruction.
    pub(crate) fill: fn(kind: u32, neutral: RelocationKind, word: &Word) -> Fill,
    /// The register that DWARF calls by a number; the second argument tells 64-bit files.
    pub(crate) register: fn(number: u16, is_64: bool) -> Option<&'static str>,
    /// The direct branches of a part of a section, which lies at the address given last, by their offsets.
    pub(crate) branches: Branches,
    /// The same of those that lead to the address given last, where these are found much faster than all.
    pub(crate) branches_to: Option<BranchesTo>,
    /// The branches to starts of functions and the instructions that make the address of one, all in one pass,
    /// where that is much faster than one after the other.
    pub(crate) all_to: Option<AllTo>,
    /// The offsets of instructions that may begin to make the address given last in a register.
    pub(crate) beginnings:
        fn(section: Bytes<'_>, part: Range<u64>, base: u64, target: u64) -> Vec<u64>,
    /// The section of words that hold addresses, where code loads addresses from one.
    pub(crate) table: Option<&'static str>,
    /// Bytes between possible starts of instructions.
    pub(crate) step: u64,
    /// How arguments are passed.
    pub(crate) convention: Convention,
}

/// What is written into an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Nothing: it has no field for an address, or one that only a linker can give.
    Nothing,
    /// A number of so many bytes.
    Number(u64, u64),
    /// The instruction of 32 bits, filled in.
    Word(u32),
    /// Two instructions of 32 bits, one behind the other.
    Pair(u32, u32),
}

/// The direct branches of a part of a section.
type Branches = fn(section: Bytes<'_>, part: Range<u64>, base: u64) -> Vec<(u64, Branch)>;

/// The direct branches of a part of a section to one target.
type BranchesTo =
    fn(section: Bytes<'_>, part: Range<u64>, base: u64, target: u64) -> Vec<(u64, Branch)>;

/// The direct branches of a part of a section to starts of functions and the instructions that make the address of
/// one: offsets, targets, and how each leads there.
type AllTo =
    fn(section: Bytes<'_>, part: Range<u64>, base: u64, starts: &Starts) -> Vec<(u64, u64, How)>;

/// A place in a section that a relocation changes or an instruction fills.
pub(crate) struct Field<'a> {
    /// The section.
    pub(crate) section: Bytes<'a>,
    /// Where in it.
    pub(crate) offset: u64,
    /// Whether the section holds instructions.
    pub(crate) is_code: bool,
}

impl Field<'_> {
    /// The word of 32 bits at the field.
    pub(crate) fn word(&self) -> Option<u32> {
        self.section.u32(self.offset)
    }

    /// The word of 32 bits so many bytes behind the field.
    pub(crate) fn word_at(&self, behind: u64) -> Option<u32> {
        self.section.u32(self.offset.checked_add(behind)?)
    }

    /// The byte so many bytes before the field.
    pub(crate) fn before(&self, bytes: u64) -> Option<u8> {
        self.section.u8(self.offset.checked_sub(bytes)?)
    }

    /// The number of `size` bytes in the field, with its sign.
    pub(crate) fn signed(&self, size: u64) -> i64 {
        let value = self.section.number(self.offset, size).unwrap_or(0);
        sign_extend(value, 8 * size as u32)
    }
}

/// `value`, whose highest bit is number `bits - 1`, with its sign.
pub(crate) fn sign_extend(value: u64, bits: u32) -> i64 {
    match bits {
        1..=63 => ((value << (64 - bits)) as i64) >> (64 - bits),
        _ => value as i64,
    }
}

/// A direct branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) target: u64,
    pub(crate) is_call: bool,
}

/// What a relocation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// In neutral words.
    pub(crate) kind: RelocationKind,
    /// Bytes of the field.
    pub(crate) size: u8,
    /// What to add to the addend so that target plus addend is the address that is meant: a
    /// program-counter-relative addend counts from the field, not from the end of the instruction.
    pub(crate) bias: i64,
    /// How it changes a word of data.
    pub(crate) apply: Apply,
    /// What it needs of another relocation.
    pub(crate) partner: Partner,
}

/// What a relocation needs of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partner {
    /// Nothing.
    None,
    /// Its symbol is a label of the instruction with the upper part: that one's relocation names the target.
    AtLabel,
    /// Its addend, where it lies in the field, is completed by that of the next lower part of the same symbol.
    NextLow,
}

/// How a relocation changes a word of data: S is the symbol's address, A the addend, P the field's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apply {
    /// Not at all.
    Nothing,
    /// S + A.
    Value,
    /// S + A - P.
    Distance,
    /// The field plus S + A.
    Add,
    /// The field minus S + A.
    Subtract,
    /// As these, for the lowest six bits.
    SetSix,
    /// As these, for the lowest six bits.
    SubtractSix,
    /// As these, for a number in LEB128 form, whose length stays.
    SetLeb,
    /// As these, for a number in LEB128 form, whose length stays.
    SubtractLeb,
    /// In a way that is not for data.
    Unknown,
}

impl Meaning {
    pub(crate) const fn new(kind: RelocationKind, size: u8) -> Self {
        Meaning {
            kind,
            size,
            bias: 0,
            apply: Apply::Unknown,
            partner: Partner::None,
        }
    }

    /// A word that becomes the address.
    pub(crate) const fn address(size: u8) -> Self {
        Meaning {
            apply: Apply::Value,
            ..Self::new(RelocationKind::Address, size)
        }
    }

    /// A word that becomes the distance from itself.
    pub(crate) const fn distance(size: u8) -> Self {
        Meaning {
            apply: Apply::Distance,
            ..Self::new(RelocationKind::Relative, size)
        }
    }

    /// Half of the difference of two labels.
    pub(crate) const fn difference(apply: Apply, size: u8) -> Self {
        Meaning {
            apply,
            ..Self::new(RelocationKind::Difference, size)
        }
    }

    /// Something that changes nothing.
    pub(crate) const fn hint() -> Self {
        Meaning {
            apply: Apply::Nothing,
            ..Self::new(RelocationKind::Hint, 0)
        }
    }

    /// A call or a jump, in an instruction of so many bytes.
    pub(crate) const fn branch(is_call: bool, size: u8) -> Self {
        Self::new(
            if is_call {
                RelocationKind::Call
            } else {
                RelocationKind::Jump
            },
            size,
        )
    }

    /// The same with a partner.
    pub(crate) const fn partner(self, partner: Partner) -> Self {
        Meaning { partner, ..self }
    }

    /// The same with a bias.
    pub(crate) const fn bias(self, bias: i64) -> Self {
        Meaning { bias, ..self }
    }
}

/// How a calling convention passes arguments and results that are no plain words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convention {
    /// What becomes of a structure passed by value.
    pub(crate) structures: Structures,
    /// A value of two words starts at an even register.
    pub(crate) even_pairs: bool,
    /// Where the caller passes the address for a large result.
    pub(crate) large_result: LargeResult,
}

/// What becomes of a structure passed by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Structures {
    /// It fills registers if it has at most so many words, else it lies on the stack.
    RegistersOrStack(u64),
    /// It fills registers if it has at most so many words, else its address is passed.
    RegistersOrReference(u64),
    /// It fills the registers that are left, and the rest lies on the stack.
    Registers,
    /// It lies on the stack.
    Stack,
}

/// Where the caller passes the address of the room for a result too large for registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LargeResult {
    /// As if it were the first argument, for a structure of more than so many words.
    FirstArgument(u64),
    /// In a register of its own.
    OwnRegister,
}

/// What `read` makes of every possible instruction of a part of a section, with its offset.
///
/// It is generic so that `read` becomes part of the loop, which goes through all code of a kernel.
fn scan<T>(
    section: Bytes<'_>,
    part: Range<u64>,
    step: usize,
    read: impl Fn(&Field<'_>) -> Option<T>,
) -> Vec<(u64, T)> {
    let read = |offset| {
        let field = Field {
            section,
            offset,
            is_code: true,
        };
        read(&field).map(|found| (offset, found))
    };
    part.step_by(step).filter_map(read).collect()
}

/// The offsets at which `is` says yes.
fn find_all(
    section: Bytes<'_>,
    part: Range<u64>,
    step: usize,
    is: impl Fn(&Field<'_>) -> bool,
) -> Vec<u64> {
    let found = scan(section, part, step, |field| is(field).then_some(()));
    found.into_iter().map(|(offset, ())| offset).collect()
}

/// The machine of files with this `e_machine`.
pub(crate) fn find(elf: u16) -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| machine.elf == elf).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_register_of_dwarf_is_one_of_the_architecture() {
        for machine in MACHINES {
            for is_64 in [false, true] {
                let bits = if is_64 { 64 } else { 32 };
                let Some(arch) = arch::find_elf(machine.elf, bits) else {
                    continue;
                };
                let mut seen = BTreeSet::new();
                for number in 0..200 {
                    if let Some(name) = (machine.register)(number, is_64) {
                        assert!(
                            arch.register(name).is_some(),
                            "{} {number} {name}",
                            arch.name
                        );
                        assert!(seen.insert(name), "{} {number} {name}", arch.name);
                    }
                }
                for argument in arch.arguments() {
                    assert!(
                        seen.contains(argument.name),
                        "{} {}",
                        arch.name,
                        argument.name
                    );
                }
            }
        }
    }

    #[test]
    fn no_relocation_type_of_any_number_is_too_much() {
        let data = [0xff; 16];
        for machine in MACHINES {
            for kind in (0..70_000).chain([u32::MAX]) {
                for endian in [base::Endian::Little, base::Endian::Big] {
                    let section = Bytes::new(&data, endian);
                    for offset in [0, 6, 14, u64::MAX] {
                        let field = Field {
                            section,
                            offset,
                            is_code: true,
                        };
                        (machine.meaning)(kind, &field);
                        (machine.addend)(kind, &field);
                    }
                }
            }
        }
    }
}
