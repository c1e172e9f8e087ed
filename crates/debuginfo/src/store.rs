//! Where bytes live that are not in a file as such: sections after decompression and relocation.

use std::fmt;
use std::sync::OnceLock;

/// Keeps bytes for as long as the objects that are read from them.
///
/// Make one before the first object; it only grows. A section is copied into it when it is compressed,
/// or when it belongs to a relocatable file and must be relocated, and only once it is asked for.
#[derive(Default)]
pub struct Store {
    first: OnceLock<Box<Kept>>,
}

// A list that only grows at its end can hand out references while it grows, without unsafe code.
struct Kept {
    bytes: Vec<u8>,
    next: OnceLock<Box<Kept>>,
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `bytes` and gives them back for as long as the store lives.
    pub fn keep(&self, bytes: Vec<u8>) -> &[u8] {
        let mut bytes = Some(bytes);
        let mut slot = &self.first;
        loop {
            let kept = slot.get_or_init(|| {
                let bytes = bytes.take().unwrap_or_default();
                Box::new(Kept {
                    bytes,
                    next: OnceLock::new(),
                })
            });
            if bytes.is_none() {
                return &kept.bytes;
            }
            slot = &kept.next;
        }
    }

    /// Bytes kept so far.
    pub fn size(&self) -> usize {
        let (mut size, mut slot) = (0, &self.first);
        while let Some(kept) = slot.get() {
            size += kept.bytes.len();
            slot = &kept.next;
        }
        size
    }
}

impl Drop for Store {
    // One after the other: the derived drop would recurse as deep as the list is long.
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(mut kept) = next {
            next = kept.next.take();
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({} bytes)", self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_while_more_is_kept() {
        let store = Store::new();
        let first = store.keep(b"first".to_vec());
        let second = store.keep(Vec::new());
        let third = store.keep(b"third".to_vec());
        assert_eq!(
            (first, second, third),
            (&b"first"[..], &b""[..], &b"third"[..])
        );
        assert_eq!(store.size(), 10);
    }
}
