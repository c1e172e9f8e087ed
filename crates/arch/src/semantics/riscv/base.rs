//! Arithmetic, branches and the system instructions.

use super::{Found, UNKNOWN, Word};
use crate::semantics::build::{
    Draft, binary, flag, not, remainder, rotated_right, select, signed, test, unsigned, with,
};
use crate::{Callee, Cond, Expr, Flow, Op, Reg};

const RA: u32 = 1;
const COUNT: Expr = Expr::Unknown("a count of bits");

/// Arithmetic.
impl Word {
    fn into_rd(self, text: String, value: Expr) -> Found {
        Ok(Draft::new(text).set(self.reg(self.rd()), value))
    }

    fn with_immediate(self, name: &str, value: Expr) -> Found {
        let text = format!("{},{}", self.two(name), self.imm_i());
        self.into_rd(text, value)
    }

    fn two(self, name: &str) -> String {
        format!("{name} {},{}", self.name(self.rd()), self.name(self.rs1()))
    }

    fn three(self, name: &str, value: Expr) -> Found {
        let text = format!("{},{}", self.two(name), self.name(self.rs2()));
        self.into_rd(text, value)
    }

    /// `name rd,rs2`, where `rs1` is `zero`.
    fn of_second(self, name: &str, value: Expr) -> Found {
        let text = format!("{name} {},{}", self.name(self.rd()), self.name(self.rs2()));
        self.into_rd(text, value)
    }

    /// `lui` and `auipc`.
    pub(super) fn upper(self) -> Draft {
        let upper = self.imm_u();
        let (name, value) = match self.opcode() {
            0x05 => ("auipc", self.relative(upper)),
            _ => ("lui", upper as u64),
        };
        let text = format!("{name} {},{:#x}", self.name(self.rd()), self.w >> 12);
        Draft::new(text).set(self.reg(self.rd()), Expr::Const(value))
    }

    pub(super) fn op_immediate(self) -> Found {
        let (value, imm) = (self.get(self.rs1()), self.imm_i());
        let immediate = Expr::Const(imm as u64);
        let combined = |op| with(op, value.clone(), imm as u64);
        match self.funct3() {
            0 if self.w == 0x13 => Ok(Draft::new("nop")),
            0 if self.rs1() == 0 => {
                self.into_rd(format!("li {},{imm}", self.name(self.rd())), immediate)
            }
            0 if imm == 0 => self.into_rd(self.two("mv"), value),
            0 => self.with_immediate("addi", combined(Op::Add)),
            1 => self.shift_left(),
            2 => self.with_immediate("slti", flag(test(Cond::LtS, value, immediate))),
            3 if imm == 1 => self.into_rd(
                self.two("seqz"),
                flag(test(Cond::Eq, value, Expr::Const(0))),
            ),
            3 => self.with_immediate("sltiu", flag(test(Cond::LtU, value, immediate))),
            4 if imm == -1 => self.into_rd(self.two("not"), not(value)),
            4 => self.with_immediate("xori", combined(Op::Xor)),
            5 => self.shift_right(),
            6 => self.with_immediate("ori", combined(Op::Or)),
            _ if imm == 0xff => self.into_rd(self.two("zext.b"), unsigned(value, 1)),
            _ => self.with_immediate("andi", combined(Op::And)),
        }
    }

    fn shifted(self, name: &str, by: u32, value: Expr) -> Found {
        self.into_rd(format!("{},{by:#x}", self.two(name)), value)
    }

    /// Shifts to the left by a constant, and what shares their place.
    fn shift_left(self) -> Found {
        let (value, by) = (self.get(self.rs1()), self.bits(20, 6));
        let bit = 1u64 << by;
        match self.bits(26, 6) {
            0x00 => self.shifted("slli", by, with(Op::Shl, value, by.into())),
            0x0a => self.shifted("bseti", by, with(Op::Or, value, bit)),
            0x12 => self.shifted("bclri", by, with(Op::And, value, !bit)),
            0x1a => self.shifted("binvi", by, with(Op::Xor, value, bit)),
            0x18 => match by {
                0 => self.into_rd(self.two("clz"), COUNT),
                1 => self.into_rd(self.two("ctz"), COUNT),
                2 => self.into_rd(self.two("cpop"), COUNT),
                4 => self.into_rd(self.two("sext.b"), signed(value, 1)),
                5 => self.into_rd(self.two("sext.h"), signed(value, 2)),
                _ => Err(UNKNOWN),
            },
            _ => Err(UNKNOWN),
        }
    }

