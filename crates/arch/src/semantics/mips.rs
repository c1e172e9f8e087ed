//! MIPS32 and MIPS64, releases 1 and 2, those of release 6 that no earlier
//! encoding contradicts, and the Cavium Octeon instructions that its compilers use.
//!
//! After "MIPS Architecture For Programmers", volume II-A: "The MIPS32 Instruction Set Manual" and
//! "The MIPS64 Instruction Set Manual"; Octeon after the opcode table of GNU binutils.
//!
//! Encodings with several meanings:
//! * Major opcodes 0x32, 0x36, 0x3a and 0x3e are branches on a bit on Octeon, compact branches in
//!   release 6, and loads and stores with two registers on Loongson. Big-endian 64-bit kernels run on
//!   Octeon, the others do not; so only there they are decoded, as Octeon's.
//! * `addi`, `daddi` are other instructions in release 6, and no compiler makes them.
//! * Branches "likely" execute the delay slot only when taken, which an [`Insn`] cannot say.

mod memory;
mod special;
#[cfg(test)]
mod tests;

use super::build::{Draft, cut, flag, sign_extend, signed, test, unsigned, with};
use crate::{Callee, Cond, Expr, Flow, Insn, Op, Reg, Undecoded};

/// Decodes 64-bit big-endian code.
pub fn decode_64_be(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(
        bytes,
        address,
        Mode {
            wide: true,
            big: true,
        },
    )
}

/// Decodes 64-bit little-endian code.
pub fn decode_64_le(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(
        bytes,
        address,
        Mode {
            wide: true,
            big: false,
        },
    )
}

/// Decodes 32-bit big-endian code.
pub fn decode_32_be(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(
        bytes,
        address,
        Mode {
            wide: false,
            big: true,
        },
    )
}

/// Decodes 32-bit little-endian code.
pub fn decode_32_le(bytes: &[u8], address: u64) -> Result<Insn, Undecoded> {
    decode(
        bytes,
        address,
        Mode {
            wide: false,
            big: false,
        },
    )
}

#[derive(Clone, Copy)]
struct Mode {
    wide: bool,
    big: bool,
}

fn decode(bytes: &[u8], address: u64, mode: Mode) -> Result<Insn, Undecoded> {
    let Some(word) = bytes.first_chunk::<4>() else {
        return Err(cut(address));
    };
    let w = if mode.big {
        u32::from_be_bytes(*word)
    } else {
        u32::from_le_bytes(*word)
    };
    let word = Word {
        w,
        pc: address,
        mode,
    };
    match word.decode() {
        Ok(draft) => Ok(draft.at(address, 4)),
        Err(why) => Err(Undecoded {
            address,
            size: 4,
            why,
        }),
    }
}

/// A draft, or why there is none.
type Found = Result<Draft, &'static str>;

const UNKNOWN: &str = "no MIPS instruction that is known";
const LIKELY: &str = "the delay slot of a branch likely is not always executed";

/// Names by the n64 convention, which has eight argument registers.
#[rustfmt::skip]
const N64: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3",
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra",
];

/// Names by the o32 convention, which has four.
#[rustfmt::skip]
const O32: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7",
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra",
];

const HI: Reg = Reg("hi");
const LO: Reg = Reg("lo");
const RA: Option<Reg> = Some(Reg("ra"));

/// An instruction word at its place.
#[derive(Clone, Copy)]
struct Word {
    w: u32,
    pc: u64,
    mode: Mode,
}

/// The fields.
impl Word {
    fn bits(self, low: u32, count: u32) -> u32 {
        self.w >> low & ((1 << count) - 1)
    }
    fn rs(self) -> u32 {
        self.bits(21, 5)
    }
    fn rt(self) -> u32 {
        self.bits(16, 5)
    }
    fn rd(self) -> u32 {
        self.bits(11, 5)
    }
    fn sa(self) -> u32 {
        self.bits(6, 5)
    }
    fn imm(self) -> i64 {
        sign_extend(self.w & 0xffff, 16)
    }
    fn uimm(self) -> u64 {
        u64::from(self.w & 0xffff)
    }
}

