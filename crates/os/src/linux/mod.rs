//! Linux: the kernel in a target's memory, and what its structures tell.

mod elf;
mod file;
mod find;
mod globals;
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
pub use globals::Global;
pub use kernel::Kernel;
pub use list::walk_list;
pub use stacks::{NamedFrame, ThreadStack};
pub use symbols::Name;
pub use walkers::cpus::Cpu;
pub use walkers::identify::{AddressIs, Identifier};
pub use walkers::log::{LogLine, LogRecord};
pub use walkers::memory_map::MemoryMap;
pub use walkers::modules::{Module, Region};
pub use walkers::pages::{Page, PageKind};
pub use walkers::queues::RunQueue;
pub use walkers::slab::{Cache, ObjectState, Slab, SlabObject, SlabPlace, Slabs};
pub use walkers::structures::hlist::{walk_hlist, walk_hlist_nulls, walk_llist};
pub use walkers::structures::idr::Idr;
pub use walkers::structures::maple::{MapleEntry, MapleTree};
pub use walkers::structures::rbtree::RbTree;
pub use walkers::structures::xarray::{Held, XArray, XaEntry};
pub use walkers::tasks::Task;
pub use walkers::vmalloc::{VmallocArea, VmallocOwner};
pub use walkers::waits::Waiter;
