//! DWARF's call frame information (DWARF 5, 6.4; `.eh_frame` and its header: "Linux Standard Base Core
//! Specification", 10.6): for each place in code where the caller's registers are.
//!
//! Read for machines of 64 bits that put the lowest byte first. Registers have DWARF's numbers here; which register
//! of a machine has which number the method knows.

mod cursor;
pub(crate) mod expression;
mod program;
mod table;

pub use program::{CfaRule, CfiRow, CfiRule};
pub use table::{CfiError, CfiForm, CfiHeader, CfiTable};
