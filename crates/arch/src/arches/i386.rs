//! i386. Convention: "System V Application Binary Interface, Intel386 Architecture Processor
//! Supplement", 2.2.1 "Registers"; the kernel passes three arguments in registers
//! (`-mregparm=3` in `arch/x86/Makefile`), user programs none.

use base::Endian;

use crate::faults::x86;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, Flags, FramePointer, ProgramCounter, Return, StackPointer,
    System,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "i386",
    title: "32-bit x86",
    aliases: &[
        Alias::any("i486"),
        Alias::any("i586"),
        Alias::any("i686"),
        Alias::any("x86"),
        Alias::any("ia32"),
        Alias::any("x86_32"),
        Alias::any("386"),
    ],
    elf_machine: 3,
    pointer_bits: 32,
    endians: &[Endian::Little],
    registers: &[
        Register::narrow("eip", &[ProgramCounter]),
        Register::selector("cs"),
        Register::narrow("eflags", &[Flags]),
        Register::narrow("eax", &[Argument(0), Return(0)]),
        Register::narrow("ebx", &[CalleeSaved]),
        Register::narrow("ecx", &[Argument(2)]),
        Register::narrow("edx", &[Argument(1), Return(1)]),
        Register::narrow("esi", &[CalleeSaved]),
        Register::narrow("edi", &[CalleeSaved]),
        Register::narrow("ebp", &[CalleeSaved, FramePointer]),
        Register::narrow("esp", &[StackPointer]),
        Register::selector("ds"),
        Register::selector("es"),
        Register::selector("fs"),
        Register::selector("gs"),
        Register::selector("ss"),
        Register::narrow("cr0", &[System]),
        Register::narrow("cr2", &[FaultAddress]),
        Register::narrow("cr3", &[System]),
        Register::narrow("cr4", &[System]),
        Register::narrow("dr0", &[System]),
        Register::narrow("dr1", &[System]),
        Register::narrow("dr2", &[System]),
        Register::narrow("dr3", &[System]),
        Register::narrow("dr6", &[System]),
        Register::narrow("dr7", &[System]),
    ],
    paging: None,
    describe: x86::describe,
};
