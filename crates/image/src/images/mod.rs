//! The formats of dumps: one file each.

use base::Target;

use crate::source::Source;
use crate::{About, Result};

/// A format.
pub(crate) struct Entry {
    /// Whether a file that begins so is of this format.
    pub(crate) is: fn(&[u8]) -> bool,
    /// Opens it; a file that claims the format and is not of it is an error.
    pub(crate) open: fn(Source) -> Result<Box<dyn Dump>>,
}

/// What a format gives.
pub(crate) trait Dump: Target + Send + Sync {
    /// What its head tells.
    fn about(&self) -> &About;
}

base::registry! {
    /// Every format; none begins as another does.
    pub(crate) static IMAGES: [Entry] = [flattened, kdump, elf_core];
}
