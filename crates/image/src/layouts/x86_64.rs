//! x86_64: `struct user_regs_struct` (arch/x86/include/asm/user_64.h) and QEMU's `QEMUCPUState`
//! (`target/i386/arch_dump.c`).

use super::Layout;
use crate::fields::Fields;

pub(super) static ENTRY: Layout = Layout {
    machine: 62,
    prstatus: &[
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
        "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds",
        "es", "fs", "gs",
    ],
    // The kernel writes the base that `swapgs` would bring back, which is the user's: ELF_CORE_COPY_REGS of
    // arch/x86/include/asm/elf.h (x86_gsbase_read_cpu_inactive, before 4.20 thread.gsbase). QEMU writes that in
    // use.
    by_kernel: &[("gs_base", "kernel_gs_base")],
    qemu: Some(read_qemu),
};

/// The first bytes: version and size.
const VERSION: u32 = 1;
/// Where the ten segments begin, 24 bytes each: selector, limit, flags, fill, base.
const SEGMENTS: usize = 152;
/// Where `cr[5]` begins, and the `kernel_gs_base` behind it, which QEMU has since 3.0.
const CONTROL: usize = 392;
const KERNEL_GS_BASE: usize = 432;

/// What a `CORE` note does not have.
fn read_qemu(fields: &Fields<'_>) -> Option<Vec<(&'static str, u64)>> {
    if fields.u32(0)? != VERSION {
        return None;
    }
    let size = usize::try_from(fields.u32(4)?).ok()?;
    let bases = [
        (6, "ldt_base"),
        (7, "tr_base"),
        (8, "gdt_base"),
        (9, "idt_base"),
    ];
    let bases = bases.map(|(segment, name)| (name, SEGMENTS + 24 * segment + 16));
    let control = [(0, "cr0"), (2, "cr2"), (3, "cr3"), (4, "cr4")];
    let control = control.map(|(number, name)| (name, CONTROL + 8 * number));
    let places = control
        .into_iter()
        .chain([("kernel_gs_base", KERNEL_GS_BASE)])
        .chain(bases);
    let inside = places.filter(|(_, at)| at + 8 <= size);
    Some(
        inside
            .filter_map(|(name, at)| Some((name, fields.u64(at)?)))
            .collect(),
    )
}