/// Registers and values.
impl Word {
    fn name(self, n: u32) -> &'static str {
        let names = if self.mode.wide { &N64 } else { &O32 };
        names.get(n as usize).copied().unwrap_or("zero")
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

    /// The register as the signed number that comparisons see.
    fn number(self, n: u32) -> Expr {
        if self.mode.wide {
            self.get(n)
        } else {
            self.s32(n)
        }
    }

    /// The register as the unsigned number that comparisons see.
    fn natural(self, n: u32) -> Expr {
        if self.mode.wide {
            self.get(n)
        } else {
            self.u32(n)
        }
    }

    /// A 32-bit result, which 64-bit registers hold with its sign extended.
    fn result(self, value: Expr) -> Expr {
        match value {
            Expr::Const(n) => Expr::Const(self.constant(n)),
            value if self.mode.wide => signed(value, 4),
            value => value,
        }
    }

    /// A 32-bit constant as registers hold it.
    fn constant(self, n: u64) -> u64 {
        crate::extend(n, 4, self.mode.wide)
    }

    /// An address within the mode's address space.
    fn place(self, n: u64) -> u64 {
        if self.mode.wide { n } else { n & 0xffff_ffff }
    }

    /// Only in 64-bit code.
    fn if_wide(self, draft: impl FnOnce() -> Draft) -> Found {
        if self.mode.wide {
            Ok(draft())
        } else {
            Err(UNKNOWN)
        }
    }
}

/// Instructions by major opcode.
impl Word {
    fn decode(self) -> Found {
        match self.bits(26, 6) {
            0x00 => self.special(),
            0x01 => self.regimm(),
            0x02 | 0x03 => Ok(self.jump()),
            0x04 | 0x05 => Ok(self.branch_equal()),
            0x06 | 0x07 if self.rt() == 0 => Ok(self.branch_zero()),
            0x09 => Ok(self.add_immediate(4)),
            0x19 => self.if_wide(|| self.add_immediate(8)),
            0x0a => Ok(self.immediate("slti", |x| {
                flag(test(
                    Cond::LtS,
                    x.number(x.rs()),
                    Expr::Const(x.imm() as u64),
                ))
            })),
            0x0b => Ok(self.immediate("sltiu", |x| {
                // The immediate is sign-extended, then both are unsigned.
                let limit = x.place(x.imm() as u64);
                flag(test(Cond::LtU, x.natural(x.rs()), Expr::Const(limit)))
            })),
            0x0c => Ok(self.logical("andi", Op::And)),
            0x0d => Ok(self.logical("ori", Op::Or)),
            0x0e => Ok(self.logical("xori", Op::Xor)),
            0x0f => Ok(self.upper()),
            0x10 => self.coprocessor0(),
            0x11 => Err("floating point is not modelled"),
            0x13 => self.prefetch_indexed(),
            0x14..=0x17 => Err(LIKELY),
            0x1c => self.special2(),
            0x1f => self.special3(),
            0x32 | 0x36 | 0x3a | 0x3e => self.bit_branch(),
            0x3b => self.pc_relative(),
            _ => self.memory(),
        }
    }

    /// `name rt,rs,imm` with a signed immediate.
    fn immediate(self, name: &str, value: impl FnOnce(Word) -> Expr) -> Draft {
        let (rt, rs) = (self.name(self.rt()), self.name(self.rs()));
        let text = format!("{name} {rt},{rs},{}", self.imm());
        Draft::new(text).set(self.reg(self.rt()), value(self))
    }

