//! What the target's types, symbols and lines are: one answer from many sources.
//!
//! Nothing here opens a file: the caller maps files and hands their bytes in.
//! Bytes are foreign, whatever file they come from: no answer panics, loops
//! for ever or takes memory without bound because of them.

mod bytes;
mod convention;
mod crossrefs;
mod detours;
mod elf;
mod error;
mod function;
mod identity;
mod link;
mod machines;
mod matching;
mod model;
mod object;
mod path;
mod references;
mod relocate;
mod relocation;
mod sections;
mod set;
mod sources;
mod store;
mod threads;
mod types;

pub use convention::Argument;
pub use elf::Section;
pub use error::{Error, Result};
pub use function::{
    CFA, CallSite, FrameRules, Function, InlineFrame, RunningFunction, Scope, ScopeKind,
    SourceLine, ToldLine, Variable, VariableAt, Where,
};
pub use identity::Identity;
pub use matching::{Comparison, Difference, Ran, Rewrite, Running, Site, SizeFit};
pub use object::Object;
pub use path::{Destination, Owner, Path};
pub use references::{AddressUse, Caller, UsePlace};
pub use relocation::{Relocation, RelocationKind};
pub use set::{DebugInfo, Files, NoFiles, Wanted, base_name};
pub use sources::elf_symtab::{Binding, Home, Symbol, SymbolKind};
pub use sources::kallsyms::{
    AddressTable, FoundTables, Kallsyms, KallsymsTables, KernelSymbol, find_tables,
};
pub use store::Store;
pub use types::{Bits, Encoding, Kind, Member, ObjectId, Qualifier, Shape, TypeId};
