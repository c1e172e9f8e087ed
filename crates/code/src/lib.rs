//! What the compiled functions of a target do, typed by its debug info.
//!
//! `arch` knows one instruction, `debuginfo` knows names and types; here both come together over a whole
//! function: its control flow, where a value came from and what type it has, who stores to a member of a
//! structure, and under which conditions. Nothing here knows logs or dumps: values of registers are handed in.

mod body;
mod build;
mod callee;
mod evaluate;
mod fields;
mod frame;
mod graph;
mod guards;
pub mod held;
mod indirect;
mod jumps;
mod local;
mod moved;
mod origin;
mod place;
mod reach;
mod register;
mod setters;
mod sieve;
mod sum;
mod text;
mod view;

pub use body::{Body, Call, Exit, Node, Target};
pub use callee::Callee;
pub use evaluate::Known;
pub use guards::Condition;
pub use indirect::{How, Indirect, Indirects};
pub use origin::Origin;
pub use place::{Place, Pointer};
pub use reach::{Reached, Way};
pub use register::{Registered, Stored};
pub use setters::{Key, PART, Store, Stores, without_indices};
pub use sum::{Leaf, Sum, Term};
pub use view::View;
