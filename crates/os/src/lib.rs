//! What an operating system is: where it lies in memory, and walks over its structures.
//!
//! All that is asked stands in the memory of the target itself: symbols, types, unwind tables. What could not
//! be read is a gap.

pub mod linux;
