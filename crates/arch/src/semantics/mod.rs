//! What the instructions of each architecture do: bytes in, [`crate::Insn`] out.

#[cfg(test)]
pub(crate) mod show;
pub mod x86;
