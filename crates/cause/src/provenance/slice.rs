//! One step backwards: who gave a register its value.
//!
//! Control may come from the instruction above or from a jump, also from one
//! behind the failed instruction: a loop. All ways that the printed bytes
//! show are walked; where they disagree, all answers are given.

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

/// The origins of `reg` before instruction `at`, the nearest first; one when all ways agree.
pub fn origins(window: &Window, reg: Reg, at: usize) -> Vec<Origin<'_>> {
    let mut found: Vec<Origin<'_>> = Vec::new();
    let mut seen = vec![false; window.insns.len() + 1];
    let mut open = vec![at];
    while let Some(index) = open.pop() {
        if std::mem::replace(seen.get_mut(index).unwrap_or(&mut true), true) {
            continue;
        }
        let ways = ways(window, index);
        if let Some(jump) = ways.jumped {
            push(&mut found, Origin::Jumped(jump));
        } else if ways.open {
            push(&mut found, start(window, reg));
        }
        for from in ways.from {
            let Some(insn) = window.insns.get(from) else {
                continue;
            };
            if let Some(value) = insn.sets(reg) {
                push(&mut found, Origin::Set(from, value));
            } else if window.clobbers(insn, reg) {
                let result = window.is_result(reg);
                push(
                    &mut found,
                    if result {
                        Origin::Returned(from)
                    } else {
                        Origin::Lost(from)
                    },
                );
            } else {
                open.push(from);
            }
        }
    }
    found
}

/// From where control may come to an instruction.
pub struct Ways {
    /// The instructions that are there.
    pub from: Vec<usize>,
    /// Whether it also comes from where nothing was printed.
    pub open: bool,
    /// The instruction above, where that jumps away and nothing that is there leads here.
    pub jumped: Option<usize>,
}

/// All ways to instruction `at`.
pub fn ways(window: &Window, at: usize) -> Ways {
    let mut from = jumps_to(window, at);
    let mut jumped = None;
    let mut open = false;
    match above(window, at) {
        Above::Falls(before) => from.insert(0, before),
        Above::Jumps(jump) if from.is_empty() => {
            jumped = Some(jump);
            open = true;
        }
        Above::Jumps(_) => {}
        Above::Start => open = true,
    }
    Ways { from, open, jumped }
}

fn push<'a>(found: &mut Vec<Origin<'a>>, origin: Origin<'a>) {
    if !found.contains(&origin) {
        found.push(origin);
    }
}

fn start(window: &Window, reg: Reg) -> Origin<'_> {
    match (window.start, window.argument(reg)) {
        (Start::Entry, Some(number)) => Origin::Argument(number),
        (Start::Entry, None) => Origin::Entry,
        (Start::Cut, _) => Origin::Cut,
    }
}

/// How control comes from the instruction above.
enum Above {
    /// It goes on from this one.
    Falls(usize),
    /// It does not: this one jumps away.
    Jumps(usize),
    /// There is none.
    Start,
}

fn above(window: &Window, index: usize) -> Above {
    let Some(before) = index.checked_sub(1) else {
        return Above::Start;
    };
    // The jump of a delay slot happens behind the slot.
    let slot = before
        .checked_sub(1)
        .filter(|&jump| window.insns.get(jump).is_some_and(|insn| insn.delay_slot));
    if let Some(jump) = slot.filter(|&jump| leaves(window, jump)) {
        return Above::Jumps(jump);
    }
    let has_slot = window.insns.get(before).is_some_and(|insn| insn.delay_slot);
    if leaves(window, before) && !has_slot {
        Above::Jumps(before)
    } else {
        Above::Falls(before)
    }
}

/// The instructions from which a jump leads to this one: the jump, or what
/// stands in its delay slot.
fn jumps_to(window: &Window, index: usize) -> Vec<usize> {
    let Some(address) = window.insns.get(index).map(|insn| insn.address) else {
        return Vec::new();
    };
    let jumps = window
        .insns
        .iter()
        .enumerate()
        .filter(|(_, insn)| match &insn.flow {
            Flow::Jump(Some(target)) | Flow::Branch(target, _) => *target == address,
            _ => false,
        });
    jumps
        .map(|(jump, insn)| jump + usize::from(insn.delay_slot))
        .collect()
}

/// Whether control never goes on behind the instruction.
fn leaves(window: &Window, index: usize) -> bool {
    window.insns.get(index).is_some_and(|insn| {
        matches!(
            insn.flow,
            Flow::Jump(_) | Flow::JumpTo(_) | Flow::Return | Flow::Trap
        )
    })
}
