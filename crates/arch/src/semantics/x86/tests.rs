//! Encodings with the effects that the manuals give them.

use crate::Flow;
use crate::semantics::conditions;
use crate::semantics::oracle::{self, Machine, check_table};
use crate::semantics::show;

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

#[test]
fn forms_of_64_bit_code_mean_what_the_manual_says() {
    check_table(decode_64, 0x1000, include_str!("forms_64.txt"));
}

#[test]
fn forms_of_32_bit_code_mean_what_the_manual_says() {
    check_table(decode_32, 0x1000, include_str!("forms_32.txt"));
}

/// The `Code:` line of a real oops: the walk of a list whose next element is bad.
#[test]
fn a_code_line_is_read_instruction_by_instruction() {
    let code = bytes("31 c0 48 85 ff 74 14 48 8b 17 48 8b 7f 08 48 01 d0 48 85 ff 75 f1 c3");
    let mut at = 0;
    let mut lines = Vec::new();
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let insn = decode_64(rest, 0x1000 + at as u64).unwrap();
        lines.push(format!("{} | {}", insn.text, show::insn(&insn)));
        at += usize::from(insn.size);
    }
    let expected = [
        "xor %eax,%eax | rax = 0; flags = test(0, 0)",
        "test %rdi,%rdi | flags = test(rdi, rdi)",
        "je 101b | if flags eq 0 jump 0x101b",
        "mov (%rdi),%rdx | rdx = [rdi]8",
        "mov 0x8(%rdi),%rdi | rdi = [rdi+8]8",
        "add %rdx,%rax | rax = (rax+rdx); flags = ?flags of a sum?",
        "test %rdi,%rdi | flags = test(rdi, rdi)",
        "jne 1007 | if flags ne 0 jump 0x1007",
        "ret | touch [rsp]8; rsp = (rsp+8); return",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn bytes_that_end_or_mean_nothing_say_so() {
    for code in ["", "48", "48 8b", "e8 00 00", "0f"] {
        let error = decode_64(&bytes(code), 7).unwrap_err();
        assert_eq!((error.address, error.size), (7, 0));
        assert_eq!(error.why, "the bytes end within the instruction");
    }
    // `push %es` and `aaa` are of 32-bit code only.
    for code in ["06 90 90 90", "37 90 90 90", "0f ff 05 90"] {
        if let Ok(insn) = decode_64(&bytes(code), 7) {
            assert_eq!(insn.flow, Flow::Trap, "{code}");
        }
    }
    assert!(decode_64(&bytes("06 90"), 7).is_err());
    assert!(decode_32(&bytes("06 90"), 7).is_ok());
    // Fifteen prefixes leave no room for an instruction.
    assert!(decode_64(&[0x66; 64], 7).is_err());
}

/// Any bytes may come out of a damaged log.
#[test]
fn random_bytes_are_decoded_or_refused() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut code = [0u8; 20];
    let mut decoded = 0;
    for round in 0..200_000u64 {
        for chunk in code.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
        }
        // The opcode maps that random bytes seldom reach.
        match round % 8 {
            0 => code[0] = 0x0f,
            1 => code[..2].copy_from_slice(&[0x48, 0x0f]),
            2 => code[0] = 0xc4,
            3 => code[0] = 0x62,
            _ => {}
        }
        let length = (state >> 59) as usize % (code.len() + 1);
        for decode in [decode_64, decode_32] {
            if let Ok(insn) = decode(&code[..length], state) {
                assert!((1..=15).contains(&insn.size) && usize::from(insn.size) <= length);
                assert!(!insn.text.is_empty());
                decoded += 1;
            }
        }
    }
    assert!(decoded > 100_000, "{decoded}");
}

/// CF, ZF, SF, OF are bits 0, 6, 7, 11 (SDM volume 1, figure 3-8).
fn holds(cond: Cond, flags: u64) -> Option<bool> {
    let [carry, zero, sign, overflow] = [0, 6, 7, 11].map(|bit| flags >> bit & 1 == 1);
    Some(match cond {
        Cond::Eq => zero,
        Cond::Ne => !zero,
        Cond::LtU => carry,
        Cond::LeU => carry || zero,
        Cond::GtU => !carry && !zero,
        Cond::GeU => !carry,
        Cond::LtS => sign != overflow,
        Cond::LeS => zero || sign != overflow,
        Cond::GtS => !zero && sign == overflow,
        Cond::GeS => sign == overflow,
        Cond::Neg => sign,
        Cond::Pos => !sign,
        Cond::Other => return None,
    })
}

/// What the head of `x86.rs` says of the flags.
fn told(insn: &Insn) -> &'static [Cond] {
    const SIGNED: &[Cond] = &[
        Cond::Eq,
        Cond::Ne,
        Cond::LtS,
        Cond::LeS,
        Cond::GtS,
        Cond::GeS,
    ];
    let word = insn.text.trim_start_matches("lock ");
    match word.get(..3) {
        Some("inc" | "dec") => SIGNED,
        Some("bsf" | "bsr" | "pop") => &[Cond::Eq, Cond::Ne],
        Some("bt " | "btl" | "btq" | "bts" | "btr" | "btc") => &[Cond::LtU, Cond::GeU],
        _ => conditions::ALL,
    }
}

const MACHINE: Machine = Machine {
    decode: decode_64,
    bits: 64,
    big: false,
    // In the order of `machine.c`.
    registers: &[
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15", "flags",
    ],
    narrow: &[],
    mask: oracle::all_bits,
    holds,
    compare: oracle::no_flags,
    test: oracle::no_flags,
};

#[test]
fn a_cpu_does_what_the_effects_say() {
    MACHINE.check_vectors(include_str!("vectors_64.txt"));
}

#[test]
fn the_flags_of_a_cpu_are_those_of_the_effects() {
    conditions::check(&MACHINE, include_str!("vectors_64.txt"), told);
}

/// Makes the vectors, where the environment names a program that executes instructions.
#[test]
fn record_x86_64() {
    if std::env::var_os("WHY_MACHINE").is_some() {
        oracle::record::record(&MACHINE);
    }
}

const NARROW: Machine = Machine {
    decode: decode_32,
    bits: 32,
    registers: &[
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "flags",
    ],
    ..MACHINE
};

#[test]
fn a_cpu_does_what_the_effects_of_32_bit_code_say() {
    NARROW.check_vectors(include_str!("vectors_32.txt"));
}

/// Makes the vectors, where the environment names a program that executes instructions.
#[test]
fn record_i386() {
    if std::env::var_os("WHY_MACHINE").is_some() {
        oracle::record::record(&NARROW);
    }
}
