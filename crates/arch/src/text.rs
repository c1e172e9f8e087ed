//! The text of an instruction, which most instructions are never asked for.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// Bytes of the longest instruction (x86: SDM volume 2, 2.3.11).
const LONGEST: usize = 15;

/// The text of an instruction: made when it is first read where that takes longer than decoding.
#[derive(Clone)]
pub struct Text {
    made: OnceLock<String>,
    later: Option<Later>,
}

/// What a text is made of.
#[derive(Clone, Copy)]
struct Later {
    bytes: [u8; LONGEST],
    address: u64,
    make: fn(&[u8], u64) -> String,
}

impl Text {
    /// The text that `make` will make of the bytes of an instruction and its address.
    pub(crate) fn later(bytes: &[u8], address: u64, make: fn(&[u8], u64) -> String) -> Self {
        let mut kept = [0; LONGEST];
        for (to, from) in kept.iter_mut().zip(bytes) {
            *to = *from;
        }
        Text {
            made: OnceLock::new(),
            later: Some(Later {
                bytes: kept,
                address,
                make,
            }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.made.get_or_init(|| match &self.later {
            Some(later) => (later.make)(&later.bytes, later.address),
            None => String::new(),
        })
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text {
            made: OnceLock::from(text),
            later: None,
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}
