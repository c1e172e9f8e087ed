//! mips (32 bits). Convention: "System V Application Binary Interface, MIPS RISC Processor
//! Supplement", 3-11 (o32): four argument registers.

use base::Endian;

use crate::faults::mips;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, FaultCode, Flags, FramePointer, Link, Pointer,
    ProgramCounter, Return, StackPointer, System, Zero,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "mips",
    title: "32-bit MIPS",
    aliases: &[
        Alias::little("mipsel"),
        Alias::little("mipsle"),
        Alias::big("mipseb"),
        Alias::any("mips32"),
        Alias::any("mips32r2"),
        Alias::any("mips32r6"),
        Alias::little("mipsr6el"),
    ],
    elf_machine: 8,
    pointer_bits: 32,
    endians: &[Endian::Big, Endian::Little],
    registers: &[
        Register::narrow("zero", &[Zero]),
        Register::narrow("at", &[]),
        Register::narrow("v0", &[Return(0)]),
        Register::narrow("v1", &[Return(1)]),
        Register::narrow("a0", &[Argument(0)]),
        Register::narrow("a1", &[Argument(1)]),
        Register::narrow("a2", &[Argument(2)]),
        Register::narrow("a3", &[Argument(3)]),
        Register::narrow("t0", &[]),
        Register::narrow("t1", &[]),
        Register::narrow("t2", &[]),
        Register::narrow("t3", &[]),
        Register::narrow("t4", &[]),
        Register::narrow("t5", &[]),
        Register::narrow("t6", &[]),
        Register::narrow("t7", &[]),
        Register::narrow("s0", &[CalleeSaved]),
        Register::narrow("s1", &[CalleeSaved]),
        Register::narrow("s2", &[CalleeSaved]),
        Register::narrow("s3", &[CalleeSaved]),
        Register::narrow("s4", &[CalleeSaved]),
        Register::narrow("s5", &[CalleeSaved]),
        Register::narrow("s6", &[CalleeSaved]),
        Register::narrow("s7", &[CalleeSaved]),
        Register::narrow("t8", &[]),
        Register::narrow("t9", &[]),
        Register::narrow("k0", &[System]),
        Register::narrow("k1", &[System]),
        Register::narrow("gp", &[Pointer]),
        Register::narrow("sp", &[StackPointer]),
        Register::narrow("s8", &[CalleeSaved, FramePointer]),
        Register::narrow("ra", &[Link]),
        Register::narrow("hi", &[]),
        Register::narrow("lo", &[]),
        Register::narrow("epc", &[ProgramCounter]),
        Register::narrow("err_epc", &[System]),
        Register::narrow("status", &[Flags]),
        Register::narrow("cause", &[FaultCode]),
        Register::narrow("badva", &[FaultAddress]),
        Register::narrow("prid", &[System]),
    ],
    paging: None,
    describe: mips::describe,
};