    fn shift_right(self) -> Found {
        let (value, by) = (self.get(self.rs1()), self.bits(20, 6));
        match (self.bits(26, 6), by) {
            (0x00, _) => self.shifted("srli", by, with(Op::Shr, value, by.into())),
            (0x10, _) => self.shifted("srai", by, with(Op::Sar, value, by.into())),
            (0x18, _) => self.shifted("rori", by, rotated_right(value, by, 64)),
            (0x12, _) => {
                let bit = with(Op::And, with(Op::Shr, value, by.into()), 1);
                self.shifted("bexti", by, bit)
            }
            (0x0a, 7) => self.into_rd(self.two("orc.b"), Expr::Unknown("which bytes are not zero")),
            (0x1a, 0x38) => self.into_rd(self.two("rev8"), Expr::Unknown("the bytes in reverse")),
            _ => Err(UNKNOWN),
        }
    }

    pub(super) fn op_immediate_32(self) -> Found {
        let value = self.get(self.rs1());
        let by = self.rs2();
        match (self.funct3(), self.funct7()) {
            (0, _) if self.imm_i() == 0 => self.into_rd(self.two("sext.w"), signed(value, 4)),
            (0, _) => {
                let sum = with(Op::Add, value, self.imm_i() as u64);
                self.with_immediate("addiw", signed(sum, 4))
            }
            (1, 0x00) => self.shifted("slliw", by, signed(with(Op::Shl, value, by.into()), 4)),
            (1, 0x04 | 0x05) => {
                let by = self.bits(20, 6);
                let value = with(Op::Shl, self.u32(self.rs1()), by.into());
                self.shifted("slli.uw", by, value)
            }
            (1, 0x30) => match by {
                0 => self.into_rd(self.two("clzw"), COUNT),
                1 => self.into_rd(self.two("ctzw"), COUNT),
                2 => self.into_rd(self.two("cpopw"), COUNT),
                _ => Err(UNKNOWN),
            },
            (5, 0x00) if by == 0 => self.shifted("srliw", by, signed(value, 4)),
            (5, 0x00) => {
                let value = with(Op::Shr, self.u32(self.rs1()), by.into());
                self.shifted("srliw", by, value)
            }
            (5, 0x20) => {
                let value = with(Op::Sar, self.s32(self.rs1()), by.into());
                self.shifted("sraiw", by, value)
            }
            (5, 0x30) => self.shifted("roriw", by, signed(rotated_right(value, by, 32), 4)),
            _ => Err(UNKNOWN),
        }
    }

