//! Values in terms of what can be known of a thread that stands still.

use arch::{Op, Reg};

/// A value at a place in a function, as an expression of what a debugger may know there.
///
/// Loads read the memory of *now*: the code read it some time before, and what it read may have been changed since.
/// A register or a slot that still holds what the code had read is preferred where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number: the address of a global object.
    Const(u64),
    /// A register as it is at the place; of a frame that has called, one that the called functions keep.
    Register(Reg),
    /// The 8 bytes at this offset from the canonical frame address (where the stack ended before the call).
    Slot(i64),
    /// The canonical frame address and an offset: an object on the stack of the thread itself.
    Frame(i64),
    /// The argument of this number, from 0, when the function was entered: the calling frame may tell it
    /// ([`crate::held::Holdings::argument`]).
    Argument(u8),
    /// What the function returns; in what is told of a called function only.
    Returned,
    /// The thread that runs the code (`current`).
    Current,
    /// What memory holds now.
    Load {
        /// Where.
        address: Box<Value>,
        /// Bytes.
        size: u8,
        /// Whether the sign is kept.
        signed: bool,
        /// As [`arch::Load::space`]: `gs` is the memory of the CPU.
        space: Option<&'static str>,
    },
    /// Two values combined.
    Binary(Op, Box<Value>, Box<Value>),
    /// The lowest `size` bytes, extended to 64 bits.
    Extend {
        /// Bytes that are kept: 1, 2 or 4.
        size: u8,
        /// Whether the sign is kept.
        signed: bool,
        /// The value.
        value: Box<Value>,
    },
    /// All of them are the value; the first that can be had is the surest.
    Either(Vec<Value>),
    /// Not known; says why.
    Unknown(&'static str),
}

impl Value {
    /// `value + offset`.
    #[must_use]
    pub fn plus(self, offset: i64) -> Value {
        match (self, offset) {
            (value, 0) => value,
            (Value::Const(number), offset) => Value::Const(number.wrapping_add_signed(offset)),
            (Value::Frame(at), offset) => Value::Frame(at.wrapping_add(offset)),
            (Value::Either(all), offset) => {
                Value::Either(all.into_iter().map(|value| value.plus(offset)).collect())
            }
            (Value::Unknown(why), _) => Value::Unknown(why),
            (value, offset) => Value::Binary(
                Op::Add,
                Box::new(value),
                Box::new(Value::Const(offset.cast_unsigned())),
            ),
        }
    }

    /// Whether a part of it is read from memory that is not the function's own frame: what that holds now.
    pub fn reads_memory(&self) -> bool {
        match self {
            Value::Load { .. } => true,
            Value::Binary(_, left, right) => left.reads_memory() || right.reads_memory(),
            Value::Extend { value, .. } => value.reads_memory(),
            Value::Either(all) => all.first().is_some_and(Value::reads_memory),
            _ => false,
        }
    }
}
