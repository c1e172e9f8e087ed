//! What a CPU is: its names, registers, calling convention, the meaning of
//! its fault codes, and what its instructions do.

mod insn;

pub use insn::{Callee, Cond, Decode, Effect, Expr, Flow, Insn, Load, Op, Reg, Test, Undecoded, extend};
