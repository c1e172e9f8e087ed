//! What an instruction does, in one form for all architectures.
//!
//! The form is made for slicing backwards: which register or memory word was
//! written, from what. Flags are a register like another. What a decoder
//! does not model is [`Expr::Unknown`], which ends a slice honestly; what it
//! does not know at all is [`Undecoded`].

use std::fmt;

use crate::Text;

/// A register by the name of its whole: `rax` also for `eax`, `x0` also for
/// `w0`. The names are those of the register tables in `arches/`, in lower
/// case, so that they meet the names in printed register dumps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(pub &'static str);

impl Reg {
    /// The condition flags, where the architecture has them: one register for all.
    pub const FLAGS: Reg = Reg("flags");
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A value, as a function of registers and memory before the instruction.
///
/// All arithmetic is modulo 2^64; a 32-bit architecture truncates where it
/// reads the result. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// The whole register.
    Reg(Reg),
    /// A number; of an address relative to the program counter the sum.
    Const(u64),
    /// What memory holds at the address.
    Load(Box<Load>),
    /// Two values combined.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// The lowest `size` bytes of the value, extended to 64 bits.
    Extend {
        /// Bytes that are kept: 1, 2 or 4.
        size: u8,
        /// Whether the sign is kept.
        signed: bool,
        /// The value.
        value: Box<Expr>,
    },
    /// The outcome of a comparison, for [`Reg::FLAGS`].
    Compare(Box<Expr>, Box<Expr>),
    /// The outcome of `left & right` against zero, for [`Reg::FLAGS`].
    Test(Box<Expr>, Box<Expr>),
    /// One of two values by a condition.
    Select(Box<Test>, Box<Expr>, Box<Expr>),
    /// Something that is not modelled; the reason is for people (`atomic exchange`).
    Unknown(&'static str),
}

/// A read of memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// Where.
    pub address: Expr,
    /// Bytes.
    pub size: u8,
    /// Whether the sign is kept when it is widened.
    pub signed: bool,
    /// A segment or address space that is not the kernel's linear one (`gs`: per-CPU on x86_64).
    pub space: Option<&'static str>,
}

/// How two values are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Unsigned quotient.
    DivU,
    /// Signed quotient.
    DivS,
    /// Bits of both.
    And,
    /// Bits of either.
    Or,
    /// Bits of one.
    Xor,
    /// Shifted left.
    Shl,
    /// Shifted right, zeros come in.
    Shr,
    /// Shifted right, the sign comes in.
    Sar,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Test {
    /// How the sides compare.
    pub cond: Cond,
    /// Left side; [`Reg::FLAGS`] where the comparison was an instruction of its own.
    pub left: Expr,
    /// Right side; of flags `Const(0)`.
    pub right: Expr,
}

/// How two sides compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each name says it: U is unsigned, S is signed")]
pub enum Cond {
    Eq,
    Ne,
    LtU,
    LeU,
    GtU,
    GeU,
    LtS,
    LeS,
    GtS,
    GeS,
    /// Negative.
    Neg,
    /// Not negative.
    Pos,
    /// A condition that is not modelled (overflow, parity).
    Other,
}

/// One thing that an instruction changes. The effects of one instruction are
/// simultaneous: all values are those before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A register takes a value.
    Set(Reg, Expr),
    /// Memory takes the lowest `size` bytes of a value.
    Store {
        /// Where.
        address: Expr,
        /// Bytes.
        size: u8,
        /// What.
        value: Expr,
        /// As [`Load::space`].
        space: Option<&'static str>,
    },
    /// Memory is read and the value goes nowhere that is modelled (prefetch, compare).
    Touch(Load),
    /// Registers that are changed in a way that is not modelled.
    Clobber(Vec<Reg>),
}

/// Where the CPU goes next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// Elsewhere; none where a saved state or something else that is not modelled says where.
    Jump(Option<u64>),
    /// To an address that is a value: a table of cases, or a function at the end of another.
    JumpTo(Expr),
    /// Elsewhere if the test holds, else to the next.
    Branch(u64, Test),
    /// Into a function, and back to the next instruction.
    Call(Callee),
    /// Back to the caller.
    Return,
    /// A trap that is meant: `ud2`, `brk`, `break`.
    Trap,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A function at a known address. In a relocatable object the address is
    /// that of the field before relocation; the relocation names the symbol.
    At(u64),
    /// A function whose address is a value (an operation of a table).
    Value(Expr),
}

/// A decoded instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Its address.
    pub address: u64,
    /// Its bytes in memory.
    pub size: u8,
    /// For people, in the architecture's own syntax as `objdump` prints it.
    pub text: Text,
    /// What it changes.
    pub effects: Vec<Effect>,
    /// Where it goes.
    pub flow: Flow,
    /// The next instruction is executed before the flow changes (MIPS).
    pub delay_slot: bool,
}

impl Insn {
    /// The memory that it reads or writes: address, bytes, whether it writes.
    pub fn accesses(&self) -> Vec<(&Expr, u8, bool)> {
        let mut accesses = Vec::new();
        for effect in &self.effects {
            match effect {
                Effect::Set(_, value) => value.loads(&mut accesses),
                Effect::Touch(load) => accesses.push((&load.address, load.size, false)),
                Effect::Store {
                    address,
                    size,
                    value,
                    ..
                } => {
                    value.loads(&mut accesses);
                    accesses.push((address, *size, true));
                }
                Effect::Clobber(_) => {}
            }
        }
        if let Flow::Call(Callee::Value(value)) | Flow::JumpTo(value) = &self.flow {
            value.loads(&mut accesses);
        }
        accesses
    }

