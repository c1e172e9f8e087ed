//! Walks over the kernel's structures. Shapes of structures are asked of its types, newest first.

pub(crate) mod cpus;
pub(crate) mod identify;
pub(crate) mod log;
pub(crate) mod memory_map;
pub(crate) mod modules;
pub(crate) mod pages;
pub(crate) mod queues;
mod running;
pub(crate) mod slab;
pub(crate) mod structures;
pub(crate) mod tasks;
pub(crate) mod vmalloc;
pub(crate) mod waits;

use std::sync::OnceLock;

use base::{Gap, Partial};

use super::user::files::UserFiles;
use super::user::shape::UserShape;

/// What walks have found and others ask for again.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) memory_map: OnceLock<Result<memory_map::MemoryMap, Gap>>,
    pub(crate) pages: OnceLock<Result<pages::PageShape, Gap>>,
    pub(crate) slabs: OnceLock<Partial<slab::Slabs>>,
    pub(crate) user_shape: OnceLock<Result<UserShape, Gap>>,
    pub(crate) user_files: UserFiles,
    pub(crate) areas: OnceLock<Partial<Vec<vmalloc::VmallocArea>>>,
}
