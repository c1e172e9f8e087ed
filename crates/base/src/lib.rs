//! Words, neutral facts and seams that every other crate shares.
//!
//! A *fact* is plain data that says how it is known. Readers make facts from
//! bytes, detectors make findings from facts, renderers make text from
//! findings; this crate holds what passes between them and does nothing.

mod budget;
mod event;
mod finding;
mod kept;
mod partial;
mod provenance;
mod registry;
mod stack;
mod target;
mod waits;
mod words;

pub use budget::{Budget, Exhausted};
pub use event::{
    Code, CodeUnit, Detail, Fault, Frame, LineSpan, LogEvent, Machine, Module, Register,
    RegisterSet, Stamp, Task, Trace,
};
pub use finding::{Confidence, Evidence, Finding, NextStep, Place};
pub use kept::Kept;
pub use partial::{Gap, Partial};
pub use provenance::{
    Access, Beyond, Caller, End, EndKind, Guard, Passed, Provenance, Reading, Registration, Setter,
    Today, Unnamed,
};
pub use stack::{
    CpuState, CrashedTask, DumpFacts, FrameRule, InlinedCall, StackEnd, StackFrame, StackTrace,
    Thread, ThreadGroup,
};
pub use target::{CpuRegisters, Memory, PhysAddr, ReadError, Target};
pub use waits::{
    Hang, HangLink, HangShape, Hold, LinkReason, Mode, Oddity, Party, Resource, Site, Wait,
    WaitFacts,
};
pub use words::{Endian, Trust, VirtAddr};
