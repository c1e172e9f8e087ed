//! Where bytes live that are not in a file as such: sections after decompression and relocation.

use std::fmt;

use base::Kept;

/// Keeps bytes for as long as the objects that are read from them.
///
/// Make one before the first object; it only grows. A section is copied into it when it is compressed,
/// or when it belongs to a relocatable file and must be relocated, and only once it is asked for.
#[derive(Default)]
pub struct Store {
    kept: Kept<Vec<u8>>,
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `bytes` and gives them back for as long as the store lives.
    pub fn keep(&self, bytes: Vec<u8>) -> &[u8] {
        self.kept.keep(bytes)
    }

    /// Bytes kept so far.
    pub fn size(&self) -> usize {
        self.kept.iter().map(Vec::len).sum()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({} bytes)", self.size())
    }
}
