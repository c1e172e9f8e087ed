//! By the frame pointer, where code has no unwind table: compiled BPF programs and trampolines keep one. Code that has
//! a table of which the dump lacks the entry may have anything there that looks like one: then it is a guess.

use base::VirtAddr;

use crate::frame::{Frame, Rule};
use crate::registers::{Registers, X86};
use crate::walk::{Method, Source, Step};

pub(crate) static ENTRY: Method = Method { step };

/// Bytes that one frame may have; a kernel warns of frames of 2 KiB already.
const LARGEST_FRAME: u64 = 1 << 14;

fn step(source: &dyn Source, frame: &Frame) -> Result<Option<Step>, String> {
    let Some(bp) = frame.registers.get(X86::Rbp) else {
        return Ok(None);
    };
    // Frames lie above each other: anything else in the register is no frame pointer.
    if bp < frame.sp.0 || bp - frame.sp.0 > LARGEST_FRAME || !bp.is_multiple_of(8) {
        return Ok(None);
    }
    let (Ok(next), Ok(pc)) = (
        source.word(VirtAddr(bp)),
        source.word(VirtAddr(bp.wrapping_add(8))),
    ) else {
        return Ok(None);
    };
    if !source.is_code(VirtAddr(pc)) {
        return Ok(None);
    }
    let sp = bp.wrapping_add(16);
    let mut registers = Registers::default();
    registers.set(X86::Rip, Some(pc));
    registers.set(X86::Rsp, Some(sp));
    registers.set(X86::Rbp, Some(next));
    Ok(Some(Step::Frame(Frame {
        pc: VirtAddr(pc),
        sp: VirtAddr(sp),
        rule: Rule::FramePointer,
        is_exact: false,
        is_guess: source.needs_table(frame.lookup_pc()),
        registers,
    })))
}
