//! What a CPU is: its names, its registers and their roles, the meaning of its fault codes, and what
//! its instructions do.
//!
//! Each architecture is one file of tables in `arches/`. Facts go in, words come
//! out; of a target only page tables are read, through `base::Memory`.

mod arches;
mod faults;
mod insn;
mod paging;
mod register;
pub mod semantics;
mod text;

use base::Endian;

pub use arches::ARCHES;
pub use insn::{
    Callee, Cond, Decode, Effect, Expr, Flow, Insn, Load, Op, Reg, Test, Undecoded, extend,
};
pub use paging::{Page, Paging};
pub use register::{Register, Role};
pub use text::Text;

/// An architecture.
#[derive(Debug)]
pub struct Arch {
    /// The canonical name, which all other crates use (`x86_64`).
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// Every other name it is known by: of `uname -m`, Debian, Go, Rust, QEMU.
    pub aliases: &'static [Alias],
    /// `e_machine` of its ELF files.
    pub elf_machine: u16,
    /// Bits of a pointer, which also tells the class of its ELF files.
    pub pointer_bits: u8,
    /// The byte orders that its kernels may have, the usual one first.
    pub endians: &'static [Endian],
    /// Its registers in the order in which the kernel prints them.
    pub registers: &'static [Register],
    /// How it maps virtual memory; none where that is not known here yet.
    pub paging: Option<Paging>,
    /// The fault code `code` of kind `kind` in plain words, a phrase each.
    describe: fn(code: u64, kind: &str) -> Vec<String>,
}

/// A name of an architecture, which may tell the byte order too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name, lower case.
    pub name: &'static str,
    /// The byte order of what is called so, where the name tells it.
    pub endian: Option<Endian>,
}

impl Alias {
    const fn any(name: &'static str) -> Self {
        Alias { name, endian: None }
    }

    const fn little(name: &'static str) -> Self {
        Alias {
            name,
            endian: Some(Endian::Little),
        }
    }

    const fn big(name: &'static str) -> Self {
        Alias {
            name,
            endian: Some(Endian::Big),
        }
    }
}

