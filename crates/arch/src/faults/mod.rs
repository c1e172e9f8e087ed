//! Fault codes that several architectures share, and what all decoders are made of.

pub mod mips;
pub mod powerpc;
pub mod riscv;
pub mod x86;

/// The phrases of the bits that are set.
pub fn set_bits(code: u64, bits: &[(u64, &str)]) -> Vec<String> {
    bits.iter()
        .filter(|(mask, _)| code & mask != 0)
        .map(|(_, words)| (*words).to_owned())
        .collect()
}

/// The phrase of a number, or `unknown … 0x…`.
pub fn named(number: u64, names: &[(u64, &str)], what: &str) -> String {
    names
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(
            || format!("unknown {what} {number:#x}"),
            |(_, words)| (*words).to_owned(),
        )
}