    fn add_immediate(self, size: u8) -> Draft {
        let sum = |x: Word| Expr::plus(x.get(x.rs()), Expr::Const(x.imm() as u64));
        if size == 8 {
            return self.immediate("daddiu", sum);
        }
        if self.rs() == 0 {
            let value = Expr::Const(self.constant(self.imm() as u64));
            let text = format!("li {},{}", self.name(self.rt()), self.imm());
            return Draft::new(text).set(self.reg(self.rt()), value);
        }
        self.immediate("addiu", |x| x.result(sum(x)))
    }

    fn logical(self, name: &str, op: Op) -> Draft {
        let (rt, rs) = (self.name(self.rt()), self.name(self.rs()));
        let value = with(op, self.get(self.rs()), self.uimm());
        let text = if self.rs() == 0 && op == Op::Or {
            format!("li {rt},{:#x}", self.uimm())
        } else {
            format!("{name} {rt},{rs},{:#x}", self.uimm())
        };
        Draft::new(text).set(self.reg(self.rt()), value)
    }

    /// `lui`, of which release 6 makes `aui` with a register to add to.
    fn upper(self) -> Draft {
        let rt = self.name(self.rt());
        let high = Expr::Const(self.constant(self.uimm() << 16));
        if self.rs() == 0 {
            let text = format!("lui {rt},{:#x}", self.uimm());
            return Draft::new(text).set(self.reg(self.rt()), high);
        }
        let text = format!("aui {rt},{},{:#x}", self.name(self.rs()), self.uimm());
        let sum = self.result(Expr::plus(self.get(self.rs()), high));
        Draft::new(text).set(self.reg(self.rt()), sum)
    }

    /// Addresses relative to the program counter, of release 6; the opcode was reserved before.
    fn pc_relative(self) -> Found {
        let into = self.reg(self.rs());
        let name = self.name(self.rs());
        let words = sign_extend(self.bits(0, 19), 19) << 2;
        let near = self.place(self.pc.wrapping_add_signed(words));
        let text = |op: &str| format!("{op} {name},{near:#x}");
        let load = |size, signed| Expr::load(Expr::Const(near), size, signed);
        match self.bits(16, 5) {
            0x00..=0x07 => Ok(Draft::new(text("addiupc")).set(into, Expr::Const(near))),
            0x08..=0x0f => Ok(Draft::new(text("lwpc")).set(into, load(4, self.mode.wide))),
            0x10..=0x17 => self.if_wide(|| Draft::new(text("lwupc")).set(into, load(4, false))),
            0x18..=0x1b => self.if_wide(|| {
                let words = sign_extend(self.bits(0, 18), 18) << 3;
                let near = (self.pc & !7).wrapping_add_signed(words);
                Draft::new(format!("ldpc {name},{near:#x}"))
                    .set(into, Expr::load(Expr::Const(near), 8, false))
            }),
            0x1e | 0x1f => {
                let far = self.pc.wrapping_add_signed(self.imm() << 16);
                let (op, far) = if self.bits(16, 1) == 0 {
                    ("auipc", far)
                } else {
                    ("aluipc", far & !0xffff)
                };
                let far = self.place(far);
                Ok(Draft::new(format!("{op} {name},{far:#x}")).set(into, Expr::Const(far)))
            }
            _ => Err(UNKNOWN),
        }
    }
}

/// Branches and jumps.
impl Word {
    /// Relative to the delay slot.
    fn near(self) -> u64 {
        let next = self.pc.wrapping_add(4);
        self.place(next.wrapping_add_signed(self.imm() << 2))
    }

    /// Where a call returns to: behind the delay slot.
    fn link(self) -> Expr {
        Expr::Const(self.place(self.pc.wrapping_add(8)))
    }

    /// `j` and `jal`, within the 256 MiB of the delay slot.
    fn jump(self) -> Draft {
        let region = self.pc.wrapping_add(4) & !0x0fff_ffff;
        let target = self.place(region | u64::from(self.bits(0, 26)) << 2);
        if self.bits(26, 6) == 2 {
            return Draft::new(format!("j {target:#x}"))
                .flow(Flow::Jump(Some(target)))
                .delayed();
        }
        Draft::new(format!("jal {target:#x}"))
            .set(RA, self.link())
            .flow(Flow::Call(Callee::At(target)))
            .delayed()
    }