    pub(super) fn op(self) -> Found {
        let (a, b) = (self.get(self.rs1()), self.get(self.rs2()));
        let (zero, first, second) = (Expr::Const(0), self.rs1(), self.rs2());
        let index = |by| Expr::plus(with(Op::Shl, a.clone(), by), b.clone());
        let either = |cond| {
            let holds = test(cond, a.clone(), b.clone());
            select(holds, a.clone(), b.clone())
        };
        let product = Expr::Unknown("the upper half of a 128-bit product");
        match (self.funct7(), self.funct3()) {
            (0x00, 0) => self.three("add", binary(Op::Add, a, b)),
            (0x00, 1) => self.three("sll", binary(Op::Shl, a, b)),
            (0x00, 2) if second == 0 => self.into_rd(self.two("sltz"), flag(test(Cond::LtS, a, b))),
            (0x00, 2) if first == 0 => self.of_second("sgtz", flag(test(Cond::GtS, b, zero))),
            (0x00, 2) => self.three("slt", flag(test(Cond::LtS, a, b))),
            (0x00, 3) if first == 0 => self.of_second("snez", flag(test(Cond::Ne, b, zero))),
            (0x00, 3) => self.three("sltu", flag(test(Cond::LtU, a, b))),
            (0x00, 4) => self.three("xor", binary(Op::Xor, a, b)),
            (0x00, 5) => self.three("srl", binary(Op::Shr, a, b)),
            (0x00, 6) => self.three("or", binary(Op::Or, a, b)),
            (0x00, 7) => self.three("and", binary(Op::And, a, b)),
            (0x20, 0) if first == 0 => self.of_second("neg", binary(Op::Sub, a, b)),
            (0x20, 0) => self.three("sub", binary(Op::Sub, a, b)),
            (0x20, 4) => self.three("xnor", not(binary(Op::Xor, a, b))),
            (0x20, 5) => self.three("sra", binary(Op::Sar, a, b)),
            (0x20, 6) => self.three("orn", binary(Op::Or, a, not(b))),
            (0x20, 7) => self.three("andn", binary(Op::And, a, not(b))),
            // Division by zero is defined, but the quotient here is not: no value is claimed for it.
            (0x01, 0) => self.three("mul", binary(Op::Mul, a, b)),
            (0x01, 1) => self.three("mulh", product),
            (0x01, 2) => self.three("mulhsu", product),
            (0x01, 3) => self.three("mulhu", product),
            (0x01, 4) => self.three("div", binary(Op::DivS, a, b)),
            (0x01, 5) => self.three("divu", binary(Op::DivU, a, b)),
            (0x01, 6) => self.three("rem", remainder(Op::DivS, a, b)),
            (0x01, 7) => self.three("remu", remainder(Op::DivU, a, b)),
            (0x05, 4) => self.three("min", either(Cond::LtS)),
            (0x05, 5) => self.three("minu", either(Cond::LtU)),
            (0x05, 6) => self.three("max", either(Cond::GtS)),
            (0x05, 7) => self.three("maxu", either(Cond::GtU)),
            (0x07, 5) => self.three(
                "czero.eqz",
                select(test(Cond::Eq, b, zero.clone()), zero, a),
            ),
            (0x07, 7) => self.three(
                "czero.nez",
                select(test(Cond::Ne, b, zero.clone()), zero, a),
            ),
            (0x10, 2) => self.three("sh1add", index(1)),
            (0x10, 4) => self.three("sh2add", index(2)),
            (0x10, 6) => self.three("sh3add", index(3)),
            (0x14, 1) => self.three("bset", binary(Op::Or, a, bit(b))),
            (0x24, 1) => self.three("bclr", binary(Op::And, a, not(bit(b)))),
            (0x34, 1) => self.three("binv", binary(Op::Xor, a, bit(b))),
            (0x24, 5) => self.three("bext", with(Op::And, binary(Op::Shr, a, b), 1)),
            (0x30, 1) => self.three("rol", rotated(a, b, Op::Shl)),
            (0x30, 5) => self.three("ror", rotated(a, b, Op::Shr)),
            _ => Err(UNKNOWN),
        }
    }

