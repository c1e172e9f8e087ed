//! Which locks a frame holds, read from its code.
//!
//! A lock that is had by readers, a semaphore or a spinlock names no owner, and optimised code keeps no address of
//! a lock on the stack. So the code is read: on the ways from the entry of a function to the place where it
//! stands, which calls take a lock and which give it back?
//!
//! Neither debug info nor files are needed, only bytes and names ([`Code`]). What is assumed:
//!
//! * A call through a pointer neither takes nor gives back a lock for its caller.
//! * A called function that gives back a lock and takes it again before it returns is as if it had done nothing;
//!   while it stands between both, its own frame tells that it has given it back ([`Held::released`]).
//! * A pointer that is read twice is the same pointer: that is how a lock is recognised when it is given back.
//!
//! Where something cannot be told, a lock is rather left out than said to be held.

mod code;
mod primitives;
mod value;

use base::{Gap, Mode};

pub use code::{Code, FunctionRange};
pub use value::Value;

/// What a frame holds where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The locks that it has taken and not given back, in the order of the calls that took them.
    pub locks: Vec<HeldLock>,
    /// The locks that it has given back without having taken them: a caller of it had them, and does not now.
    pub released: Vec<HeldLock>,
    /// Why there may be more.
    pub gaps: Vec<Gap>,
}

/// A lock that a frame holds, or had given back for its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// What it is: `mutex`, `rw_semaphore`, `percpu_rw_semaphore`, `semaphore`, `spinlock`, `rwlock`, `rt_mutex`,
    /// `ww_mutex`, `folio lock`, `socket lock`, `srcu`.
    pub kind: &'static str,
    /// How it is had.
    pub mode: Mode,
    /// Whether it is so on every way through the function that leads here.
    pub certain: bool,
    /// The address of the lock.
    pub lock: Value,
    /// The address of the instruction in the function that took it: a call, or a fast path in line.
    pub taken_at: u64,
    /// The functions that the call went through before the one that takes locks, the outermost first.
    pub through: Vec<u64>,
}
