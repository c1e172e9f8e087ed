//! Linux: the kernel in a target's memory, and what its structures tell.

mod elf;
mod file;
mod find;
mod kernel;
mod list;
mod machines;
mod search;
mod stacks;
mod symbols;
mod types;
mod unwinding;
mod vmcoreinfo;
mod walkers;

pub use find::{Found, Way};
pub use kernel::Kernel;
pub use stacks::{NamedFrame, ThreadStack};
pub use symbols::Name;
pub use walkers::cpus::Cpu;
pub use walkers::log::{LogLine, LogRecord};
pub use walkers::modules::{Module, Region};
pub use walkers::tasks::Task;
