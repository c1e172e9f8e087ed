//! The files of programs that stacks lead through. Each is read once, whichever process it is mapped in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use base::{Budget, VirtAddr};

use super::content::Content;
use super::elf::Elf;
use super::shape::UserShape;
use crate::linux::{Held, Kernel};

/// Nodes of the page cache of one file.
const MOST_NODES: u64 = 1 << 16;

/// Bytes of a name (`NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// A file, or what is mapped without one and is one all the same.
#[derive(Debug)]
pub(super) struct UserFile {
    /// The last part of its path.
    pub(super) name: String,
    /// What it holds, or why that cannot be read.
    pub(super) elf: Result<Elf, String>,
}

/// Files by the addresses of their `struct inode`.
#[derive(Debug, Default)]
pub(crate) struct UserFiles {
    files: Mutex<BTreeMap<u64, Arc<OnceLock<Arc<UserFile>>>>>,
}

impl Kernel<'_> {
    /// The file whose `struct file` is at `file`.
    pub(super) fn user_file(
        &self,
        shape: &UserShape,
        file: VirtAddr,
    ) -> Result<Arc<UserFile>, String> {
        let space = self.space();
        let inode = shape
            .inode
            .pointer(space, file)
            .map_err(|error| error.to_string())?;
        let slot = {
            let mut files = match self.walked.user_files.files.lock() {
                Ok(files) => files,
                // A slot is put in whole.
                Err(poisoned) => poisoned.into_inner(),
            };
            Arc::clone(files.entry(inode.0).or_default())
        };
        let read = || {
            let name = || {
                let dentry = shape.dentry.pointer(space, file)?;
                let name = shape.name.pointer(space, dentry)?;
                space.text(name, LONGEST_NAME)
            };
            Arc::new(UserFile {
                name: name().unwrap_or_else(|_| "a file without a readable name".to_owned()),
                elf: self
                    .cached_file(shape, inode)
                    .and_then(|content| Elf::read(&content)),
            })
        };
        Ok(Arc::clone(slot.get_or_init(read)))
    }

    /// The pages of a file that are in the page cache.
    fn cached_file<'s>(
        &'s self,
        shape: &UserShape,
        inode: VirtAddr,
    ) -> Result<Content<'s, 's>, String> {
        let space = self.space();
        let map = self.memory_map().as_ref().map_err(|gap| gap.why.clone())?;
        let mapping = shape
            .mapping
            .pointer(space, inode)
            .map_err(|error| error.to_string())?;
        let mut budget = Budget::new("nodes of the page cache of a file", MOST_NODES);
        let cached = shape.cached.at(mapping);
        let found = shape
            .cache
            .walk(space, cached, "the page cache of a file", &mut budget);
        // What is missing of the cache is absent in the file; numbers stand for pages that were taken out.
        let page = |entry: crate::linux::XaEntry| match entry.held {
            Held::Pointer(page) => Some((entry.first, entry.last, map.pfn(VirtAddr(page & !3))?)),
            Held::Value(_) | Held::Reserved => None,
        };
        Ok(Content::Cached {
            memory: space.memory(),
            pages: found.value.into_iter().filter_map(page).collect(),
        })
    }
}
