//! What the forms of dumps are read with.

mod build;
mod code;
mod fault;
mod process;
pub mod scan;
mod stack;
mod symbol;

pub use build::{Continues, Dump, EARLIER, INTERRUPTED, USER};
pub use code::{Marks, code, code_row, more_code};
pub use fault::{common, unable};
pub use process::process;
pub use stack::{stack, stack_row};
pub use symbol::{place, symbol};
