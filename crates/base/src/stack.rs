//! Stacks as they lie in the memory of a target: plain data, each frame with how it was had.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Frame, Gap, Trust, VirtAddr};

/// How a frame and its registers were had, the surest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FrameRule {
    /// The registers are those of the CPU.
    Registers,
    /// The scheduler saved them when it took the CPU from the task.
    Switched,
    /// The kernel printed them when it failed.
    Printed,
    /// The kernel's own unwind table (ORC) says where they are.
    Orc,
    /// DWARF's call frame information says where they are.
    Cfi,
    /// The CPU saved them all when it was interrupted, where an unwind table says.
    Interrupted,
    /// A call that led to no code: its return address is the last word of the stack.
    BadCall,
    /// The frame pointer leads there.
    FramePointer,
    /// A word of the stack that would be a return address: a guess.
    Search,
}

impl FrameRule {
    /// As a reader sees it.
    pub fn words(self) -> &'static str {
        match self {
            FrameRule::Registers => "registers",
            FrameRule::Switched => "saved by the scheduler",
            FrameRule::Printed => "printed registers",
            FrameRule::Orc => "orc",
            FrameRule::Cfi => "cfi",
            FrameRule::Interrupted => "saved at the interruption",
            FrameRule::BadCall => "return address of a bad call",
            FrameRule::FramePointer => "frame_pointer",
            FrameRule::Search => "stack search",
        }
    }

    /// How much a frame by this rule can be trusted.
    pub fn trust(self) -> Trust {
        match self {
            FrameRule::Registers
            | FrameRule::Switched
            | FrameRule::Printed
            | FrameRule::Orc
            | FrameRule::Cfi
            | FrameRule::Interrupted => Trust::ReadFromMemory,
            FrameRule::BadCall | FrameRule::FramePointer | FrameRule::Search => Trust::Inferred,
        }
    }

    /// Whether a frame by this rule may be none at all.
    pub fn is_guess(self) -> bool {
        self == FrameRule::Search
    }
}

/// A function that was running, or had called the one before, read from memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackFrame {
    /// The address in it: of the next instruction, or that a call returns to.
    pub pc: VirtAddr,
    /// The stack pointer.
    pub sp: VirtAddr,
    /// The function as compiled; none where nothing has a name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Bytes from the start of the function. Of user space, where nothing has a name: the address in the file
    /// of `module`, as it was linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Size of the function in bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The module, none for the kernel itself; of user space the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// `file:line` of the function itself, where debug info tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Functions that are inlined here and were running, the innermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlined: Vec<InlinedCall>,
    /// How it was had.
    pub rule: FrameRule,
    /// How far it can be trusted.
    pub trust: Trust,
    /// Whether `pc` was to be executed next, as in an interrupted function. Else a call is before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_exact: bool,
    /// Whether it may be none at all: it was guessed, or follows from a guess.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_guess: bool,
    /// The stack it lies on, where it is not the task's own (`IRQ`, `NMI`, `#DF`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
}

/// A function that the compiler inlined into its caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InlinedCall {
    /// Its name in the source.
    pub function: String,
    /// `file:line` that was executed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What is below the last frame of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StackEnd {
    /// Nothing: it is the first function of the thread.
    Bottom,
    /// User space.
    User,
    /// Nothing: the thread has not run yet, and will begin here.
    NotRunYet,
    /// What could not be found: the unwinder lost its way.
    Lost,
}

/// The stack of a thread, read from memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackTrace {
    /// The innermost first.
    pub frames: Vec<StackFrame>,
    /// What is below them.
    pub end: StackEnd,
    /// Why the unwinder lost its way; empty where it did not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Of a thread that entered the kernel from user space: its stack there, as far as it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Box<StackTrace>>,
}

/// A thread of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Thread {
    /// Its number; 0 of those that run where there is nothing to do.
    pub pid: u32,
    /// The number of its process.
    pub tgid: u32,
    /// Its name, chosen by itself.
    pub comm: String,
    /// The letter that `ps` prints for its state.
    pub state: String,
    /// The CPU that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Whether it is one of the kernel's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kernel: bool,
}

/// Threads whose stacks are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadGroup {
    /// The threads, in the order of the kernel's list.
    pub threads: Vec<Thread>,
    /// Their stack: the addresses of its frames on the stack are those of the first thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackTrace>,
    /// Why there is no stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Gap>,
}

/// The task that crashed, and its stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrashedTask {
    /// The task; none where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    /// How it is known to be the one, as a sentence.
    pub how: String,
    /// The first line of the event in the log that tells of the crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its stack in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackTrace>,
    /// How many frames, from the innermost on, only handle the failure: the next one is where it failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub handling: u32,
}

/// What a CPU did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CpuState {
    /// Its number.
    pub cpu: u32,
    /// Whether it was online; a panic takes the others offline.
    pub is_online: bool,
    /// The task that it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    /// Whether it was idle: its task is the one that runs where there is nothing to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_idle: bool,
    /// What it was in where it was no task that ran (`an NMI`, `a hard interrupt`, `a softirq`), by its
    /// `preempt_count`, the innermost first; empty in a task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<String>,
    /// Whether code that was stopped had interrupts on; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupts_on: Option<bool>,
    /// Its stack in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackTrace>,
    /// How many frames, from the innermost on, only stop the CPU or handle the failure.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub handling: u32,
}

/// What the memory of a dump tells beside its log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DumpFacts {
    /// Which of the report's inputs, counted from 0.
    pub input: u32,
    /// The task that crashed; none where nothing in the dump or its log tells of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashed: Option<CrashedTask>,
    /// The CPUs, where the failure concerns what each did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<CpuState>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl StackFrame {
    /// Whether it is where the kernel printed that a frame was: function, offset and module.
    pub fn is_at(&self, printed: &Frame) -> bool {
        self.function.is_some()
            && self.function == printed.function
            && self.offset == printed.offset
            && self.module == printed.module
    }
}

impl CrashedTask {
    /// The frames from where it failed on.
    pub fn failed(&self) -> &[StackFrame] {
        below(self.stack.as_ref(), self.handling)
    }
}

impl CpuState {
    /// The frames from what it did before it was stopped on.
    pub fn ran(&self) -> &[StackFrame] {
        below(self.stack.as_ref(), self.handling)
    }
}

fn below(stack: Option<&StackTrace>, handling: u32) -> &[StackFrame] {
    let frames = stack.map_or(&[][..], |stack| stack.frames.as_slice());
    let handling = usize::try_from(handling).unwrap_or(usize::MAX);
    frames.get(handling..).unwrap_or_default()
}
