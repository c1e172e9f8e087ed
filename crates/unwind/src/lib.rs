//! Frames from registers and stack: each step says by which rule it was made, and so how far to trust it.
//!
//! The rules stand in `methods/`, the surest first. What is below the frames that could be had is told by how
//! the walk ended; what was found before stands.

mod cfi;
mod frame;
mod methods;
mod orc;
mod registers;
mod walk;

pub use cfi::{CfaRule, CfiError, CfiForm, CfiHeader, CfiRow, CfiRule, CfiTable};
pub use frame::{End, Frame, Rule, Stack};
pub use orc::{OrcEntry, OrcKind, OrcLayout, OrcRegister, OrcTable};
pub use registers::{Registers, X86};
pub use walk::{Source, walk};
