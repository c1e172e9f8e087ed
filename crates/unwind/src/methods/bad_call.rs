//! A call that led to no code has done nothing but push its return address: the table of an empty function,
//! as `null_orc_entry` of arch/x86/kernel/unwind_orc.c has it for calls of NULL.

use base::VirtAddr;

use crate::frame::{Frame, Rule};
use crate::registers::X86;
use crate::walk::{Method, Source, Step};

pub(crate) static ENTRY: Method = Method { step };

fn step(source: &dyn Source, frame: &Frame) -> Result<Option<Step>, String> {
    if !frame.is_exact || source.is_code(frame.pc) {
        return Ok(None);
    }
    let Ok(pc) = source.word(frame.sp) else {
        return Ok(None);
    };
    if !source.is_code(VirtAddr(pc)) {
        return Ok(None);
    }
    let sp = frame.sp.0.wrapping_add(8);
    let mut registers = frame.registers.clone();
    registers.set(X86::Rip, Some(pc));
    registers.set(X86::Rsp, Some(sp));
    Ok(Some(Step::Frame(Frame {
        pc: VirtAddr(pc),
        sp: VirtAddr(sp),
        rule: Rule::BadCall,
        is_exact: false,
        is_guess: false,
        registers,
    })))
}
