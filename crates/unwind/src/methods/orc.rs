//! By the kernel's own unwind table. The meaning of an entry is that of `unwind_next_frame`
//! (arch/x86/kernel/unwind_orc.c): the stack pointer of the caller first, then the return address or the
//! registers that lie there, then the frame pointer.

use base::VirtAddr;

use crate::frame::{End, Frame, Rule};
use crate::orc::{OrcEntry, OrcKind, OrcRegister};
use crate::registers::{ALL, Registers, X86};
use crate::walk::{Method, Source, Step};

pub(crate) static ENTRY: Method = Method { step };

/// Where the part of `struct pt_regs` begins that the CPU itself pushes.
const IRET: u64 = 8 * X86::Rip as u64;

fn step(source: &dyn Source, frame: &Frame) -> Result<Option<Step>, String> {
    let Some(entry) = source.orc(frame.lookup_pc()) else {
        return Ok(None);
    };
    match entry.kind {
        OrcKind::End => return Ok(Some(Step::End(End::Bottom))),
        OrcKind::Undefined => return Ok(None),
        _ => {}
    }
    let word = |at: u64, what: &str| {
        let read = source.word(VirtAddr(at));
        read.map_err(|error| format!("{what}: {error}"))
    };
    let Some(sp) = stack_pointer(&entry, frame, &word)? else {
        return Ok(None);
    };
    // What a function must keep for its caller and has not pushed is what it was; the rest is lost.
    let mut registers = Registers::default();
    let (rule, sp) = match entry.kind {
        OrcKind::Regs => {
            for (place, (register, _)) in (0..).zip(ALL) {
                registers.set(
                    register,
                    Some(word(sp.wrapping_add(8 * place), "saved registers")?),
                );
            }
            (Rule::Interrupted, sp)
        }
        OrcKind::Iret => {
            for (place, (register, _)) in (0..).zip(ALL.into_iter().skip(X86::Rip as usize)) {
                registers.set(
                    register,
                    Some(word(sp.wrapping_add(8 * place), "saved registers")?),
                );
            }
            // The entry code has changed none of the others yet.
            for (register, _) in ALL.into_iter().take(X86::OrigRax as usize) {
                registers.set(register, frame.registers.get(register));
            }
            (Rule::Interrupted, sp.wrapping_sub(IRET))
        }
        _ => {
            let pc = word(sp.wrapping_sub(8), "the return address")?;
            registers.set(X86::Rip, Some(pc));
            registers.set(X86::Rsp, Some(sp));
            // Only the frame pointer is told; other registers may have been pushed anywhere.
            (Rule::Orc, sp)
        }
    };
    if entry.kind == OrcKind::Call {
        let at = |base: u64| base.wrapping_add_signed(i64::from(entry.bp_offset));
        let bp = match entry.bp_reg {
            OrcRegister::Undefined => frame.registers.get(X86::Rbp),
            OrcRegister::PrevSp => Some(word(at(sp), "the saved frame pointer")?),
            OrcRegister::Bp => match frame.registers.get(X86::Rbp) {
                Some(bp) => Some(word(at(bp), "the saved frame pointer")?),
                None => None,
            },
            _ => None,
        };
        registers.set(X86::Rbp, bp);
    }
    if registers.is_user() {
        return Ok(Some(Step::End(End::User(Box::new(registers)))));
    }
    let (Some(pc), Some(sp)) = (registers.get(X86::Rip), registers.get(X86::Rsp)) else {
        return Ok(None);
    };
    // A stack grows down: a caller on the same one is above. Interrupted code may have had another stack.
    if entry.kind == OrcKind::Call && !source.is_code(VirtAddr(pc)) {
        return Err(format!(
            "{pc:#x}, where a return address must be, is no code"
        ));
    }
    Ok(Some(Step::Frame(Frame {
        pc: VirtAddr(pc),
        sp: VirtAddr(sp),
        rule,
        is_exact: rule == Rule::Interrupted,
        is_guess: false,
        registers,
    })))
}

/// The stack pointer of the caller; none where the entry needs a register that is not known.
fn stack_pointer(
    entry: &OrcEntry,
    frame: &Frame,
    word: &dyn Fn(u64, &str) -> Result<u64, String>,
) -> Result<Option<u64>, String> {
    let register = |register| frame.registers.get(register);
    let add = |base: u64| base.wrapping_add_signed(i64::from(entry.sp_offset));
    let sp = match entry.sp_reg {
        OrcRegister::Sp => Some(add(frame.sp.0)),
        OrcRegister::Bp => register(X86::Rbp).map(add),
        OrcRegister::Ax => register(X86::Rax),
        OrcRegister::Dx => register(X86::Rdx),
        OrcRegister::Di => register(X86::Rdi),
        OrcRegister::R10 => register(X86::R10),
        OrcRegister::R13 => register(X86::R13),
        OrcRegister::SpIndirect => Some(add(word(frame.sp.0, "the stack before")?)),
        OrcRegister::BpIndirect => match register(X86::Rbp) {
            Some(bp) => Some(word(add(bp), "the stack before")?),
            None => None,
        },
        _ => None,
    };
    Ok(sp)
}
