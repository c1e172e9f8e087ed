//! By looking through the stack for a word that would be a return address. The stack holds what was left there
//! before, so each such frame is a guess, and is told as one.

use base::VirtAddr;

use crate::frame::{Frame, Rule};
use crate::registers::{Registers, X86};
use crate::walk::{Method, Source, Step};

pub(crate) static ENTRY: Method = Method { step };

/// Words that one step looks at: half of a stack of 16 KiB.
const MOST_WORDS: u64 = 1 << 10;

fn step(source: &dyn Source, frame: &Frame) -> Result<Option<Step>, String> {
    if source.is_user() || !frame.sp.0.is_multiple_of(8) {
        return Ok(None);
    }
    for place in 0..MOST_WORDS {
        let at = frame.sp.0.wrapping_add(8 * place);
        let Ok(pc) = source.word(VirtAddr(at)) else {
            break;
        };
        // No call returns to where it came from.
        if source.is_code(VirtAddr(pc)) && pc != frame.pc.0 && is_behind_call(source, pc) {
            let sp = at.wrapping_add(8);
            let mut registers = Registers::default();
            registers.set(X86::Rip, Some(pc));
            registers.set(X86::Rsp, Some(sp));
            return Ok(Some(Step::Frame(Frame {
                pc: VirtAddr(pc),
                sp: VirtAddr(sp),
                rule: Rule::Search,
                is_exact: false,
                is_guess: true,
                registers,
            })));
        }
    }
    Ok(None)
}

/// Whether the instruction before `pc` is a call: `e8` with an offset of 32 bits, or `ff /2` with any operand.
fn is_behind_call(source: &dyn Source, pc: u64) -> bool {
    let Ok(word) = source.word(VirtAddr(pc.wrapping_sub(8))) else {
        return false;
    };
    let before = word.to_le_bytes();
    let indirect = |at: usize| {
        let (opcode, operand) = (before.get(at), before.get(at + 1));
        opcode == Some(&0xff) && operand.is_some_and(|operand| operand >> 3 & 7 == 2)
    };
    before.get(3) == Some(&0xe8) || (1..=6).any(indirect)
}
