//! x86_64: `Documentation/arch/x86/x86_64/mm.rst` tells the map of virtual memory.

use super::Machine;

pub(super) static ENTRY: Machine = Machine {
    elf_machine: 62,
    image: 0xffff_ffff_8000_0000..0xffff_ffff_c000_0000,
    // `CONFIG_PHYSICAL_ALIGN` and the steps of KASLR are 2 MiB at least.
    step: 2 << 20,
    // VMCOREINFO calls the table by its old name, symbols by the new one.
    roots: &["init_top_pgt", "swapper_pg_dir", "init_level4_pgt"],
    root_register: ("cr3", 0x000f_ffff_ffff_f000),
    // With four levels of tables, the same before room was made for the table of user space (4.20), and with five.
    linear: (
        "page_offset_base",
        &[
            0xffff_8880_0000_0000,
            0xffff_8800_0000_0000,
            0xff11_0000_0000_0000,
        ],
    ),
    pages: (
        "vmemmap_base",
        &[0xffff_ea00_0000_0000, 0xffd4_0000_0000_0000],
    ),
};
