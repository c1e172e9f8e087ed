//! Notes of a dump, as the kernel and QEMU write them.

use crate::order::{Order, Writer};

/// A note with its name and content, each filled up to four bytes.
pub fn note(order: Order, name: &str, kind: u32, content: &[u8]) -> Vec<u8> {
    let mut note = Writer::new(order);
    note.u32(name.len() as u32 + 1)
        .u32(content.len() as u32)
        .u32(kind);
    note.bytes.extend(name.bytes());
    note.bytes.push(0);
    note.fill(note.bytes.len().next_multiple_of(4));
    note.bytes.extend(content);
    note.fill(note.bytes.len().next_multiple_of(4));
    note.bytes
}

/// The content of a `CORE` note of type 1: `struct elf_prstatus` of x86_64. `registers` are in the order of
/// `struct user_regs_struct`: r15 … gs.
pub fn prstatus_x86_64(pid: u32, registers: &[u64; 27]) -> Vec<u8> {
    let mut content = Writer::default();
    content.fill(32).u32(pid).fill(112);
    for register in registers {
        content.u64(*register);
    }
    content.fill(336).bytes.clone()
}

/// The content of a `QEMU` note: `QEMUCPUState` of x86_64 with these control registers and bases.
pub fn qemu_x86_64(
    control: [u64; 5],
    gdt_base: u64,
    idt_base: u64,
    kernel_gs_base: u64,
) -> Vec<u8> {
    let mut content = Writer::default();
    content
        .u32(1)
        .u32(440)
        .fill(152 + 8 * 24 + 16)
        .u64(gdt_base);
    content.fill(152 + 9 * 24 + 16).u64(idt_base);
    for register in control {
        content.u64(register);
    }
    content.u64(kernel_gs_base).bytes.clone()
}