    fn branch_equal(self) -> Draft {
        let is_equal = self.bits(26, 6) == 4;
        let target = self.near();
        let (rs, rt) = (self.rs(), self.rt());
        let (name, cond) = if is_equal {
            ("beq", Cond::Eq)
        } else {
            ("bne", Cond::Ne)
        };
        if rs == rt {
            return if is_equal {
                let text = match rs {
                    0 => format!("b {target:#x}"),
                    _ => format!("beq {0},{0},{target:#x}", self.name(rs)),
                };
                Draft::new(text).flow(Flow::Jump(Some(target))).delayed()
            } else {
                Draft::new(format!("bne {0},{0},{target:#x}", self.name(rs))).delayed()
            };
        }
        let text = match rt {
            0 => format!("{name}z {},{target:#x}", self.name(rs)),
            _ => format!("{name} {},{},{target:#x}", self.name(rs), self.name(rt)),
        };
        // A constant stands at the right.
        let (left, right) = if rs == 0 { (rt, rs) } else { (rs, rt) };
        let holds = test(cond, self.get(left), self.get(right));
        Draft::new(text).flow(Flow::Branch(target, holds)).delayed()
    }

    /// `blez` and `bgtz`.
    fn branch_zero(self) -> Draft {
        let (name, cond) = match self.bits(26, 6) {
            0x06 => ("blez", Cond::LeS),
            _ => ("bgtz", Cond::GtS),
        };
        self.branch_sign(name, cond)
    }

    fn branch_sign(self, name: &str, cond: Cond) -> Draft {
        let target = self.near();
        let holds = test(cond, self.number(self.rs()), Expr::Const(0));
        let draft = Draft::new(format!("{name} {},{target:#x}", self.name(self.rs()))).delayed();
        match (self.rs(), cond) {
            (0, Cond::LeS | Cond::GeS) => draft.flow(Flow::Jump(Some(target))),
            (0, _) => draft,
            _ => draft.flow(Flow::Branch(target, holds)),
        }
    }

    fn regimm(self) -> Found {
        match self.rt() {
            0x00 => Ok(self.branch_sign("bltz", Cond::LtS)),
            0x01 => Ok(self.branch_sign("bgez", Cond::GeS)),
            0x02 | 0x03 | 0x12 | 0x13 => Err(LIKELY),
            0x06 => self.if_wide(|| self.add_high("dahi", 32)),
            0x1e => self.if_wide(|| self.add_high("dati", 48)),
            0x08 => Ok(self.trap_immediate("tgei")),
            0x09 => Ok(self.trap_immediate("tgeiu")),
            0x0a => Ok(self.trap_immediate("tlti")),
            0x0b => Ok(self.trap_immediate("tltiu")),
            0x0c => Ok(self.trap_immediate("teqi")),
            0x0e => Ok(self.trap_immediate("tnei")),
            0x11 if self.rs() == 0 => Ok(self.branch_and_link()),
            0x10 | 0x11 => Err("a call under a condition"),
            0x1f => {
                let text = format!("synci {}({})", self.imm(), self.name(self.rs()));
                Ok(Draft::new(text).touch(self.effective(self.imm()), 1))
            }
            _ => Err(UNKNOWN),
        }
    }

    fn branch_and_link(self) -> Draft {
        let target = self.near();
        let draft = Draft::new(format!("bal {target:#x}")).set(RA, self.link());
        if Expr::Const(target) == self.link() {
            // Not a call: position-independent code asks where it is.
            return draft.flow(Flow::Jump(Some(target))).delayed();
        }
        draft.flow(Flow::Call(Callee::At(target))).delayed()
    }

