//! mips64. Convention: "MIPSpro N32 ABI Handbook", chapter 2, which holds for n64 too: eight
//! argument registers, and `gp` is saved by the called function.

use base::Endian;

use crate::faults::mips;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, FaultCode, Flags, FramePointer, Link, Pointer,
    ProgramCounter, Return, StackPointer, System, Zero,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "mips64",
    title: "64-bit MIPS",
    aliases: &[
        Alias::little("mips64el"),
        Alias::little("mips64le"),
        Alias::big("mips64eb"),
        Alias::any("mips64r2"),
        Alias::any("mips64r6"),
        Alias::little("mips64r6el"),
        Alias::little("mipsn64el"),
    ],
    elf_machine: 8,
    pointer_bits: 64,
    endians: &[Endian::Big, Endian::Little],
    registers: &[
        Register::wide("zero", &[Zero]),
        Register::wide("at", &[]),
        Register::wide("v0", &[Return(0)]),
        Register::wide("v1", &[Return(1)]),
        Register::wide("a0", &[Argument(0)]),
        Register::wide("a1", &[Argument(1)]),
        Register::wide("a2", &[Argument(2)]),
        Register::wide("a3", &[Argument(3)]),
        Register::wide("a4", &[Argument(4)]),
        Register::wide("a5", &[Argument(5)]),
        Register::wide("a6", &[Argument(6)]),
        Register::wide("a7", &[Argument(7)]),
        Register::wide("t0", &[]),
        Register::wide("t1", &[]),
        Register::wide("t2", &[]),
        Register::wide("t3", &[]),
        Register::wide("s0", &[CalleeSaved]),
        Register::wide("s1", &[CalleeSaved]),
        Register::wide("s2", &[CalleeSaved]),
        Register::wide("s3", &[CalleeSaved]),
        Register::wide("s4", &[CalleeSaved]),
        Register::wide("s5", &[CalleeSaved]),
        Register::wide("s6", &[CalleeSaved]),
        Register::wide("s7", &[CalleeSaved]),
        Register::wide("t8", &[]),
        Register::wide("t9", &[]),
        Register::wide("k0", &[System]),
        Register::wide("k1", &[System]),
        Register::wide("gp", &[Pointer, CalleeSaved]),
        Register::wide("sp", &[StackPointer]),
        Register::wide("s8", &[CalleeSaved, FramePointer]),
        Register::wide("ra", &[Link]),
        Register::wide("hi", &[]),
        Register::wide("lo", &[]),
        Register::wide("epc", &[ProgramCounter]),
        Register::wide("err_epc", &[System]),
        Register::narrow("status", &[Flags]),
        Register::narrow("cause", &[FaultCode]),
        Register::wide("badva", &[FaultAddress]),
        Register::narrow("prid", &[System]),
    ],
    paging: None,
    describe: mips::describe,
};
