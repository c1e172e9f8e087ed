//! One line of a capture.

/// A line that belongs to a capture: its message, without the prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Number in the input, counted from 1.
    pub number: u64,
    /// The message: no prefix, no line end, control characters taken out,
    /// invalid UTF-8 replaced, at most [`Line::MAX`] bytes.
    pub text: String,
}

impl Line {
    /// Bytes of a message that are kept; what is longer is cut.
    pub const MAX: usize = 4096;
}
