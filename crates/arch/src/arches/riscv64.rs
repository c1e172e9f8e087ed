//! riscv64. Convention: "RISC-V ABIs Specification" (riscv-elf-psabi-doc), "Register Convention".

use base::Endian;

use crate::faults::riscv;
use crate::register::Role::{
    Argument, CalleeSaved, FaultAddress, FaultCode, Flags, FramePointer, Link, Pointer,
    ProgramCounter, Return, StackPointer, System,
};
use crate::{Alias, Arch, Register};

pub static ENTRY: Arch = Arch {
    name: "riscv64",
    title: "64-bit RISC-V",
    aliases: &[
        Alias::any("rv64"),
        Alias::any("riscv64gc"),
        Alias::any("riscv"),
    ],
    elf_machine: 243,
    pointer_bits: 64,
    endians: &[Endian::Little],
    registers: &[
        Register::wide("epc", &[ProgramCounter]),
        Register::wide("ra", &[Link]),
        Register::wide("sp", &[StackPointer]),
        Register::wide("gp", &[Pointer]),
        Register::wide("tp", &[Pointer]),
        Register::wide("t0", &[]),
        Register::wide("t1", &[]),
        Register::wide("t2", &[]),
        Register::wide("s0", &[CalleeSaved, FramePointer]),
        Register::wide("s1", &[CalleeSaved]),
        Register::wide("a0", &[Argument(0), Return(0)]),
        Register::wide("a1", &[Argument(1), Return(1)]),
        Register::wide("a2", &[Argument(2)]),
        Register::wide("a3", &[Argument(3)]),
        Register::wide("a4", &[Argument(4)]),
        Register::wide("a5", &[Argument(5)]),
        Register::wide("a6", &[Argument(6)]),
        Register::wide("a7", &[Argument(7)]),
        Register::wide("s2", &[CalleeSaved]),
        Register::wide("s3", &[CalleeSaved]),
        Register::wide("s4", &[CalleeSaved]),
        Register::wide("s5", &[CalleeSaved]),
        Register::wide("s6", &[CalleeSaved]),
        Register::wide("s7", &[CalleeSaved]),
        Register::wide("s8", &[CalleeSaved]),
        Register::wide("s9", &[CalleeSaved]),
        Register::wide("s10", &[CalleeSaved]),
        Register::wide("s11", &[CalleeSaved]),
        Register::wide("t3", &[]),
        Register::wide("t4", &[]),
        Register::wide("t5", &[]),
        Register::wide("t6", &[]),
        Register::wide("ssp", &[System]),
        Register::wide("status", &[Flags]),
        Register::wide("badaddr", &[FaultAddress]),
        Register::wide("cause", &[FaultCode]),
        Register::wide("orig_a0", &[System]),
    ],
    paging: None,
    describe: |code, kind| riscv::describe(code, kind, 64),
};
