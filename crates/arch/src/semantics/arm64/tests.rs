use super::*;
use crate::semantics::oracle::{check_any_bytes, check_table};
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
