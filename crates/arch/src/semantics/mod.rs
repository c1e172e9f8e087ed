//! What the instructions of each architecture do: bytes in, [`crate::Insn`] out.

pub mod arm;
pub mod arm64;
pub(crate) mod build;
#[cfg(test)]
mod conditions;
mod decoders;
pub mod mips;
#[cfg(test)]
pub(crate) mod oracle;
pub mod powerpc;
pub mod riscv;
#[cfg(test)]
pub(crate) mod show;
mod width;
pub mod x86;

pub use decoders::DECODERS;
