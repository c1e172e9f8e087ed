//! What an unwinder gives: frames, and how it ended.

use base::{Trust, VirtAddr};

use crate::Registers;

/// How the registers of a frame were had, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// They are those of the CPU.
    Registers,
    /// The scheduler saved them when it took the CPU from the task.
    Switched,
    /// The kernel's own unwind table (ORC) says where they are.
    Orc,
    /// The CPU saved them all when it was interrupted, where ORC says.
    Interrupted,
    /// A call that led to no code: its return address is the last word of the stack.
    BadCall,
    /// The frame pointer leads there.
    FramePointer,
    /// A word of the stack that would be a return address: a guess.
    Search,
}

impl Rule {
    /// As a reader sees it.
    pub fn words(self) -> &'static str {
        match self {
            Rule::Registers => "registers",
            Rule::Switched => "saved by the scheduler",
            Rule::Orc => "orc",
            Rule::Interrupted => "saved at the interruption",
            Rule::BadCall => "return address of a bad call",
            Rule::FramePointer => "frame_pointer",
            Rule::Search => "stack search",
        }
    }

    /// How much a frame by this rule can be trusted.
    pub fn trust(self) -> Trust {
        match self {
            Rule::Registers | Rule::Switched | Rule::Orc | Rule::Interrupted => Trust::Computed,
            Rule::BadCall | Rule::FramePointer | Rule::Search => Trust::Inferred,
        }
    }

    /// Whether a frame by this rule may be none at all.
    pub fn is_guess(self) -> bool {
        self == Rule::Search
    }
}

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
