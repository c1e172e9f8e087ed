//! Extension C: each compressed instruction as the one of 32 bits that it stands for
//! (Volume I, "RVC Instruction Set Listings").

use super::{FLOAT, UNKNOWN};

const SP: u32 = 2;
const RA: u32 = 1;

/// The instruction word that it stands for.
pub(super) fn expand(half: u16) -> Result<u32, &'static str> {
    let c = u32::from(half);
    let code = (c & 3) << 3 | c >> 13;
    // The registers of the short forms.
    let (short_low, short_high) = (c >> 2 & 7 | 8, c >> 7 & 7 | 8);
    let (rd, rs2) = (c >> 7 & 31, c >> 2 & 31);
    // Six bits of an immediate, the sign on top.
    let bits6 = c >> 7 & 0x20 | c >> 2 & 0x1f;
    let imm6 = (bits6 as i32) << 26 >> 26;
    Ok(match code {
        // Quadrant 0.
        0o00 => {
            let imm = c >> 7 & 0x30 | c >> 1 & 0x3c0 | c >> 4 & 4 | c >> 2 & 8;
            if half == 0 {
                // Defined to be illegal; `unimp` with which compilers fill holes.
                return Ok(0xc000_1073);
            }
            if imm == 0 {
                return Err(UNKNOWN);
            }
            i(0x13, 0, short_low, SP, imm as i32)
        }
        0o01 => i(0x07, 3, short_low, short_high, of_doubles(c)),
        0o02 => i(0x03, 2, short_low, short_high, of_words(c)),
        0o03 => i(0x03, 3, short_low, short_high, of_doubles(c)),
        0o05 => s(0x27, 3, short_high, short_low, of_doubles(c)),
        0o06 => s(0x23, 2, short_high, short_low, of_words(c)),
        0o07 => s(0x23, 3, short_high, short_low, of_doubles(c)),
        // Quadrant 1.
        0o10 => i(0x13, 0, rd, rd, imm6),
        0o11 if rd != 0 => i(0x1b, 0, rd, rd, imm6),
        0o12 => i(0x13, 0, rd, 0, imm6),
        0o13 if bits6 == 0 => return Err(UNKNOWN),
        0o13 if rd == SP => {
            let imm = c >> 2 & 0x10 | c << 3 & 0x20 | c << 1 & 0x40 | c << 4 & 0x180;
            let sign = if c & 0x1000 != 0 { -0x200 } else { 0 };
            i(0x13, 0, SP, SP, imm as i32 + sign)
        }
        0o13 => (imm6 as u32) << 12 | rd << 7 | 0x37,
        0o14 => arithmetic(c, short_high, short_low, bits6, imm6)?,
        0o15 => {
            let low = c >> 2 & 0x0e
                | c >> 7 & 0x10
                | c << 3 & 0x20
                | c >> 1 & 0x40
                | c << 1 & 0x80
                | c >> 1 & 0x300
                | c << 2 & 0x400;
            let sign = if c & 0x1000 != 0 { 0x001f_f800 } else { 0 };
            let imm = low | sign;
            imm << 11 & 0x8000_0000
                | imm << 20 & 0x7fe0_0000
                | imm << 9 & 0x0010_0000
                | imm & 0x000f_f000
                | 0x6f
        }
        0o16 | 0o17 => {
            let low = c >> 2 & 6 | c >> 7 & 0x18 | c << 3 & 0x20 | c << 1 & 0xc0;
            let sign = if c & 0x1000 != 0 { 0x1f00 } else { 0 };
            let imm = low | sign;
            imm << 19 & 0x8000_0000
                | imm << 20 & 0x7e00_0000
                | short_high << 15
                | (code & 1) << 12
                | imm << 7 & 0xf00
                | imm >> 4 & 0x80
                | 0x63
        }
        // Quadrant 2.
        0o20 => i(0x13, 1, rd, rd, bits6 as i32),
        0o21 => i(0x07, 3, rd, SP, of_stack_doubles(c)),
        0o22 if rd != 0 => {
            let imm = c >> 7 & 0x20 | c >> 2 & 0x1c | c << 4 & 0xc0;
            i(0x03, 2, rd, SP, imm as i32)
        }
        0o23 if rd != 0 => i(0x03, 3, rd, SP, of_stack_doubles(c)),
        0o24 => match (c & 0x1000 != 0, rd, rs2) {
            (false, 0, 0) => return Err(UNKNOWN),
            (false, _, 0) => i(0x67, 0, 0, rd, 0),
            (false, ..) => i(0x13, 0, rd, rs2, 0),
            (true, 0, 0) => 0x0010_0073,
            (true, _, 0) => i(0x67, 0, RA, rd, 0),
            (true, ..) => r(0x33, 0, 0, rd, rd, rs2),
        },
        0o25 => s(0x27, 3, SP, rs2, into_stack_doubles(c)),
        0o26 => s(0x23, 2, SP, rs2, (c >> 7 & 0x3c | c >> 1 & 0xc0) as i32),
        0o27 => s(0x23, 3, SP, rs2, into_stack_doubles(c)),
        0o04 => return Err("an instruction of extension Zcb"),
        0o31..=0o37 => return Err(FLOAT),
        _ => return Err(UNKNOWN),
    })
}

/// `c.srli` to `c.addw`.
fn arithmetic(c: u32, rd: u32, rs2: u32, bits6: u32, imm6: i32) -> Result<u32, &'static str> {
    Ok(match (c >> 10 & 3, c >> 12 & 1, c >> 5 & 3) {
        (0, ..) => i(0x13, 5, rd, rd, bits6 as i32),
        (1, ..) => i(0x13, 5, rd, rd, bits6 as i32 | 0x400),
        (2, ..) => i(0x13, 7, rd, rd, imm6),
        (_, 0, 0) => r(0x33, 0, 0x20, rd, rd, rs2),
        (_, 0, 1) => r(0x33, 4, 0, rd, rd, rs2),
        (_, 0, 2) => r(0x33, 6, 0, rd, rd, rs2),
        (_, 0, _) => r(0x33, 7, 0, rd, rd, rs2),
        (_, _, 0) => r(0x3b, 0, 0x20, rd, rd, rs2),
        (_, _, 1) => r(0x3b, 0, 0, rd, rd, rs2),
        _ => return Err("an instruction of extension Zcb"),
    })
}

fn of_words(c: u32) -> i32 {
    (c >> 7 & 0x38 | c >> 4 & 4 | c << 1 & 0x40) as i32
}

fn of_doubles(c: u32) -> i32 {
    (c >> 7 & 0x38 | c << 1 & 0xc0) as i32
}

fn of_stack_doubles(c: u32) -> i32 {
    (c >> 7 & 0x20 | c >> 2 & 0x18 | c << 4 & 0x1c0) as i32
}

fn into_stack_doubles(c: u32) -> i32 {
    (c >> 7 & 0x38 | c >> 1 & 0x1c0) as i32
}

fn i(opcode: u32, funct3: u32, rd: u32, rs1: u32, imm: i32) -> u32 {
    (imm as u32) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

fn s(opcode: u32, funct3: u32, rs1: u32, rs2: u32, imm: i32) -> u32 {
    let imm = imm as u32;
    (imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 31) << 7 | opcode
}

fn r(opcode: u32, funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}