    /// `dahi` and `dati` of release 6 add to the upper halves of a register.
    fn add_high(self, name: &str, shift: u32) -> Draft {
        let rs = self.name(self.rs());
        let high = Expr::Const((self.imm() << shift) as u64);
        let sum = Expr::plus(self.get(self.rs()), high);
        Draft::new(format!("{name} {rs},{rs},{:#x}", self.uimm())).set(self.reg(self.rs()), sum)
    }

    /// A trap under a condition: the next instruction is reached where it does not hold.
    fn trap_immediate(self, name: &str) -> Draft {
        Draft::new(format!("{name} {},{}", self.name(self.rs()), self.imm()))
    }

    /// Branches on one bit, of Octeon.
    fn bit_branch(self) -> Found {
        if !(self.mode.wide && self.mode.big) {
            return Err("its meaning depends on the make of the CPU");
        }
        let (name, cond, offset) = match self.bits(26, 6) {
            0x32 => ("bbit0", Cond::Eq, 0),
            0x36 => ("bbit032", Cond::Eq, 32),
            0x3a => ("bbit1", Cond::Ne, 0),
            _ => ("bbit132", Cond::Ne, 32),
        };
        let (bit, target) = (self.rt(), self.near());
        let value = with(Op::And, self.get(self.rs()), 1 << (bit + offset));
        let text = format!("{name} {},{bit:#x},{target:#x}", self.name(self.rs()));
        let draft = Draft::new(text).delayed();
        Ok(match (self.rs(), cond) {
            (0, Cond::Eq) => draft.flow(Flow::Jump(Some(target))),
            (0, _) => draft,
            _ => draft.flow(Flow::Branch(target, test(cond, value, Expr::Const(0)))),
        })
    }

    /// The privileged ones. What they do to the CPU is not modelled; none changes memory.
    fn coprocessor0(self) -> Found {
        let from = |name: &str| {
            let select = match self.bits(0, 3) {
                0 => String::new(),
                n => format!(",{n}"),
            };
            format!("{name} {},${}{select}", self.name(self.rt()), self.rd())
        };
        let control = Expr::Unknown("a control register of the CPU");
        match self.rs() {
            0x00 if self.bits(3, 8) == 0 => {
                Ok(Draft::new(from("mfc0")).set(self.reg(self.rt()), control))
            }
            0x01 if self.mode.wide && self.bits(3, 8) == 0 => {
                Ok(Draft::new(from("dmfc0")).set(self.reg(self.rt()), control))
            }
            0x04 if self.bits(3, 8) == 0 => Ok(Draft::new(from("mtc0"))),
            0x05 if self.mode.wide && self.bits(3, 8) == 0 => Ok(Draft::new(from("dmtc0"))),
            0x0b if self.w & 0xffdf == 0x6000 => {
                let name = if self.bits(5, 1) == 0 { "di" } else { "ei" };
                let text = match self.rt() {
                    0 => name.to_owned(),
                    n => format!("{name} {}", self.name(n)),
                };
                Ok(Draft::new(text).set(self.reg(self.rt()), control))
            }
            0x10..=0x1f => match self.w & 0x01ff_ffff {
                0x01 => Ok(Draft::new("tlbr")),
                0x02 => Ok(Draft::new("tlbwi")),
                0x03 => Ok(Draft::new("tlbinv")),
                0x04 => Ok(Draft::new("tlbinvf")),
                0x06 => Ok(Draft::new("tlbwr")),
                0x08 => Ok(Draft::new("tlbp")),
                0x18 => Ok(Draft::new("eret").flow(Flow::Jump(None))),
                0x1f => Ok(Draft::new("deret").flow(Flow::Jump(None))),
                code if code & 0x3f == 0x20 => Ok(Draft::new("wait")),
                _ => Err(UNKNOWN),
            },
            _ => Err(UNKNOWN),
        }
    }
}
