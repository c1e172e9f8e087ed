//! RV64 with the extensions that kernels are built for: I, M, A, C, Zicsr, Zifencei, Zicond and
//! the bit manipulation of Zba, Zbb and Zbs.
//!
//! After "The RISC-V Instruction Set Manual, Volume I: Unprivileged Architecture"; the
//! privileged instructions after volume II. A compressed instruction is expanded to the one
//! that it stands for, as the manual defines it.

mod base;
mod compressed;
mod memory;
#[cfg(test)]
mod tests;

use super::build::{Draft, cut, signed, unsigned};
use crate::{Expr, Insn, Reg, Undecoded};

/// Decodes 64-bit little-endian code.
pub fn decode_64(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    let Some(half) = bytes.first_chunk::<2>() else {
        return Err(cut(address));
    };
    let half = u16::from_le_bytes(*half);
    let (size, found) = match length(half) {
        2 => {
            let found = match compressed::expand(half) {
                Ok(w) => Word {
                    w,
                    pc: address,
                    size: 2,
                }
                .decode(),
                Err(why) => Err(why),
            };
            (2, found)
        }
        4 => {
            let Some(word) = bytes.first_chunk::<4>() else {
                return Err(cut(address));
            };
            let w = u32::from_le_bytes(*word);
            (
                4,
                Word {
                    w,
                    pc: address,
                    size: 4,
                }
                .decode(),
            )
        }
        size => (size, Err("a long RISC-V instruction")),
    };
    match found {
        Ok(draft) => Ok(draft.at(address, size)),
        Err(why) => Err(Undecoded { address, size, why }),
    }
}

/// Bytes of the instruction that starts so ("Expanded Instruction-Length Encoding"); 0 where none
/// is defined.
fn length(half: u16) -> u8 {
    match half {
        half if half & 0x03 != 0x03 => 2,
        half if half & 0x1c != 0x1c => 4,
        half if half & 0x3f == 0x1f => 6,
        half if half & 0x7f == 0x3f => 8,
        _ => 0,
    }
}

/// A draft, or why there is none.
type Found = Result<Draft, &'static str>;

const UNKNOWN: &str = "no RISC-V instruction that is known";
const FLOAT: &str = "floating point is not modelled";

#[rustfmt::skip]
const NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// An instruction word at its place, of 32 bits or expanded to them.
#[derive(Clone, Copy)]
struct Word {
    w: u32,
    pc: u64,
    /// Bytes that it has in memory.
    size: u8,
}

/// The fields.
impl Word {
    fn bits(self, low: u32, count: u32) -> u32 {
        self.w >> low & ((1 << count) - 1)
    }
    fn opcode(self) -> u32 {
        self.bits(2, 5)
    }
    fn funct3(self) -> u32 {
        self.bits(12, 3)
    }
    fn funct7(self) -> u32 {
        self.bits(25, 7)
    }
    fn rd(self) -> u32 {
        self.bits(7, 5)
    }
    fn rs1(self) -> u32 {
        self.bits(15, 5)
    }
    fn rs2(self) -> u32 {
        self.bits(20, 5)
    }
    /// The immediate of loads and of arithmetic.
    fn imm_i(self) -> i64 {
        i64::from(self.w as i32 >> 20)
    }
    /// That of stores.
    fn imm_s(self) -> i64 {
        i64::from((self.w as i32 >> 25) << 5 | self.rd() as i32)
    }
    /// That of branches.
    fn imm_b(self) -> i64 {
        let low = self.bits(8, 4) << 1 | self.bits(25, 6) << 5 | self.bits(7, 1) << 11;
        i64::from((self.w as i32 >> 31) << 12 | low as i32)
    }
    /// That of `lui` and `auipc`, in its place.
    fn imm_u(self) -> i64 {
        i64::from((self.w & 0xffff_f000) as i32)
    }
    /// That of `jal`.
    fn imm_j(self) -> i64 {
        let low = self.bits(21, 10) << 1 | self.bits(20, 1) << 11 | self.bits(12, 8) << 12;
        i64::from((self.w as i32 >> 31) << 20 | low as i32)
    }
}

/// Registers and values.
impl Word {
    fn name(self, n: u32) -> &'static str {
        NAMES.get(n as usize).copied().unwrap_or("zero")
    }

    /// The register as a destination: none for `zero`.
    fn reg(self, n: u32) -> Option<Reg> {
        (n != 0).then(|| Reg(self.name(n)))
    }

    /// The value of the whole register.
    fn get(self, n: u32) -> Expr {
        self.reg(n).map_or(Expr::Const(0), Expr::Reg)
    }

    /// Its lowest 32 bits, the sign kept.
    fn s32(self, n: u32) -> Expr {
        signed(self.get(n), 4)
    }

    /// Its lowest 32 bits, zeros above.
    fn u32(self, n: u32) -> Expr {
        unsigned(self.get(n), 4)
    }

    fn relative(self, offset: i64) -> u64 {
        self.pc.wrapping_add_signed(offset)
    }

    /// Where a call returns to.
    fn link(self) -> Expr {
        Expr::Const(self.pc.wrapping_add(u64::from(self.size)))
    }

    fn decode(self) -> Found {
        match self.opcode() {
            0x00 => self.load(),
            0x01 | 0x09 => self.float_memory(),
            0x03 => self.fence(),
            0x04 => self.op_immediate(),
            0x05 => Ok(self.upper()),
            0x06 => self.op_immediate_32(),
            0x08 => self.store(),
            0x0b => self.atomic(),
            0x0c => self.op(),
            0x0d => Ok(self.upper()),
            0x0e => self.op_32(),
            0x10..=0x14 => Err(FLOAT),
            0x18 => self.branch(),
            0x19 if self.funct3() == 0 => self.jump_register(),
            0x1b => self.jump(),
            0x1c => self.system(),
            _ => Err(UNKNOWN),
        }
    }
}
