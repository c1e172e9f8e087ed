//! Operands: registers and their parts, addresses, reading and writing.

use iced_x86::{Instruction, OpKind, Register};

use super::{binary, load};
use crate::semantics::width::{widened, zero_extended};
use crate::{Effect, Expr, Load, Op, Reg, extend};

/// In the order of their numbers in the encoding.
const WIDE: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];
const NARROW: [&str; 8] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
const SEGMENTS: [&str; 6] = ["es", "cs", "ss", "ds", "fs", "gs"];
const CONTROL: [&str; 9] = [
    "cr0", "cr1", "cr2", "cr3", "cr4", "cr5", "cr6", "cr7", "cr8",
];
const DEBUG: [&str; 8] = ["dr0", "dr1", "dr2", "dr3", "dr4", "dr5", "dr6", "dr7"];
const MASKS: [&str; 8] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];
/// The registers of MMX lie within those of the FPU (SDM volume 1, 9.2.2).
pub(super) const FPU: [&str; 8] = ["st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7"];
const VECTORS: [&str; 32] = [
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
    "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20",
    "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",
    "xmm31",
];

/// An instruction on its way to effects.
pub(super) struct Lift<'a> {
    pub insn: &'a Instruction,
    /// 64-bit mode.
    pub wide: bool,
    pub effects: Vec<Effect>,
}

impl<'a> Lift<'a> {
    pub fn new(insn: &'a Instruction, wide: bool) -> Self {
        let effects = Vec::with_capacity(2);
        Lift {
            insn,
            wide,
            effects,
        }
    }

    /// Bytes of a whole register.
    pub fn native(&self) -> u8 {
        if self.wide { 8 } else { 4 }
    }

