//! Instructions with the effects that the manual gives them, and what a CPU did.

use super::{decode_a32, decode_thumb};
use crate::semantics::oracle::{self, Machine};
use crate::{Cond, Flow};

#[test]
fn forms() {
    oracle::check_table(decode_a32, 0x8010_0000, include_str!("forms.txt"));
}

const ARM: Machine = Machine {
    decode: decode_a32,
    bits: 32,
    big: false,
    registers: &[
        "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "fp", "ip", "sp", "lr",
        "flags",
    ],
    narrow: &[],
    mask: |name| {
        if name == "flags" {
            0xf000_0000
        } else {
            u64::MAX
        }
    },
    holds: |cond, flags| {
        let [negative, zero, carry, overflow] = [31, 30, 29, 28].map(|bit| flags >> bit & 1 == 1);
        Some(match cond {
            Cond::Eq => zero,
            Cond::Ne => !zero,
            Cond::LtU => !carry,
            Cond::LeU => !carry || zero,
            Cond::GtU => carry && !zero,
            Cond::GeU => carry,
            Cond::LtS => negative != overflow,
            Cond::LeS => zero || negative != overflow,
            Cond::GtS => !zero && negative == overflow,
            Cond::GeS => negative == overflow,
            Cond::Neg => negative,
            Cond::Pos => !negative,
            Cond::Other => return None,
        })
    },
    compare: |a, b| {
        let (a, b) = (a as u32, b as u32);
        let difference = a.wrapping_sub(b);
        let overflow = (a ^ b) & (a ^ difference) & 0x8000_0000;
        let flags = sign_and_zero(difference.into(), 31)
            | u64::from(a >= b) << 29
            | u64::from(overflow >> 31) << 28;
        (flags, 0xf000_0000)
    },
    // The carry and the overflow are not told by a test.
    test: |a, b| (sign_and_zero(a & b, 63), 0xc000_0000),
};

fn sign_and_zero(value: u64, sign: u32) -> u64 {
    (value >> sign & 1) << 31 | u64::from(value == 0) << 30
}

#[test]
fn vectors() {
    ARM.check_vectors(include_str!("vectors.txt"));
}

#[test]
fn record_arm() {
    oracle::record::record(&ARM);
}

/// A return under a condition is left behind where it does not hold: registers are as before.
#[test]
fn what_follows_a_return_under_a_condition_finds_nothing_changed() {
    for word in [0x18bd_8010u32, 0x012f_ff1e, 0x149d_f004] {
        let insn = decode_a32(&word.to_le_bytes(), 0x8000).unwrap();
        assert_eq!(insn.flow, Flow::Next, "{}", insn.text);
        for name in super::NAMES {
            assert!(
                insn.sets(crate::Reg(name)).is_none(),
                "{} {name}",
                insn.text
            );
        }
    }
}

#[test]
fn what_is_not_modelled_is_not_decoded() {
    for word in [
        0xef00_0000u32, // svc 0
        0xe160_0070,    // smc #0
        0xf400_0000,    // vectors
        0xee30_0a00,    // vadd
        0xe8fd_8010,    // ldm sp!, {r4, pc}^
        0xe650_0f10,    // uadd8
        0xe5b0_0004,    // ldr r0, [r0, #4]!
        0xe1a0_0f1f,    // lsl r0, pc, pc
        0xffff_ffff,
    ] {
        let error = decode_a32(&word.to_le_bytes(), 0)
            .map(|insn| insn.text.to_string())
            .unwrap_err();
        assert_eq!(error.size, 4, "{word:#x}");
    }
    assert_eq!(decode_a32(&[0, 0, 0], 0).unwrap_err().size, 0);
    assert_eq!(decode_thumb(&[0x70, 0x47], 0).unwrap_err().size, 2);
    assert_eq!(
        decode_thumb(&[0x00, 0xf0, 0x00, 0xf8], 0).unwrap_err().size,
        4
    );
}

#[test]
fn any_bytes() {
    oracle::check_any_bytes(decode_a32);
}
