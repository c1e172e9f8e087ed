//! The walk: from frame to frame, by the first rule that knows the way.

use base::{Budget, ReadError, VirtAddr};

use crate::cfi::CfiRow;
use crate::frame::{End, Frame, Rule, Stack};
use crate::methods::METHODS;
use crate::orc::OrcEntry;
use crate::registers::{Registers, X86};

/// Frames of one stack; the kernel's stacks of 16 KiB hold some hundred.
const MOST_FRAMES: u64 = 1024;

/// What an unwinder asks a target.
pub trait Source {
    /// The word at `address`.
    fn word(&self, address: VirtAddr) -> Result<u64, ReadError>;
    /// The entry of the unwind table for the code at `pc`.
    fn orc(&self, pc: VirtAddr) -> Option<OrcEntry>;
    /// The rules of DWARF's call frame information for the code at `pc`; none where no table tells of it, and why
    /// where one should and cannot be read.
    fn cfi(&self, pc: VirtAddr) -> Option<Result<CfiRow<'_>, String>> {
        let _ = pc;
        None
    }
    /// Whether there is code at `pc`.
    fn is_code(&self, pc: VirtAddr) -> bool;
    /// Whether the code at `pc` was compiled to be unwound by a table, and so may use the frame pointer for anything
    /// else: where its entry cannot be read, what that register leads to is a guess.
    fn needs_table(&self, pc: VirtAddr) -> bool {
        let _ = pc;
        false
    }
    /// Whether it is user space that is walked: registers of user space end no walk then, and nothing is searched
    /// for, since stacks there are large and hold much that is old.
    fn is_user(&self) -> bool {
        false
    }
}

/// What one step leads to.
#[allow(
    clippy::large_enum_variant,
    reason = "it lives for one turn of the walk"
)]
pub(crate) enum Step {
    /// The caller.
    Frame(Frame),
    /// No further.
    End(End),
}

/// A way from a frame to its caller.
pub(crate) struct Method {
    /// The step; none where the method does not know. The last tells why it failed.
    pub step: fn(source: &dyn Source, frame: &Frame) -> Result<Option<Step>, String>,
}

/// The stack of a thread whose innermost frame has these registers.
///
/// `rule` says how they were had; `is_exact`, whether `rip` is executed next.
pub fn walk(source: &dyn Source, registers: Registers, rule: Rule, is_exact: bool) -> Stack {
    let mut frames = Vec::new();
    let (Some(pc), Some(sp)) = (registers.get(X86::Rip), registers.get(X86::Rsp)) else {
        let end = End::Lost("the registers do not tell where it was".to_owned());
        return Stack { frames, end };
    };
    if registers.is_user() && !source.is_user() {
        let end = End::User(Box::new(registers));
        return Stack { frames, end };
    }
    let mut frame = Frame {
        pc: VirtAddr(pc),
        sp: VirtAddr(sp),
        rule,
        is_exact,
        is_guess: rule.is_guess(),
        registers,
    };
    let mut budget = Budget::new("frames of one stack", MOST_FRAMES);
    let end = loop {
        if let Err(exhausted) = budget.spend(1) {
            break End::Lost(exhausted.to_string());
        }
        let step = next(source, &frame);
        let (pc, sp, is_guess) = (frame.pc, frame.sp, frame.is_guess);
        frames.push(frame);
        match step {
            Step::End(end) => break end,
            // A step that does not move would be one for ever.
            Step::Frame(next) if next.sp == sp && next.pc == pc => {
                break End::Lost(format!("the frame at {sp} is its own caller"));
            }
            Step::Frame(next) => frame = next,
        }
        // What follows from a guess is one.
        frame.is_guess |= is_guess;
    };
    Stack { frames, end }
}

fn next(source: &dyn Source, frame: &Frame) -> Step {
    let mut why = String::new();
    for method in METHODS {
        match (method.step)(source, frame) {
            Ok(Some(step)) => return step,
            Ok(None) => {}
            // The surest method's reason is the one that counts.
            Err(reason) if why.is_empty() => why = reason,
            Err(_) => {}
        }
    }
    if why.is_empty() {
        why = format!("nothing tells who called {}", frame.pc);
    }
    Step::End(End::Lost(why))
}
