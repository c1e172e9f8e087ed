//! How the registers of one architecture lie in the notes of a dump: one file each.

use crate::fields::Fields;

/// The registers of an architecture of 64 bits, as notes have them.
pub(crate) struct Layout {
    /// `e_machine`.
    pub(crate) machine: u16,
    /// The names, as `arch` has them, of the words of `pr_reg` in `struct elf_prstatus`; empty where the word
    /// is no register.
    pub(crate) prstatus: &'static [&'static str],
    /// What the kernel writes in the place of some of them: name and the register that it is.
    pub(crate) by_kernel: &'static [(&'static str, &'static str)],
    /// Reads the content of a `QEMU` note, where QEMU writes one for this architecture.
    pub(crate) qemu: Option<ReadQemu>,
}

/// Names and values out of a `QEMU` note; nothing where it is of an unknown version or cut.
pub(crate) type ReadQemu = fn(&Fields<'_>) -> Option<Vec<(&'static str, u64)>>;

base::registry! {
    /// Every architecture whose registers are read; the order means nothing.
    static LAYOUTS: [Layout] = [x86_64, arm64, riscv64];
}

/// The layout of the architecture with this `e_machine`.
pub(crate) fn find(machine: u16) -> Option<&'static Layout> {
    let mut known = LAYOUTS.iter();
    known.find(|layout| layout.machine == machine).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arch_knows_every_name() {
        for layout in LAYOUTS {
            let arch = arch::find_elf(layout.machine, 64).unwrap();
            let meant = layout.by_kernel.iter().map(|(_, name)| name);
            for name in layout.prstatus.iter().chain(meant) {
                assert!(name.is_empty() || arch.register(name).is_some(), "{name}");
            }
        }
    }
}
