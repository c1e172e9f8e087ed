//! Walks over the kernel's structures. Shapes of structures are asked of its types, newest first.

pub(crate) mod cpus;
pub(crate) mod log;
pub(crate) mod modules;
pub(crate) mod tasks;
