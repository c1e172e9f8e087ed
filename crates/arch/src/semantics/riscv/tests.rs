//! Instructions with the effects that the manual gives them, and what a CPU did.

use super::{compressed, decode_64};
use crate::Cond;
use crate::semantics::oracle::{self, Machine};

#[test]
fn forms() {
    oracle::check_table(decode_64, 0xffff_ffff_8010_0000, include_str!("forms.txt"));
}

/// `gp` and `tp` are those of `machine.c` itself.
#[rustfmt::skip]
const RISCV64: Machine = Machine {
    decode: decode_64,
    bits: 64,
    big: false,
    registers: &[
        "-", "ra", "sp", "-", "-", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
        "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
    ],
    narrow: &[],
    mask: oracle::all_bits,
    holds: none,
    compare: oracle::no_flags,
    test: oracle::no_flags,
};

/// Whether it holds: there are no flags.
fn none(_: Cond, _: u64) -> Option<bool> {
    None
}

#[test]
fn vectors() {
    RISCV64.check_vectors(include_str!("vectors.txt"));
}

#[test]
fn record_riscv64() {
    oracle::record::record(&RISCV64);
}

#[test]
fn lengths_that_the_encoding_tells() {
    let undecoded = |bytes: &[u8]| decode_64(bytes, 0).unwrap_err().size;
    assert_eq!(undecoded(&[0x1f, 0, 0, 0, 0, 0]), 6);
    assert_eq!(undecoded(&[0x3f, 0, 0, 0, 0, 0, 0, 0]), 8);
    assert_eq!(undecoded(&[0x7f, 0]), 0);
    assert_eq!(undecoded(&[0x57, 0, 0, 0]), 4);
    assert_eq!(undecoded(&[0x00, 0x80]), 2);
    assert_eq!(undecoded(&[0x13]), 0);
    assert_eq!(undecoded(&[0x13, 0x05, 0x05]), 0);
    // A link into another register than `ra` is a call by another convention.
    assert_eq!(undecoded(&[0xe7, 0x82, 0x02, 0x00]), 4);
}

/// Of all 65,536 compressed encodings each is expanded to a whole word or refused.
#[test]
fn every_compressed_instruction() {
    let mut count = 0;
    for half in 0..=u16::MAX {
        if half & 3 == 3 {
            continue;
        }
        if let Ok(word) = compressed::expand(half) {
            assert_eq!(word & 3, 3, "{half:#x}");
            let insn = decode_64(&half.to_le_bytes(), 0).unwrap();
            assert_eq!(insn.size, 2);
            count += 1;
        }
    }
    // The hints among them change nothing.
    assert_eq!(count, 46744);
}

#[test]
fn any_bytes() {
    oracle::check_any_bytes(decode_64);
}
