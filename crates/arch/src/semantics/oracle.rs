//! Tables of instructions with what they do, for the tests of the decoders.

use crate::semantics::show;
use crate::{Decode, Insn};

/// Checks lines of `bytes | text | effects`. Each instruction lies at `address`; the
/// bytes are in the order of memory.
pub fn check_table(decode: Decode, address: u64, table: &str) {
    let mut wrong = Vec::new();
    for line in lines(table) {
        let bytes = hex(line.split('|').next().unwrap());
        let insn = decode(&bytes, address).unwrap_or_else(|error| panic!("{line}: {error:?}"));
        assert_eq!(usize::from(insn.size), bytes.len(), "{line}");
        let found = row(&bytes, &insn);
        if found != line {
            wrong.push(format!("-{line}\n+{found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A line of a table.
pub fn row(bytes: &[u8], insn: &Insn) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex} | {} | {}", insn.text, show::insn(insn))
        .trim_end()
        .to_owned()
}

/// The lines that are not empty and no comment.
fn lines(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.trim().as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// No bytes make the decoder panic, or claim more than there is.
pub fn check_any_bytes(decode: Decode) {
    // A full period of this generator visits every word of 32 bits once; some of it does here.
    let mut word = 0x1234_5678u32;
    for n in 0..400_000u32 {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The lowest bits of the generator are weak, those of an opcode are not.
        let bytes = [word.swap_bytes() ^ n, !word]
            .map(u32::to_le_bytes)
            .concat();
        for address in [0, 0xffff_ffff_ffff_fffc] {
            let size = match decode(&bytes, address) {
                Ok(insn) => {
                    insn.accesses();
                    assert!(insn.size > 0 && !insn.text.is_empty());
                    insn.size
                }
                Err(error) => error.size,
            };
            assert!(size <= 8);
        }
        for len in 0..4 {
            let _ = decode(&bytes[..len], 0x1000);
        }
    }
}