impl Arch {
    /// The register called `name`, in any case.
    pub fn register(&self, name: &str) -> Option<&'static Register> {
        self.registers
            .iter()
            .find(|register| register.name.eq_ignore_ascii_case(name))
    }

    /// The first register that plays `role`.
    pub fn with_role(&self, role: Role) -> Option<&'static Register> {
        self.registers.iter().find(|register| register.has(role))
    }

    /// The program counter.
    pub fn pc(&self) -> Option<&'static Register> {
        self.with_role(Role::ProgramCounter)
    }

    /// The stack pointer.
    pub fn sp(&self) -> Option<&'static Register> {
        self.with_role(Role::StackPointer)
    }

    /// The registers of a call's arguments, in their order.
    pub fn arguments(&self) -> Vec<&'static Register> {
        (0..)
            .map_while(|n| self.with_role(Role::Argument(n)))
            .collect()
    }

    /// Bytes of a pointer.
    pub fn pointer_bytes(&self) -> u64 {
        u64::from(self.pointer_bits / 8)
    }

    /// The byte order, where the architecture has only one.
    pub fn only_endian(&self) -> Option<Endian> {
        match self.endians {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The decoder of its code in this byte order, where there is one.
    pub fn decoder(&self, endian: Endian) -> Option<Decode> {
        let known = semantics::DECODERS.iter();
        known
            .into_iter()
            .find(|(name, order, _)| *name == self.name && *order == endian)
            .map(|(_, _, decode)| *decode)
    }

    /// The fault code `code` in plain words, a phrase each; nothing where the kind of code is
    /// not known. `kind` is that of `base::Fault::code_kind`.
    pub fn describe_fault(&self, code: u64, kind: &str) -> Vec<String> {
        (self.describe)(code, kind)
    }
}

/// The architecture called `name`, in any case and under any of its names, and the byte order
/// that the name or the architecture tells.
pub fn find(name: &str) -> Option<(&'static Arch, Option<Endian>)> {
    ARCHES.iter().find_map(|arch| {
        if arch.name.eq_ignore_ascii_case(name) {
            return Some((*arch, arch.only_endian()));
        }
        let alias = arch
            .aliases
            .iter()
            .find(|alias| alias.name.eq_ignore_ascii_case(name))?;
        Some((*arch, alias.endian.or(arch.only_endian())))
    })
}

/// The architecture of an ELF file with this `e_machine` and pointers of so many bits.
pub fn find_elf(machine: u16, pointer_bits: u8) -> Option<&'static Arch> {
    ARCHES
        .iter()
        .find(|arch| arch.elf_machine == machine && arch.pointer_bits == pointer_bits)
        .copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_means_one_architecture() {
        let mut names = BTreeSet::new();
        let mut elf = BTreeSet::new();
        for arch in ARCHES {
            assert!(names.insert(arch.name), "{}", arch.name);
            for alias in arch.aliases {
                assert!(names.insert(alias.name), "{}", alias.name);
                assert_eq!(alias.name, alias.name.to_ascii_lowercase());
                assert!(alias.endian.is_none_or(|e| arch.endians.contains(&e)));
            }
            assert!(elf.insert((arch.elf_machine, arch.pointer_bits)));
        }
    }

    #[test]
    fn every_table_has_the_roles_that_an_unwinder_needs() {
        for arch in ARCHES {
            let mut names = BTreeSet::new();
            for register in arch.registers {
                assert!(
                    names.insert(register.name),
                    "{} {}",
                    arch.name,
                    register.name
                );
                assert_eq!(register.name, register.name.to_ascii_lowercase());
            }
            assert!(arch.pc().is_some(), "{}", arch.name);
            assert!(arch.sp().is_some(), "{}", arch.name);
            assert!(arch.with_role(Role::Return(0)).is_some(), "{}", arch.name);
            assert!(arch.with_role(Role::CalleeSaved).is_some(), "{}", arch.name);
            assert!(arch.arguments().len() >= 3, "{}", arch.name);
            assert!(matches!(arch.pointer_bits, 32 | 64));
        }
    }

    #[test]
    fn names_of_every_make_are_found() {
        for (name, arch, endian) in [
            ("AMD64", "x86_64", Some(Endian::Little)),
            ("i686", "i386", Some(Endian::Little)),
            ("aarch64", "arm64", Some(Endian::Little)),
            ("armv7l", "arm", Some(Endian::Little)),
            ("armhf", "arm", Some(Endian::Little)),
            ("mips64el", "mips64", Some(Endian::Little)),
            ("mips64", "mips64", None),
            ("mipsel", "mips", Some(Endian::Little)),
            ("ppc64le", "ppc64", Some(Endian::Little)),
            ("ppc64el", "ppc64", Some(Endian::Little)),
            ("s390x", "s390x", Some(Endian::Big)),
            ("loong64", "loongarch64", Some(Endian::Little)),
            ("riscv64", "riscv64", Some(Endian::Little)),
        ] {
            let (found, order) = find(name).unwrap();
            assert_eq!((found.name, order), (arch, endian), "{name}");
        }
        assert!(find("vax").is_none());
        assert_eq!(find_elf(8, 64).unwrap().name, "mips64");
        assert_eq!(find_elf(8, 32).unwrap().name, "mips");
    }

    #[test]
    fn a_code_of_an_unknown_kind_has_no_words() {
        for arch in ARCHES {
            assert!(arch.describe_fault(0, "").is_empty(), "{}", arch.name);
            for kind in ["ESR", "FSR", "Cause", "scause", "DSISR", "TRAP", "ESTAT"] {
                // Any bits may come out of a damaged log.
                for code in [u64::MAX, 0, 0x5555_5555_5555_5555, 1 << 63] {
                    assert!(arch.describe_fault(code, kind).len() < 32);
                }
            }
        }
    }
}
