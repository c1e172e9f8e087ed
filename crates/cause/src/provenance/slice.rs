//! One step backwards: who gave a register its value.

use arch::{Expr, Flow, Reg};

use super::{Start, Window};

/// Where the value of a register before an instruction came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// This instruction set it to this.
    Set(usize, &'a Expr),
    /// This call returned it.
    Returned(usize),
    /// This call may have changed it, and does not return it.
    Lost(usize),
    /// It is the argument of this number, from 0: untouched since the function's entry.
    Argument(u8),
    /// It is as the caller left it, and is no argument.
    Entry,
    /// The bytes end before it is set.
    Cut,
    /// Control came from elsewhere to the instruction behind this one, which
    /// jumps away.
    Jumped(usize),
}

/// The origin of `reg` before instruction `at`, along the code as it stands in memory.
pub fn origin(window: &Window, reg: Reg, at: usize) -> Origin<'_> {
    for index in (0..at).rev() {
        let Some(insn) = window.insns.get(index) else {
            break;
        };
        if leaves(window, index) && index + usize::from(insn.delay_slot) + 1 < at + 1 {
            // What stands behind a jump is reached from elsewhere. In a delay
            // slot the jump has not happened yet.
            let slot = usize::from(insn.delay_slot);
            if index + slot < at {
                return Origin::Jumped(index);
            }
        }
        if let Some(value) = insn.sets(reg) {
            return Origin::Set(index, value);
        }
        if window.clobbers(insn, reg) {
            return if window.is_result(reg) {
                Origin::Returned(index)
            } else {
                Origin::Lost(index)
            };
        }
    }
    match (window.start, window.argument(reg)) {
        (Start::Entry, Some(number)) => Origin::Argument(number),
        (Start::Entry, None) => Origin::Entry,
        (Start::Cut, _) => Origin::Cut,
    }
}

/// Whether control never goes on behind the instruction.
fn leaves(window: &Window, index: usize) -> bool {
    window
        .insns
        .get(index)
        .is_some_and(|insn| matches!(insn.flow, Flow::Jump(_) | Flow::Return | Flow::Trap))
}

/// Jumps that lead between `from` and `to` from outside: the way down was not the only one.
pub fn joins(window: &Window, from: usize, to: usize) -> Vec<usize> {
    let address = |index: usize| window.insns.get(index).map(|insn| insn.address);
    let (Some(low), Some(high)) = (address(from), address(to)) else {
        return Vec::new();
    };
    let mut joins = Vec::new();
    for (index, insn) in window.insns.iter().enumerate() {
        let target = match &insn.flow {
            Flow::Jump(Some(target)) | Flow::Branch(target, _) => *target,
            _ => continue,
        };
        let inside = (from..to).contains(&index);
        if target > low && target <= high && !inside {
            joins.push(index);
        }
    }
    joins
}
