//! How bytes lie in a dump of a kernel: bytes in; memory, registers and notes out.
//!
//! Nothing here opens a file: the caller maps it and hands its bytes in. They are foreign: no answer panics,
//! loops for ever or takes memory without bound because of them. What a dump does not have is told apart: no
//! memory, left out, cut off ([`base::ReadError`]).

mod about;
mod codecs;
mod disjoint;
mod error;
mod fields;
mod images;
mod layouts;
mod notes;
mod open;
mod search;
mod source;

pub use about::{About, Uts};
pub use error::{Error, Result};
pub use open::{Image, is_image};
pub use search::{Needles, Searched, search};
pub use source::Bytes;
