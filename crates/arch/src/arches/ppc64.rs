//! ppc64. Convention: "Power Architecture 64-Bit ELF V2 ABI Specification", 2.2.1 "Register usage";
//! `r2` is the table of contents, `r13` the thread, in the kernel the CPU's own data.

use base::Endian;

use crate::faults::powerpc;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, FaultCode, Flags, FramePointer, Link, Pointer,
    ProgramCounter, Return, StackPointer, System,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "ppc64",
    title: "64-bit POWER",
    aliases: &[
        Alias::little("ppc64le"),
        Alias::little("ppc64el"),
        Alias::little("powerpc64le"),
        Alias::any("powerpc64"),
    ],
    elf_machine: 21,
    pointer_bits: 64,
    endians: &[Endian::Little, Endian::Big],
    registers: &[
        Register::wide("nip", &[ProgramCounter]),
        Register::wide("lr", &[Link]),
        Register::wide("ctr", &[]),
        Register::narrow("trap", &[System]),
        Register::wide("msr", &[System]),
        Register::narrow("cr", &[Flags]),
        Register::narrow("xer", &[Flags]),
        Register::wide("cfar", &[System]),
        Register::wide("dar", &[FaultAddress]),
        Register::narrow("dsisr", &[FaultCode]),
        Register::wide("r0", &[]),
        Register::wide("r1", &[StackPointer]),
        Register::wide("r2", &[Pointer]),
        Register::wide("r3", &[Argument(0), Return(0)]),
        Register::wide("r4", &[Argument(1), Return(1)]),
        Register::wide("r5", &[Argument(2)]),
        Register::wide("r6", &[Argument(3)]),
        Register::wide("r7", &[Argument(4)]),
        Register::wide("r8", &[Argument(5)]),
        Register::wide("r9", &[Argument(6)]),
        Register::wide("r10", &[Argument(7)]),
        Register::wide("r11", &[]),
        Register::wide("r12", &[]),
        Register::wide("r13", &[Pointer]),
        Register::wide("r14", &[CalleeSaved]),
        Register::wide("r15", &[CalleeSaved]),
        Register::wide("r16", &[CalleeSaved]),
        Register::wide("r17", &[CalleeSaved]),
        Register::wide("r18", &[CalleeSaved]),
        Register::wide("r19", &[CalleeSaved]),
        Register::wide("r20", &[CalleeSaved]),
        Register::wide("r21", &[CalleeSaved]),
        Register::wide("r22", &[CalleeSaved]),
        Register::wide("r23", &[CalleeSaved]),
        Register::wide("r24", &[CalleeSaved]),
        Register::wide("r25", &[CalleeSaved]),
        Register::wide("r26", &[CalleeSaved]),
        Register::wide("r27", &[CalleeSaved]),
        Register::wide("r28", &[CalleeSaved]),
        Register::wide("r29", &[CalleeSaved]),
        Register::wide("r30", &[CalleeSaved]),
        Register::wide("r31", &[CalleeSaved, FramePointer]),
    ],
    paging: None,
    describe: powerpc::describe,
};