    pub(super) fn op_32(self) -> Found {
        let (a, b) = (self.get(self.rs1()), self.get(self.rs2()));
        let by = with(Op::And, b.clone(), 31);
        let (s1, s2) = (self.s32(self.rs1()), self.s32(self.rs2()));
        let (u1, u2) = (self.u32(self.rs1()), self.u32(self.rs2()));
        let index = |by| Expr::plus(with(Op::Shl, u1.clone(), by), b.clone());
        let word = |value| signed(value, 4);
        match (self.funct7(), self.funct3()) {
            (0x00, 0) => self.three("addw", word(binary(Op::Add, a, b))),
            (0x00, 1) => self.three("sllw", word(binary(Op::Shl, a, by))),
            (0x00, 5) => self.three("srlw", word(binary(Op::Shr, u1, by))),
            (0x20, 0) if self.rs1() == 0 => self.of_second("negw", word(binary(Op::Sub, a, b))),
            (0x20, 0) => self.three("subw", word(binary(Op::Sub, a, b))),
            (0x20, 5) => self.three("sraw", binary(Op::Sar, s1, by)),
            (0x01, 0) => self.three("mulw", word(binary(Op::Mul, a, b))),
            (0x01, 4) => self.three("divw", word(binary(Op::DivS, s1, s2))),
            (0x01, 5) => self.three("divuw", word(binary(Op::DivU, u1, u2))),
            (0x01, 6) => self.three("remw", word(remainder(Op::DivS, s1, s2))),
            (0x01, 7) => self.three("remuw", word(remainder(Op::DivU, u1, u2))),
            (0x04, 0) if self.rs2() == 0 => self.into_rd(self.two("zext.w"), u1),
            (0x04, 0) => self.three("add.uw", Expr::plus(u1, b)),
            (0x04, 4) if self.rs2() == 0 => self.into_rd(self.two("zext.h"), unsigned(a, 2)),
            (0x10, 2) => self.three("sh1add.uw", index(1)),
            (0x10, 4) => self.three("sh2add.uw", index(2)),
            (0x10, 6) => self.three("sh3add.uw", index(3)),
            (0x30, 1 | 5) => {
                let back = binary(Op::Sub, Expr::Const(32), by.clone());
                let (name, right, left) = match self.funct3() {
                    1 => ("rolw", back, by),
                    _ => ("rorw", by, back),
                };
                let low = binary(Op::Shr, u1, right);
                self.three(name, word(binary(Op::Or, low, binary(Op::Shl, a, left))))
            }
            _ => Err(UNKNOWN),
        }
    }
}

/// The bit of this number.
fn bit(number: Expr) -> Expr {
    binary(Op::Shl, Expr::Const(1), number)
}

/// Rotated by a register; of a rotation by nothing both halves are the value.
fn rotated(value: Expr, by: Expr, op: Op) -> Expr {
    let back = binary(Op::Sub, Expr::Const(0), by.clone());
    let other = if op == Op::Shl { Op::Shr } else { Op::Shl };
    let half = binary(op, value.clone(), by);
    binary(Op::Or, half, binary(other, value, back))
}

/// Branches, jumps, calls and the system.
impl Word {
    pub(super) fn branch(self) -> Found {
        let (name, cond, swapped) = match self.funct3() {
            0 => ("beq", Cond::Eq, Cond::Eq),
            1 => ("bne", Cond::Ne, Cond::Ne),
            4 => ("blt", Cond::LtS, Cond::GtS),
            5 => ("bge", Cond::GeS, Cond::LeS),
            6 => ("bltu", Cond::LtU, Cond::GtU),
            7 => ("bgeu", Cond::GeU, Cond::LeU),
            _ => return Err(UNKNOWN),
        };
        let target = self.relative(self.imm_b());
        let (rs1, rs2) = (self.rs1(), self.rs2());
        let (a, b) = (self.name(rs1), self.name(rs2));
        let text = match (name, rs1, rs2) {
            ("blt", 0, _) => format!("bgtz {b},{target:#x}"),
            ("bge", 0, _) => format!("blez {b},{target:#x}"),
            ("beq" | "bne" | "blt" | "bge", _, 0) => format!("{name}z {a},{target:#x}"),
            _ => format!("{name} {a},{b},{target:#x}"),
        };
        let flow = match cond {
            Cond::Eq | Cond::GeS | Cond::GeU if rs1 == rs2 => Flow::Jump(Some(target)),
            _ if rs1 == rs2 => Flow::Next,
            // A constant stands at the right.
            _ if rs1 == 0 => Flow::Branch(target, test(swapped, self.get(rs2), self.get(rs1))),
            _ => Flow::Branch(target, test(cond, self.get(rs1), self.get(rs2))),
        };
        Ok(Draft::new(text).flow(flow))
    }

    pub(super) fn jump(self) -> Found {
        let target = self.relative(self.imm_j());
        match self.rd() {
            0 => Ok(Draft::new(format!("j {target:#x}")).flow(Flow::Jump(Some(target)))),
            RA => Ok(Draft::new(format!("jal {target:#x}"))
                .set(self.reg(RA), self.link())
                .flow(Flow::Call(Callee::At(target)))),
            _ => Err("a call that links another register"),
        }
    }

