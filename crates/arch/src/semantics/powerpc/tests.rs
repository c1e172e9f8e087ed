//! Instructions with the effects that the manual gives them, and what a CPU did.

use super::{decode_64_be, decode_64_le};
use crate::Cond;
use crate::semantics::oracle::{self, Machine};

#[test]
fn forms() {
    oracle::check_table(
        decode_64_be,
        0xc000_0000_0010_0000,
        include_str!("forms.txt"),
    );
}

#[test]
fn byte_order_is_that_of_the_decoder() {
    for word in [
        0x3864_ffffu32,
        0xe872_0268,
        0x419e_0010,
        0x4e80_0020,
        0x7c60_2028,
    ] {
        assert_eq!(
            decode_64_be(&word.to_be_bytes(), 0x1000),
            decode_64_le(&word.to_le_bytes(), 0x1000)
        );
    }
}

/// `r2` and `r13` are those of `machine.c` itself.
#[rustfmt::skip]
const POWERPC64: Machine = Machine {
    decode: decode_64_be,
    bits: 64,
    big: true,
    registers: &[
        "r0", "r1", "-", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "-", "r14", "r15",
        "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29",
        "r30", "r31", "lr", "ctr", "xer", "cr0", "cr1", "cr2", "cr3", "cr4", "cr5", "cr6", "cr7",
    ],
    narrow: &[],
    mask: |name| match name {
        "xer" => 0x2000_0000,
        name if name.starts_with("cr") => 15,
        _ => u64::MAX,
    },
    holds: |cond, field| {
        let (less, greater, equal) = (field & 8 != 0, field & 4 != 0, field & 2 != 0);
        Some(match cond {
            Cond::LtS => less,
            Cond::GeS => !less,
            Cond::GtS => greater,
            Cond::LeS => !greater,
            Cond::Eq => equal,
            Cond::Ne => !equal,
            _ => return None,
        })
    },
    compare: |a, b| (order(a, b), 14),
    test: |a, b| (order(a & b, 0), 14),
};

/// The field after a comparison, without its lowest bit.
fn order(a: u64, b: u64) -> u64 {
    match (a as i64).cmp(&(b as i64)) {
        std::cmp::Ordering::Less => 8,
        std::cmp::Ordering::Greater => 4,
        std::cmp::Ordering::Equal => 2,
    }
}

const POWERPC64LE: Machine = Machine {
    decode: decode_64_le,
    big: false,
    ..POWERPC64
};

#[test]
fn vectors_of_both_byte_orders() {
    POWERPC64.check_vectors(include_str!("vectors_be.txt"));
    POWERPC64LE.check_vectors(include_str!("vectors_le.txt"));
}

#[test]
fn record_powerpc64_be() {
    oracle::record::record(&POWERPC64);
}

#[test]
fn record_powerpc64_le() {
    oracle::record::record(&POWERPC64LE);
}

#[test]
fn what_is_not_modelled_is_not_decoded() {
    for (word, size) in [
        (0x0600_0000u32, 8), // a prefix
        (0x7c00_27ec, 4),    // dcbz: it writes a block
        (0x4082_0011, 4),    // bnel: a call under a condition
        (0x4c9e_0420, 4),    // bnectr
        (0xfc00_f800, 4),    // floating point
        (0x1000_0000, 4),    // a vector
        (0x4400_0022, 4),    // a call of the hypervisor
        (0x8463_0004, 4),    // lwzu r3,4(r3): an invalid form
        (0x0000_0000, 4),
    ] {
        let error = decode_64_be(&word.to_be_bytes(), 0)
            .map(|insn| insn.text.to_string())
            .unwrap_err();
        assert_eq!(error.size, size, "{word:#x}");
    }
    assert_eq!(decode_64_le(&[0, 0, 0], 0).unwrap_err().size, 0);
}

#[test]
fn any_bytes() {
    oracle::check_any_bytes(decode_64_be);
}
