//! riscv32. Convention: "RISC-V ABIs Specification" (riscv-elf-psabi-doc), "Register Convention".

use base::Endian;

use crate::faults::riscv;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, FaultCode, Flags, FramePointer, Link, Pointer,
    ProgramCounter, Return, StackPointer, System,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "riscv32",
    title: "32-bit RISC-V",
    aliases: &[Alias::any("rv32"), Alias::any("riscv32gc")],
    elf_machine: 243,
    pointer_bits: 32,
    endians: &[Endian::Little],
    registers: &[
        Register::narrow("epc", &[ProgramCounter]),
        Register::narrow("ra", &[Link]),
        Register::narrow("sp", &[StackPointer]),
        Register::narrow("gp", &[Pointer]),
        Register::narrow("tp", &[Pointer]),
        Register::narrow("t0", &[]),
        Register::narrow("t1", &[]),
        Register::narrow("t2", &[]),
        Register::narrow("s0", &[CalleeSaved, FramePointer]),
        Register::narrow("s1", &[CalleeSaved]),
        Register::narrow("a0", &[Argument(0), Return(0)]),
        Register::narrow("a1", &[Argument(1), Return(1)]),
        Register::narrow("a2", &[Argument(2)]),
        Register::narrow("a3", &[Argument(3)]),
        Register::narrow("a4", &[Argument(4)]),
        Register::narrow("a5", &[Argument(5)]),
        Register::narrow("a6", &[Argument(6)]),
        Register::narrow("a7", &[Argument(7)]),
        Register::narrow("s2", &[CalleeSaved]),
        Register::narrow("s3", &[CalleeSaved]),
        Register::narrow("s4", &[CalleeSaved]),
        Register::narrow("s5", &[CalleeSaved]),
        Register::narrow("s6", &[CalleeSaved]),
        Register::narrow("s7", &[CalleeSaved]),
        Register::narrow("s8", &[CalleeSaved]),
        Register::narrow("s9", &[CalleeSaved]),
        Register::narrow("s10", &[CalleeSaved]),
        Register::narrow("s11", &[CalleeSaved]),
        Register::narrow("t3", &[]),
        Register::narrow("t4", &[]),
        Register::narrow("t5", &[]),
        Register::narrow("t6", &[]),
        Register::narrow("ssp", &[System]),
        Register::narrow("status", &[Flags]),
        Register::narrow("badaddr", &[FaultAddress]),
        Register::narrow("cause", &[FaultCode]),
        Register::narrow("orig_a0", &[System]),
    ],
    paging: None,
    describe: |code, kind| riscv::describe(code, kind, 32),
};
