//! What an unwinder gives: frames, and how it ended.

pub use base::FrameRule as Rule;
use base::VirtAddr;

use crate::Registers;

/// A function that was running, or had called the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The address in it: of the next instruction, or that a call returns to.
    pub pc: VirtAddr,
    /// The stack pointer.
    pub sp: VirtAddr,
    /// How it was had.
    pub rule: Rule,
    /// Whether `pc` was to be executed next, as in an interrupted function. Else a call is before it.
    pub is_exact: bool,
    /// Whether it may be none at all: it was guessed, or follows from a guess.
    pub is_guess: bool,
    /// The registers that are known in it.
    pub registers: Registers,
}

impl Frame {
    /// The address to look the function up by: a call may be the last instruction of its function.
    pub fn lookup_pc(&self) -> VirtAddr {
        VirtAddr(self.pc.0.wrapping_sub(u64::from(!self.is_exact)))
    }
}

/// How a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The first function of the stack.
    Bottom,
    /// The thread has not run yet: its one frame is where it will begin.
    NotRunYet,
    /// User space, with its registers.
    User(Box<Registers>),
    /// It could not go on; says why.
    Lost(String),
}

/// The frames of one thread, the innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// The frames.
    pub frames: Vec<Frame>,
    /// What is below them.
    pub end: End,
}
