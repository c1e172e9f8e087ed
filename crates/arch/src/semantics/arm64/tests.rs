//! Encodings with the effects that the manuals give them.

use super::*;
use crate::semantics::conditions;
use crate::semantics::oracle::{self, Machine, check_any_bytes, check_table};
use crate::semantics::show;

#[test]
fn forms_mean_what_the_manual_says() {
    check_table(decode, 0x1000, include_str!("forms.txt"));
}

#[test]
fn any_bytes_are_decoded_or_refused() {
    check_any_bytes(decode);
}

/// The code around a real fault: a list is walked, the element is bad.
#[test]
fn a_function_is_read_instruction_by_instruction() {
    let words = [
        0xb400_00e0_u32,
        0xaa00_03e1,
        0xd280_0000,
        0xf940_0022,
        0xf940_0421,
        0x8b02_0000,
        0xb5ff_ffa1,
        0xd65f_03c0,
    ];
    let lines: Vec<String> = (0..)
        .step_by(4)
        .zip(words)
        .map(|(at, word)| {
            let insn = decode(&word.to_le_bytes(), 0x1000 + at).unwrap();
            format!("{} | {}", insn.text, show::insn(&insn))
        })
        .collect();
    let expected = [
        "cbz x0, 101c | if x0 eq 0 jump 0x101c",
        "mov x1, x0 | x1 = x0",
        "mov x0, #0x0 | x0 = 0",
        "ldr x2, [x1] | x2 = [x1]8",
        "ldr x1, [x1, #8] | x1 = [x1+8]8",
        "add x0, x0, x2 | x0 = (x0+x2)",
        "cbnz x1, 100c | if x1 ne 0 jump 0x100c",
        "ret | return",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_is_no_instruction_says_so() {
    let cut = decode(&[0x20, 0, 0x40], 8).unwrap_err();
    assert_eq!((cut.address, cut.size), (8, 0));
    // A vector instruction, a reserved one, and two whose outcome is not defined.
    for word in [0x4ea1_1c20_u32, 0x0001_0000, 0xf840_8421, 0xa940_0020] {
        let error = decode(&word.to_le_bytes(), 8).unwrap_err();
        assert_eq!((error.address, error.size), (8, 4), "{word:#x}");
    }
}

/// N, Z, C, V are bits 31 to 28 (Arm ARM C5.2, "NZCV").
fn holds(cond: Cond, flags: u64) -> Option<bool> {
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
}

/// What the head of `arm64.rs` says of the flags.
fn told(insn: &Insn) -> &'static [Cond] {
    const WITHOUT_CARRY: &[Cond] = &[
        Cond::Eq,
        Cond::Ne,
        Cond::LtS,
        Cond::LeS,
        Cond::GtS,
        Cond::GeS,
        Cond::Neg,
        Cond::Pos,
    ];
    let is_bits = ["tst", "ands", "bics"]
        .iter()
        .any(|word| insn.text.starts_with(word));
    if is_bits {
        WITHOUT_CARRY
    } else {
        conditions::ALL
    }
}

const MACHINE: Machine = Machine {
    decode,
    bits: 64,
    big: false,
    // In the order of `machine.c`.
    registers: &[
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
        "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
        "x27", "x28", "x29", "lr", "sp", "flags",
    ],
    narrow: &[],
    mask: oracle::all_bits,
    holds,
    compare: oracle::no_flags,
    test: oracle::no_flags,
};

#[test]
fn a_cpu_does_what_the_effects_say() {
    MACHINE.check_vectors(include_str!("vectors.txt"));
}

#[test]
fn the_flags_of_a_cpu_are_those_of_the_effects() {
    conditions::check(&MACHINE, include_str!("vectors.txt"), told);
}

/// Makes the vectors, where the environment names a program that executes instructions.
#[test]
fn record_arm64() {
    if std::env::var_os("WHY_MACHINE").is_some() {
        oracle::record::record(&MACHINE);
    }
}
