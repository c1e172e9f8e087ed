//! Which decoder reads the code of which architecture.

use base::Endian;

use super::{arm, arm64, mips, powerpc, riscv, x86};
use crate::Decode;

/// Architecture, byte order, decoder.
pub static DECODERS: &[(&str, Endian, Decode)] = &[
    ("x86_64", Endian::Little, x86::decode_64),
    ("i386", Endian::Little, x86::decode_32),
    ("arm64", Endian::Little, arm64::decode),
    // Its code is little-endian all the same.
    ("arm64", Endian::Big, arm64::decode),
    ("arm", Endian::Little, arm::decode_a32),
    ("mips64", Endian::Big, mips::decode_64_be),
    ("mips64", Endian::Little, mips::decode_64_le),
    ("mips", Endian::Big, mips::decode_32_be),
    ("mips", Endian::Little, mips::decode_32_le),
    ("riscv64", Endian::Little, riscv::decode_64),
    ("ppc64", Endian::Big, powerpc::decode_64_be),
    ("ppc64", Endian::Little, powerpc::decode_64_le),
];
