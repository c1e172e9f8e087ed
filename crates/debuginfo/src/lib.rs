//! What the target's types, symbols and lines are: one answer from many sources.
//!
//! Nothing here opens a file: the caller maps files and hands their bytes in.
//! Bytes are foreign, whatever file they come from: no answer panics, loops
//! for ever or takes memory without bound because of them.

mod bytes;
mod elf;
mod error;
mod identity;
mod machines;
mod object;
mod relocate;
mod relocation;
mod sections;
mod sources;
mod store;

pub use elf::Section;
pub use error::{Error, Result};
pub use identity::Identity;
pub use object::Object;
pub use relocation::{Relocation, RelocationKind};
pub use sources::elf_symtab::{Binding, Home, Symbol, SymbolKind};
pub use store::Store;
