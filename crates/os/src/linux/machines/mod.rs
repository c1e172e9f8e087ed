//! Where Linux lies in virtual memory: one file for each architecture.

use std::ops::Range;

/// What is particular to the kernel of one architecture.
pub(crate) struct Machine {
    /// `e_machine` of its ELF files.
    pub elf_machine: u16,
    /// Virtual addresses that the image of a kernel may have.
    pub image: Range<u64>,
    /// Where an image may begin: multiples of this, in virtual and in physical memory.
    pub step: u64,
    /// The symbol of the kernel's own page tables, the newest name first.
    pub roots: &'static [&'static str],
    /// The register that leads to the page tables of what runs, and the bits of it that are an address.
    pub root_register: (&'static str, u64),
    /// Where all of physical memory is mapped in one piece: the variable that tells, and where that is in kernels
    /// that have none.
    pub linear: (&'static str, &'static [u64]),
    /// The same of the array of `struct page` (`CONFIG_SPARSEMEM_VMEMMAP`).
    pub pages: (&'static str, &'static [u64]),
}

base::registry! {
    /// Those that are known.
    static MACHINES: [Machine] = [x86_64];
}

/// The machine whose ELF files have this number.
pub(crate) fn find(elf_machine: u16) -> Option<&'static Machine> {
    let mut all = MACHINES.iter();
    all.find(|machine| machine.elf_machine == elf_machine)
        .copied()
}