    /// The general register of this number in the encoding.
    pub fn general(&self, number: usize) -> Option<Reg> {
        let names: &[&'static str] = if self.wide { &WIDE } else { &NARROW };
        names.get(number).map(|name| Reg(name))
    }

    fn pick(&self, wide: &'static str, narrow: &'static str) -> Reg {
        Reg(if self.wide { wide } else { narrow })
    }

    pub fn accumulator(&self) -> Reg {
        self.pick("rax", "eax")
    }

    pub fn data(&self) -> Reg {
        self.pick("rdx", "edx")
    }

    pub fn count(&self) -> Reg {
        self.pick("rcx", "ecx")
    }

    pub fn stack(&self) -> Reg {
        self.pick("rsp", "esp")
    }

    pub fn frame(&self) -> Reg {
        self.pick("rbp", "ebp")
    }

    pub fn source(&self) -> Reg {
        self.pick("rsi", "esi")
    }

    pub fn destination(&self) -> Reg {
        self.pick("rdi", "edi")
    }

    /// The whole register that `register` is or is a part of.
    pub fn whole(&self, register: Register) -> Option<Reg> {
        let number = register.number();
        if register.is_gpr() {
            return self.general(register.full_register().number());
        }
        let names: &[&'static str] = if register.is_vector_register() {
            &VECTORS
        } else if register.is_segment_register() {
            &SEGMENTS
        } else if register.is_cr() {
            &CONTROL
        } else if register.is_dr() {
            &DEBUG
        } else if register.is_k() {
            &MASKS
        } else if register.is_st() || register.is_mm() {
            &FPU
        } else {
            return None;
        };
        names.get(number).map(|name| Reg(name))
    }

    /// Bytes of operand `op`; none for immediate numbers, which take the size of another.
    pub fn size(&self, op: u32) -> Option<u8> {
        let size = match self.insn.op_kind(op) {
            OpKind::Register => self.insn.op_register(op).size(),
            OpKind::Memory => self.insn.memory_size().size(),
            _ => return None,
        };
        u8::try_from(size).ok().filter(|size| *size > 0)
    }

    fn general_operand(&self, op: u32) -> Option<(Reg, bool)> {
        let register = self.insn.op_register(op);
        let high = matches!(
            register,
            Register::AH | Register::BH | Register::CH | Register::DH
        );
        register
            .is_gpr()
            .then(|| self.whole(register))?
            .map(|reg| (reg, high))
    }

    /// A value whose lowest `size` bytes are those of operand `op`; what is above is not told.
    pub fn raw(&self, op: u32, size: u8) -> Option<Expr> {
        match self.insn.op_kind(op) {
            OpKind::Register => {
                let (reg, high) = self.general_operand(op)?;
                Some(if high {
                    binary(Op::Shr, Expr::Reg(reg), Expr::Const(8))
                } else {
                    Expr::Reg(reg)
                })
            }
            _ => self.value(op, size, false),
        }
    }

    /// Operand `op` of `size` bytes, extended to 64 bits.
    pub fn value(&self, op: u32, size: u8, signed: bool) -> Option<Expr> {
        match self.insn.op_kind(op) {
            OpKind::Register => Some(widened(self.raw(op, size)?, size, signed)),
            OpKind::Memory => Some(Expr::Load(Box::new(self.memory(size, signed)?))),
            // Of an immediate number the sign is part of the encoding; it reads best in full.
            _ => {
                let number = self.insn.try_immediate(op).ok()?;
                Some(Expr::Const(extend(number, size, signed)))
            }
        }
    }

    /// Operand `op` with nothing above its size, unless that is the size of a register.
    pub fn plain(&self, op: u32, size: u8) -> Option<Expr> {
        if size == self.native() {
            self.raw(op, size)
        } else {
            self.value(op, size, false)
        }
    }

    /// Operand `op` as one side of arithmetic modulo its size: numbers with their sign, so that
    /// `add $-8` adds -8.
    pub fn term(&self, op: u32, size: u8) -> Option<Expr> {
        match self.insn.try_immediate(op) {
            Ok(number) => Some(Expr::Const(extend(number, size, true))),
            Err(_) => self.raw(op, size),
        }
    }

    /// Operand `op` as one side of a comparison.
    pub fn side(&self, op: u32, size: u8) -> Option<Expr> {
        if size == self.native() {
            self.term(op, size)
        } else {
            self.value(op, size, true)
        }
    }

    /// Gives `value` to operand `op`, of which it changes `size` bytes.
    pub fn write(&mut self, op: u32, size: u8, value: Expr) -> Option<()> {
        match self.insn.op_kind(op) {
            OpKind::Register => {
                let (reg, high) = self.general_operand(op)?;
                if high {
                    let kept = binary(Op::And, Expr::Reg(reg), Expr::Const(!0xff00));
                    let byte = match zero_extended(value, 1) {
                        Expr::Const(number) => Expr::Const(number << 8),
                        byte => binary(Op::Shl, byte, Expr::Const(8)),
                    };
                    self.set(reg, binary(Op::Or, kept, byte));
                } else {
                    self.write_register(reg, size, value);
                }
            }
            OpKind::Memory => {
                let Load { address, space, .. } = self.memory(size, false)?;
                let value = match value {
                    Expr::Const(number) => Expr::Const(extend(number, size, false)),
                    value => value,
                };
                self.effects.push(Effect::Store {
                    address,
                    size,
                    value,
                    space,
                });
            }
            _ => return None,
        }
        Some(())
    }

    /// Gives `value` to the lowest `size` bytes of `reg`. In 64-bit mode four bytes clear those
    /// above, fewer keep them (SDM volume 1, 3.4.1.1).
    pub fn write_register(&mut self, reg: Reg, size: u8, value: Expr) {
        let value = match size {
            1 | 2 if matches!(value, Expr::Unknown(_)) => value,
            1 | 2 => {
                let kept = Expr::Const(if size == 1 { !0xff } else { !0xffff });
                let kept = binary(Op::And, Expr::Reg(reg), kept);
                binary(Op::Or, kept, zero_extended(value, size))
            }
            4 if self.wide || matches!(value, Expr::Const(_)) => zero_extended(value, size),
            _ => value,
        };
        self.set(reg, value);
    }

    pub fn set(&mut self, reg: Reg, value: Expr) {
        self.effects.push(Effect::Set(reg, value));
    }

    pub fn set_flags(&mut self, value: Expr) {
        self.set(Reg::FLAGS, value);
    }

    /// The read of `size` bytes at the memory operand.
    pub fn memory(&self, size: u8, signed: bool) -> Option<Load> {
        let space = space(self.insn.memory_segment());
        Some(load(self.address()?, size, signed, space))
    }

    /// The address of the memory operand.
    pub fn address(&self) -> Option<Expr> {
        let insn = self.insn;
        if insn.is_vsib() {
            return None;
        }
        if insn.is_ip_rel_memory_operand() {
            return Some(Expr::Const(insn.ip_rel_memory_address()));
        }
        let (base, index) = (insn.memory_base(), insn.memory_index());
        self.sum(
            base,
            index,
            insn.memory_index_scale(),
            insn.memory_displacement64(),
        )
    }

    /// `base + index * scale + displacement`.
    pub fn sum(&self, base: Register, index: Register, scale: u32, offset: u64) -> Option<Expr> {
        let none = Register::None;
        let size = match (base, index) {
            (Register::None, Register::None) if self.wide => return Some(Expr::Const(offset)),
            (Register::None, Register::None) => return Some(Expr::Const(extend(offset, 4, false))),
            (Register::None, part) | (part, _) => part.size() as u8,
        };
        let mut sum = Expr::Const(0);
        if base != none {
            sum = Expr::Reg(base.is_gpr().then(|| self.whole(base))??);
        }
        if index != none {
            let index = Expr::Reg(index.is_gpr().then(|| self.whole(index))??);
            let index = match scale {
                0 | 1 => index,
                scale => binary(Op::Mul, index, Expr::Const(scale.into())),
            };
            sum = Expr::plus(sum, index);
        }
        sum = Expr::plus(sum, Expr::Const(extend(offset, size, true)));
        // An address of 32 bits in 64-bit mode, or of 16: registers and sum are cut to it.
        Some(if size == self.native() {
            sum
        } else {
            widened(sum, size, false)
        })
    }
}

/// `gs` and `fs` have a base of their own; all other segments are flat in Linux.
pub(super) fn space(segment: Register) -> Option<&'static str> {
    match segment {
        Register::GS => Some("gs"),
        Register::FS => Some("fs"),
        _ => None,
    }
}
