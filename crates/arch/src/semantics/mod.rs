//! What the instructions of each architecture do: bytes in, [`crate::Insn`] out.

pub(crate) mod build;
pub mod mips;
#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
pub(crate) mod show;
pub mod x86;
