//! Instruction words with the effects that the manual gives them.

use super::{decode_32_be, decode_32_le, decode_64_be, decode_64_le};
use crate::semantics::oracle::{self, Machine};
use crate::{Cond, Flow};

/// The bonding driver's own code, as the log of the crash printed it.
#[test]
fn the_code_of_the_bonding_crash() {
    let base = 0xffff_ffff_c044_5a04;
    let rows: Vec<String> = [
        0xde440268u32,
        0x70431003,
        0x0082882d,
        0x92230018,
        0x10600007,
        0x3c02808b,
        0x8a020018,
        0x8e230000,
        0x9a02001b,
    ]
    .iter()
    .zip(0u64..)
    .map(|(word, n)| {
        let insn = decode_64_be(&word.to_be_bytes(), base + 4 * n).unwrap();
        assert_eq!(insn.delay_slot, insn.flow != Flow::Next);
        oracle::row(&word.to_be_bytes(), &insn)
    })
    .collect();
    assert_eq!(
        rows.join("\n"),
        "\
de440268 | ld a0,616(s2) | a0 = [s2+0x268]8
70431003 | dmul v0,v0,v1 | v0 = (v0*v1); clobber hi lo
0082882d | daddu s1,a0,v0 | s1 = (a0+v0)
92230018 | lbu v1,24(s1) | v1 = [s1+0x18]1
10600007 | beqz v1,0xffffffffc0445a34 | if v1 eq 0 jump 0xffffffffc0445a34
3c02808b | lui v0,0x808b | v0 = 0xffffffff808b0000
8a020018 | lwl v0,24(s0) | touch [s0+0x18]1; v0 = ((v0&?which bytes are kept?)|?part of an unaligned load?)
8e230000 | lw v1,0(s1) | v1 = [s1]4s
9a02001b | lwr v0,27(s0) | touch [s0+0x1b]1; v0 = ((v0&?which bytes are kept?)|?part of an unaligned load?)"
    );
}

#[test]
fn forms_of_64_bits() {
    oracle::check_table(
        decode_64_be,
        0xffff_ffff_8010_0000,
        include_str!("forms64.txt"),
    );
}

#[test]
fn forms_of_32_bits() {
    oracle::check_table(decode_32_be, 0x8010_0000, include_str!("forms32.txt"));
}

#[test]
fn byte_order_is_that_of_the_decoder() {
    let words = [
        0x24020001u32,
        0x3c02808b,
        0x10600007,
        0x8e230000,
        0x03e00008,
    ];
    for word in words {
        let address = 0x8010_0000;
        assert_eq!(
            decode_64_be(&word.to_be_bytes(), address),
            decode_64_le(&word.to_le_bytes(), address)
        );
        assert_eq!(
            decode_32_be(&word.to_be_bytes(), address),
            decode_32_le(&word.to_le_bytes(), address)
        );
    }
}

#[test]
fn what_has_several_meanings_is_not_decoded() {
    for word in [
        0x5443_0003u32,
        0x5040_0003,
        0x2042_0001,
        0x6042_0001,
        0x0451_0003,
        0x0320_1009,
    ] {
        let error = decode_64_be(&word.to_be_bytes(), 0).unwrap_err();
        assert_eq!(error.size, 4, "{word:#x}");
    }
    // Octeon's branch on a bit, where the CPU may be another make.
    let word = 0xc842_0003u32;
    assert!(decode_64_be(&word.to_be_bytes(), 0).is_ok());
    assert!(decode_64_le(&word.to_le_bytes(), 0).is_err());
    assert!(decode_32_be(&word.to_be_bytes(), 0).is_err());
    assert_eq!(decode_64_be(&[0xde, 0x44], 0).unwrap_err().size, 0);
}

#[test]
fn any_bytes() {
    oracle::check_any_bytes(decode_64_be);
    oracle::check_any_bytes(decode_32_le);
}

/// Whether it holds: there are no flags.
fn none(_: Cond, _: u64) -> Option<bool> {
    None
}

/// `k0` and `k1` are those of `machine.c` itself.
#[rustfmt::skip]
const MIPS64: Machine = Machine {
    decode: decode_64_be,
    bits: 64,
    big: true,
    registers: &[
        "-", "at", "v0", "v1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3",
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "-", "-", "gp", "sp", "s8", "ra",
        "hi", "lo",
    ],
    narrow: &["sra", "srav", "madd", "maddu", "msub", "msubu"],
    mask: oracle::all_bits,
    holds: none,
    compare: oracle::no_flags,
    test: oracle::no_flags,
};

#[rustfmt::skip]
const MIPS32: Machine = Machine {
    decode: decode_32_be,
    bits: 32,
    registers: &[
        "-", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7",
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "-", "-", "gp", "sp", "s8", "ra",
        "hi", "lo",
    ],
    ..MIPS64
};

#[test]
fn vectors_of_64_bits() {
    MIPS64.check_vectors(include_str!("vectors64.txt"));
}

#[test]
fn vectors_of_32_bits() {
    MIPS32.check_vectors(include_str!("vectors32.txt"));
}

#[test]
fn record_mips64() {
    oracle::record::record(&MIPS64);
}

#[test]
fn record_mips32() {
    oracle::record::record(&MIPS32);
}
