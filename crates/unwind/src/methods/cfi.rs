//! By DWARF's call frame information. The frame has rules, each with its equation ([`CfiRule`]): the canonical frame
//! address first, then the registers of the caller from there.

use base::VirtAddr;

use crate::cfi::expression::{Asked, evaluate};
use crate::cfi::{CfaRule, CfiRow, CfiRule};
use crate::frame::{End, Frame, Rule};
use crate::registers::{Registers, X86};
use crate::walk::{Method, Source, Step};

pub(crate) static ENTRY: Method = Method { step };

fn step(source: &dyn Source, frame: &Frame) -> Result<Option<Step>, String> {
    let Some(row) = source.cfi(frame.lookup_pc()) else {
        return Ok(None);
    };
    let row = row?;
    let number = |number: u16| X86::numbered(number).and_then(|name| frame.registers.get(name));
    let word = |at: VirtAddr| source.word(at);
    let asked = Asked {
        register: &number,
        word: &word,
    };
    let cfa = match row.cfa {
        CfaRule::Unknown => return Ok(None),
        CfaRule::Register(base, offset) => match number(base) {
            Some(value) => value.wrapping_add_signed(offset),
            None => return Ok(None),
        },
        CfaRule::Expression(bytes) => evaluate(bytes, None, &asked)?,
    };
    // No caller has this one: the first function of a thread says so.
    if row.rule(row.return_register) == CfiRule::Undefined {
        return Ok(Some(Step::End(End::Bottom)));
    }
    let pc = match value(&row, row.return_register, cfa, frame, &asked)? {
        Ok(Some(pc)) => pc,
        Ok(None) => return Ok(None),
        Err(error) => return Err(format!("the return address: {error}")),
    };
    let mut registers = Registers::default();
    for (register, _) in X86::all() {
        let Some(number) = register.number() else {
            continue;
        };
        // A register that cannot be read is not known; whoever needs it says so.
        let known = value(&row, number, cfa, frame, &asked)?;
        registers.set(register, known.ok().flatten());
    }
    registers.set(X86::Rip, Some(pc));
    let Some(sp) = registers.get(X86::Rsp) else {
        return Ok(None);
    };
    if !row.is_signal && !source.is_code(VirtAddr(pc)) {
        return Err(format!(
            "{pc:#x}, where a return address must be, is no code"
        ));
    }
    Ok(Some(Step::Frame(Frame {
        pc: VirtAddr(pc),
        sp: VirtAddr(sp),
        rule: Rule::Cfi,
        is_exact: row.is_signal,
        is_guess: false,
        registers,
    })))
}

/// A register of the caller; none where it is lost. What could not be read is told apart from a rule that makes no
/// sense.
fn value(
    row: &CfiRow<'_>,
    number: u16,
    cfa: u64,
    frame: &Frame,
    asked: &Asked<'_>,
) -> Result<Result<Option<u64>, base::ReadError>, String> {
    let load = |at: u64| (asked.word)(VirtAddr(at)).map(Some);
    let name = X86::numbered(number);
    Ok(match row.rule(number) {
        CfiRule::Undefined => Ok(None),
        // The stack pointer of the caller is the CFA; others stay where the calling convention keeps them.
        CfiRule::Unspecified if name == Some(X86::Rsp) => Ok(Some(cfa)),
        CfiRule::Unspecified if name.is_some_and(X86::is_kept) => Ok((asked.register)(number)),
        CfiRule::Unspecified => Ok(None),
        CfiRule::Same if name == Some(X86::Rip) => Ok(Some(frame.pc.0)),
        CfiRule::Same => Ok((asked.register)(number)),
        CfiRule::Offset(offset) => load(cfa.wrapping_add_signed(offset)),
        CfiRule::ValOffset(offset) => Ok(Some(cfa.wrapping_add_signed(offset))),
        CfiRule::Register(other) => Ok((asked.register)(other)),
        CfiRule::Expression(bytes) => load(evaluate(bytes, Some(cfa), asked)?),
        CfiRule::ValExpression(bytes) => evaluate(bytes, Some(cfa), asked).map(Some).map(Ok)?,
    })
}