    /// The target's lowest bit is cleared by the CPU; it is not set in the address of any function.
    pub(super) fn jump_register(self) -> Found {
        let base = self.name(self.rs1());
        let target = Expr::plus(self.get(self.rs1()), Expr::Const(self.imm_i() as u64));
        let operand = match self.imm_i() {
            0 => base.to_owned(),
            offset => format!("{offset}({base})"),
        };
        match (self.rd(), self.rs1(), self.imm_i()) {
            (0, RA, 0) => Ok(Draft::new("ret").flow(Flow::Return)),
            (0, ..) => Ok(Draft::new(format!("jr {operand}")).flow(Flow::JumpTo(target))),
            (RA, ..) => Ok(Draft::new(format!("jalr {operand}"))
                .set(self.reg(RA), self.link())
                .flow(Flow::Call(Callee::Value(target)))),
            _ => Err("a call that links another register"),
        }
    }

    pub(super) fn system(self) -> Found {
        let bare = self.rd() == 0 && self.rs1() == 0;
        match (self.funct3(), self.imm_i() & 0xfff) {
            // To the firmware, which answers in two registers ("Binary Encoding" of the SBI).
            (0, 0x000) if bare => Ok(Draft::new("ecall").clobber(&[Reg("a0"), Reg("a1")])),
            (0, 0x001) if bare => Ok(Draft::new("ebreak").flow(Flow::Trap)),
            (0, 0x102) if bare => Ok(Draft::new("sret").flow(Flow::Jump(None))),
            (0, 0x302) if bare => Ok(Draft::new("mret").flow(Flow::Jump(None))),
            (0, 0x105) if bare => Ok(Draft::new("wfi")),
            (0, _) if self.funct7() == 0x09 && self.rd() == 0 => {
                let (a, b) = (self.name(self.rs1()), self.name(self.rs2()));
                Ok(Draft::new(match (self.rs1(), self.rs2()) {
                    (0, 0) => "sfence.vma".to_owned(),
                    (_, 0) => format!("sfence.vma {a}"),
                    _ => format!("sfence.vma {a},{b}"),
                }))
            }
            (1, 0xc00) if bare => Ok(Draft::new("unimp").flow(Flow::Trap)),
            (1..=3 | 5..=7, number) => {
                let value = Expr::Unknown("a control register of the CPU");
                let text = self.control_text(number);
                Ok(Draft::new(text).set(self.reg(self.rd()), value))
            }
            _ => Err(UNKNOWN),
        }
    }

    fn control_text(self, number: i64) -> String {
        let csr = match number {
            0x100 => "sstatus",
            0x104 => "sie",
            0x105 => "stvec",
            0x140 => "sscratch",
            0x141 => "sepc",
            0x142 => "scause",
            0x143 => "stval",
            0x144 => "sip",
            0x14d => "stimecmp",
            0x180 => "satp",
            0xc00 => "cycle",
            0xc01 => "time",
            0xc02 => "instret",
            _ => "",
        };
        let csr = if csr.is_empty() {
            format!("{number:#x}")
        } else {
            csr.to_owned()
        };
        let letter = match self.funct3() & 3 {
            1 => "w",
            2 => "s",
            _ => "c",
        };
        let rd = self.name(self.rd());
        let (suffix, source) = if self.funct3() & 4 == 0 {
            ("", self.name(self.rs1()).to_owned())
        } else {
            ("i", self.rs1().to_string())
        };
        match (self.rd(), self.rs1(), letter, suffix) {
            (_, 0, "s", "") if csr == "time" || csr == "cycle" || csr == "instret" => {
                format!("rd{csr} {rd}")
            }
            (_, 0, "s", "") => format!("csrr {rd},{csr}"),
            (0, ..) => format!("csr{letter}{suffix} {csr},{source}"),
            _ => format!("csrr{letter}{suffix} {rd},{csr},{source}"),
        }
    }
}
