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
mod flow;
mod holdings;
mod names;
mod primitives;
mod stack;
mod state;
mod summary;
mod tell;
mod terms;
mod value;
mod walk;

use arch::Reg;
use base::{Gap, Mode};

pub use code::{Code, FunctionRange};
pub use holdings::Holdings;
pub use stack::{Had, Memory, Standing};
pub use value::Value;

/// What a frame holds where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The locks that it has taken and not given back, in the order of the calls that took them.
    pub locks: Vec<HeldLock>,
    /// The locks that it has given back without having taken them: a caller of it had them, and does not now.
    pub released: Vec<HeldLock>,
    /// The registers of the caller that can be had, and where. One that is not named is lost.
    pub saved: Vec<(Reg, Saved)>,
    /// Where the stack ends, counted from the canonical frame address, in bytes; none where ways disagree.
    pub stack: Option<i64>,
    /// What the call that it has made was handed over, in terms of this frame.
    pub arguments: Vec<Value>,
    /// The function that it has called, where the call names it.
    pub calls: Option<u64>,
    /// Where its function begins.
    pub function: Option<u64>,
    /// Why there may be more.
    pub gaps: Vec<Gap>,
}

/// Where a register of the caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Where it was: the function has not changed it yet.
    Unchanged,
    /// In the 8 bytes at this offset from the canonical frame address.
    Slot(i64),
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
