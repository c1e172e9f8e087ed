//! x86_64. Convention: "System V Application Binary Interface, AMD64 Architecture Processor
//! Supplement", 3.2.1 "Registers" and figure 3.4. Page tables: "Intel 64 and IA-32 Architectures Software
//! Developer's Manual", volume 3, 4.5 "4-Level Paging and 5-Level Paging".

use base::Endian;

use crate::faults::x86;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, Flags, FramePointer, Pointer, ProgramCounter, Return,
    StackPointer, System,
};
use crate::{Alias, Arch, Paging, Register};

pub static ENTRY: Arch = Arch {
    name: "x86_64",
    title: "64-bit x86",
    aliases: &[
        Alias::any("x86-64"),
        Alias::any("amd64"),
        Alias::any("x64"),
        Alias::any("em64t"),
    ],
    elf_machine: 62,
    pointer_bits: 64,
    endians: &[Endian::Little],
    registers: &[
        Register::wide("rip", &[ProgramCounter]),
        Register::selector("cs"),
        Register::wide("rsp", &[StackPointer]),
        Register::selector("ss"),
        Register::wide("eflags", &[Flags]),
        Register::wide("orig_rax", &[System]),
        Register::wide("rax", &[Return(0)]),
        Register::wide("rbx", &[CalleeSaved]),
        Register::wide("rcx", &[Argument(3)]),
        Register::wide("rdx", &[Argument(2), Return(1)]),
        Register::wide("rsi", &[Argument(1)]),
        Register::wide("rdi", &[Argument(0)]),
        Register::wide("rbp", &[CalleeSaved, FramePointer]),
        Register::wide("r8", &[Argument(4)]),
        Register::wide("r9", &[Argument(5)]),
        Register::wide("r10", &[]),
        Register::wide("r11", &[]),
        Register::wide("r12", &[CalleeSaved]),
        Register::wide("r13", &[CalleeSaved]),
        Register::wide("r14", &[CalleeSaved]),
        Register::wide("r15", &[CalleeSaved]),
        Register::wide("fs_base", &[Pointer]),
        Register::selector("fs"),
        Register::wide("gs_base", &[Pointer]),
        Register::selector("gs"),
        Register::wide("kernel_gs_base", &[Pointer]),
        Register::selector("ds"),
        Register::selector("es"),
        Register::wide("cr0", &[System]),
        Register::wide("cr2", &[FaultAddress]),
        Register::wide("cr3", &[System]),
        Register::wide("cr4", &[System]),
        Register::wide("dr0", &[System]),
        Register::wide("dr1", &[System]),
        Register::wide("dr2", &[System]),
        Register::wide("dr3", &[System]),
        Register::wide("dr6", &[System]),
        Register::wide("dr7", &[System]),
        Register::narrow("pkru", &[System]),
    ],
    paging: Some(Paging {
        page_bits: 12,
        index_bits: 9,
        levels: &[4, 5],
        present: 1,
        large: 1 << 7,
        large_levels: 3,
        frame: 0x000f_ffff_ffff_f000,
        writable: 1 << 1,
        user: 1 << 2,
    }),
    describe: x86::describe,
};
