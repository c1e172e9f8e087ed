//! Where answers come from: one file (or folder) per source.

pub(crate) mod btf;
pub(crate) mod dwarf;
pub(crate) mod elf_symtab;
pub(crate) mod kallsyms;