    /// The value that the instruction gives to `reg`: none when it does not write it.
    pub fn sets(&self, reg: Reg) -> Option<&Expr> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Set(set, value) if *set == reg => Some(value),
            Effect::Clobber(regs) if regs.contains(&reg) => Some(&Expr::Unknown("not modelled")),
            _ => None,
        })
    }
}

impl Expr {
    /// `left + right`, folded when one side is zero.
    pub fn plus(left: Expr, right: Expr) -> Expr {
        match (&left, &right) {
            (_, Expr::Const(0)) => left,
            (Expr::Const(0), _) => right,
            (Expr::Const(a), Expr::Const(b)) => Expr::Const(a.wrapping_add(*b)),
            _ => Expr::Binary(Op::Add, Box::new(left), Box::new(right)),
        }
    }

    /// `register + offset`.
    pub fn at(reg: Reg, offset: i64) -> Expr {
        Expr::plus(Expr::Reg(reg), Expr::Const(offset as u64))
    }

    /// A read of `size` bytes at the address.
    pub fn load(address: Expr, size: u8, signed: bool) -> Expr {
        Expr::Load(Box::new(Load {
            address,
            size,
            signed,
            space: None,
        }))
    }

    fn loads<'a>(&'a self, into: &mut Vec<(&'a Expr, u8, bool)>) {
        match self {
            Expr::Load(load) => {
                load.address.loads(into);
                into.push((&load.address, load.size, false));
            }
            Expr::Binary(_, a, b) | Expr::Compare(a, b) | Expr::Test(a, b) => {
                a.loads(into);
                b.loads(into);
            }
            Expr::Extend { value, .. } => value.loads(into),
            Expr::Select(test, a, b) => {
                test.left.loads(into);
                test.right.loads(into);
                a.loads(into);
                b.loads(into);
            }
            Expr::Reg(_) | Expr::Const(_) | Expr::Unknown(_) => {}
        }
    }

    /// Every register that the value depends on, without those inside unknown parts.
    pub fn registers(&self, into: &mut Vec<Reg>) {
        match self {
            Expr::Reg(reg) => {
                if !into.contains(reg) {
                    into.push(*reg);
                }
            }
            Expr::Load(load) => load.address.registers(into),
            Expr::Binary(_, a, b) | Expr::Compare(a, b) | Expr::Test(a, b) => {
                a.registers(into);
                b.registers(into);
            }
            Expr::Extend { value, .. } => value.registers(into),
            Expr::Select(test, a, b) => {
                test.left.registers(into);
                test.right.registers(into);
                a.registers(into);
                b.registers(into);
            }
            Expr::Const(_) | Expr::Unknown(_) => {}
        }
    }

    /// The value, where `known` tells the registers it depends on; memory is not read.
    pub fn evaluate(&self, known: &dyn Fn(Reg) -> Option<u64>) -> Option<u64> {
        Some(match self {
            Expr::Reg(reg) => known(*reg)?,
            Expr::Const(value) => *value,
            Expr::Binary(op, a, b) => op.apply(a.evaluate(known)?, b.evaluate(known)?)?,
            Expr::Extend {
                size,
                signed,
                value,
            } => extend(value.evaluate(known)?, *size, *signed),
            Expr::Load(_)
            | Expr::Compare(..)
            | Expr::Test(..)
            | Expr::Select(..)
            | Expr::Unknown(_) => {
                return None;
            }
        })
    }
}

/// The lowest `size` bytes of `value`, extended to 64 bits.
pub fn extend(value: u64, size: u8, signed: bool) -> u64 {
    if size == 0 || size >= 8 {
        return value;
    }
    let shift = 64 - 8 * u32::from(size);
    if signed {
        ((value << shift) as i64 >> shift) as u64
    } else {
        value << shift >> shift
    }
}

impl Op {
    /// Applies it; none for a division by zero.
    pub fn apply(self, a: u64, b: u64) -> Option<u64> {
        let shift = (b & 63) as u32;
        Some(match self {
            Op::Add => a.wrapping_add(b),
            Op::Sub => a.wrapping_sub(b),
            Op::Mul => a.wrapping_mul(b),
            Op::DivU => a.checked_div(b)?,
            Op::DivS => (a as i64).checked_div(b as i64)? as u64,
            Op::And => a & b,
            Op::Or => a | b,
            Op::Xor => a ^ b,
            Op::Shl => a << shift,
            Op::Shr => a >> shift,
            Op::Sar => ((a as i64) >> shift) as u64,
        })
    }
}

/// Bytes that are no instruction, or none that this decoder knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecoded {
    /// Where.
    pub address: u64,
    /// How many bytes to skip to the next instruction, where the encoding tells; else 0.
    pub size: u8,
    /// Why.
    pub why: &'static str,
}

/// Decodes the instruction at the start of `bytes`, which lies at `address`.
/// The bytes are in the order of memory.
pub type Decode = fn(bytes: &[u8], address: u64) -> Result<Insn, Undecoded>;
