//! Values in a target's memory: by virtual address, and by the names of members.
//!
//! Which members there are is asked of the types, newest name first; no version of anything is compared.

mod layout;
mod space;

pub use layout::{Field, Layout, Types};
pub use space::{AddressSpace, Root, Window};
