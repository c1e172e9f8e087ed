//! Arithmetic, logic, shifts, bits.

use iced_x86::{Mnemonic, OpKind};

use super::operand::{Lift, space};
use super::{binary, load, test};
use crate::semantics::width::widened;
use crate::{Cond, Effect, Expr, Load, Op, Reg, Test};

const FLAGS_OF_SUM: Expr = Expr::Unknown("flags of a sum");
const FLAGS_OF_SHIFT: Expr = Expr::Unknown("flags of a shift");

impl Lift<'_> {
    /// None where the instruction is of another kind or has operands that are not modelled.
    pub(super) fn integer(&mut self) -> Option<()> {
        use Mnemonic as M;
        match self.insn.mnemonic() {
            M::Add | M::Sub | M::Cmp | M::Inc | M::Dec | M::Neg | M::Not => self.sum_like(),
            M::Adc | M::Sbb => self.with_carry(),
            M::Xadd => self.exchange_add(),
            M::And | M::Or | M::Xor | M::Test => self.logic(),
            M::Andn => self.and_not(),
            M::Imul | M::Mul => self.product(),
            M::Div | M::Idiv => self.quotient(),
            M::Shl | M::Sal | M::Shr | M::Sar => self.shift(),
            M::Shlx | M::Shrx | M::Sarx => self.shift_without_flags(),
            M::Rol | M::Ror => self.rotate(),
            M::Shld | M::Shrd => self.double_shift(),
            M::Bt | M::Bts | M::Btr | M::Btc => self.bit(),
            M::Bsf | M::Bsr | M::Popcnt => self.count_bits(),
            M::Tzcnt | M::Lzcnt => self.unknown("number of zero bits", "flags of a bit count"),
            M::Bswap => self.unknown("bytes in the other order", ""),
            _ => None,
        }
    }

    fn sum_like(&mut self) -> Option<()> {
        use Mnemonic as M;
        let size = self.size(0)?;
        let zero = Expr::Const(0);
        let (value, flags) = match self.insn.mnemonic() {
            M::Add => (
                Expr::plus(self.raw(0, size)?, self.term(1, size)?),
                Some(FLAGS_OF_SUM),
            ),
            M::Inc => {
                let flags = compare(self.side(0, size)?, Expr::Const(1u64.wrapping_neg()));
                (Expr::plus(self.raw(0, size)?, Expr::Const(1)), Some(flags))
            }
            M::Dec => {
                let minus = Expr::Const(1u64.wrapping_neg());
                let flags = compare(self.side(0, size)?, Expr::Const(1));
                (Expr::plus(self.raw(0, size)?, minus), Some(flags))
            }
            M::Neg => {
                let flags = compare(zero.clone(), self.side(0, size)?);
                (binary(Op::Sub, zero, self.raw(0, size)?), Some(flags))
            }
            M::Not => (binary(Op::Xor, self.raw(0, size)?, Expr::Const(!0)), None),
            mnemonic => {
                let (left, right) = (self.side(0, size)?, self.side(1, size)?);
                let value = match self.term(1, size)? {
                    _ if self.same_register() => zero,
                    Expr::Const(number) => {
                        Expr::plus(self.raw(0, size)?, Expr::Const(number.wrapping_neg()))
                    }
                    right => binary(Op::Sub, self.raw(0, size)?, right),
                };
                let flags = compare(left, right);
                if mnemonic == M::Cmp {
                    self.set_flags(flags);
                    return Some(());
                }
                (value, Some(flags))
            }
        };
        self.write(0, size, value)?;
        if let Some(flags) = flags {
            self.set_flags(flags);
        }
        Some(())
    }

    fn with_carry(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let carry = |set, clear| {
            let flags = Expr::Reg(Reg::FLAGS);
            let test = Test {
                cond: Cond::LtU,
                left: flags,
                right: Expr::Const(0),
            };
            Expr::Select(
                Box::new(test),
                Box::new(Expr::Const(set)),
                Box::new(Expr::Const(clear)),
            )
        };
        let value = if self.insn.mnemonic() == Mnemonic::Adc {
            Expr::plus(
                Expr::plus(self.raw(0, size)?, self.term(1, size)?),
                carry(1, 0),
            )
        } else if self.same_register() {
            // The usual way to make a mask of a comparison.
            carry(!0, 0)
        } else {
            let difference = match self.term(1, size)? {
                Expr::Const(0) => self.raw(0, size)?,
                right => binary(Op::Sub, self.raw(0, size)?, right),
            };
            binary(Op::Sub, difference, carry(1, 0))
        };
        self.write(0, size, value)?;
        self.set_flags(Expr::Unknown("flags of a sum with carry"));
        Some(())
    }

    fn exchange_add(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let (old, added) = (self.plain(0, size)?, self.raw(1, size)?);
        let sum = Expr::plus(self.raw(0, size)?, added);
        if self.parts_of_one_register() {
            return None;
        }
        self.write(0, size, sum)?;
        self.write(1, size, old)?;
        self.set_flags(FLAGS_OF_SUM);
        Some(())
    }

    fn logic(&mut self) -> Option<()> {
        use Mnemonic as M;
        let size = self.size(0)?;
        let (left, right) = (self.raw(0, size)?, self.term(1, size)?);
        let same = self.same_register();
        let (value, flags) = match (self.insn.mnemonic(), &right) {
            (M::And | M::Test, _) => {
                let flags =
                    Expr::Test(Box::new(self.side(0, size)?), Box::new(self.side(1, size)?));
                if self.insn.mnemonic() == M::Test {
                    self.set_flags(flags);
                    return Some(());
                }
                let value = match right {
                    Expr::Const(0) => Expr::Const(0),
                    right => binary(Op::And, left, right),
                };
                (value, flags)
            }
            (M::Xor, _) if same => (Expr::Const(0), both(Expr::Const(0))),
            // Shorter than `mov $-1`.
            (M::Or, Expr::Const(0xffff_ffff_ffff_ffff)) => (Expr::Const(!0), both(Expr::Const(!0))),
            // Made for the flags only.
            (M::Or, _) if same => (left, both(self.side(0, size)?)),
            (M::Or, Expr::Const(0)) => (left, both(self.side(0, size)?)),
            (mnemonic, _) => {
                let op = if mnemonic == M::Or { Op::Or } else { Op::Xor };
                // Bits do not mix: the sign of the result is that of extended sides.
                let flags = both(binary(op, self.side(0, size)?, self.side(1, size)?));
                (binary(op, left, right), flags)
            }
        };
        self.write(0, size, value)?;
        self.set_flags(flags);
        Some(())
    }

    fn and_not(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let not = |value| binary(Op::Xor, value, Expr::Const(!0));
        let value = binary(Op::And, not(self.raw(1, size)?), self.raw(2, size)?);
        let sides = (not(self.side(1, size)?), self.side(2, size)?);
        self.write(0, size, value)?;
        self.set_flags(Expr::Test(Box::new(sides.0), Box::new(sides.1)));
        Some(())
    }

    fn product(&mut self) -> Option<()> {
        const FLAGS: Expr = Expr::Unknown("flags of a product");
        let size = self.size(0)?;
        let signed = self.insn.mnemonic() == Mnemonic::Imul;
        match self.insn.op_count() {
            1 => {
                let (low, high) = (self.accumulator(), self.data());
                let left = widened(Expr::Reg(low), size, signed);
                let product = binary(Op::Mul, left, self.value(0, size, signed)?);
                match size {
                    // Into ax as a whole.
                    1 => self.write_register(low, 2, product),
                    8 => {
                        let product = binary(Op::Mul, Expr::Reg(low), self.raw(0, size)?);
                        self.write_register(low, size, product);
                        self.set(high, Expr::Unknown("high half of a product"));
                    }
                    size => {
                        let bits = Expr::Const(u64::from(size) * 8);
                        self.write_register(low, size, product.clone());
                        self.write_register(high, size, binary(Op::Shr, product, bits));
                    }
                }
            }
            2 => {
                let value = binary(Op::Mul, self.raw(0, size)?, self.raw(1, size)?);
                self.write(0, size, value)?;
            }
            _ => {
                let value = binary(Op::Mul, self.raw(1, size)?, self.term(2, size)?);
                self.write(0, size, value)?;
            }
        }
        self.set_flags(FLAGS);
        Some(())
    }

    fn quotient(&mut self) -> Option<()> {
        let size = self.size(0)?;
        self.touch(0, size)?;
        let (low, high) = (self.accumulator(), self.data());
        if size == 1 {
            self.set(low, Expr::Unknown("quotient and remainder"));
        } else {
            self.set(low, Expr::Unknown("quotient"));
            self.set(high, Expr::Unknown("remainder"));
        }
        self.set_flags(Expr::Unknown("flags of a division"));
        Some(())
    }

    /// The count of a shift, masked as the CPU does (SDM volume 2, "SAL/SAR/SHL/SHR").
    fn shift_count(&self, op: u32, size: u8) -> Option<Expr> {
        let mask = if size == 8 { 63 } else { 31 };
        Some(match self.term(op, 1)? {
            Expr::Const(count) => Expr::Const(count & mask),
            count => binary(Op::And, count, Expr::Const(mask)),
        })
    }

    fn shifted(&self, op: Op, from: u32, size: u8, count: Expr) -> Option<Expr> {
        Some(match op {
            Op::Shl => binary(op, self.raw(from, size)?, count),
            // What comes in from above must be right.
            _ => binary(op, self.value(from, size, op == Op::Sar)?, count),
        })
    }

    fn shift(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let op = match self.insn.mnemonic() {
            Mnemonic::Shr => Op::Shr,
            Mnemonic::Sar => Op::Sar,
            _ => Op::Shl,
        };
        let count = self.shift_count(1, size)?;
        let value = self.shifted(op, 0, size, count)?;
        self.write(0, size, value)?;
        self.set_flags(FLAGS_OF_SHIFT);
        Some(())
    }

    fn shift_without_flags(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let op = match self.insn.mnemonic() {
            Mnemonic::Shrx => Op::Shr,
            Mnemonic::Sarx => Op::Sar,
            _ => Op::Shl,
        };
        let count = self.shift_count(2, size)?;
        let value = self.shifted(op, 1, size, count)?;
        self.write(0, size, value)
    }

    fn rotate(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let bits = u64::from(size) * 8;
        let count = match self.shift_count(1, size)? {
            Expr::Const(count) => count % bits,
            _ => {
                let why = "rotated by a variable count";
                return self.unknown(why, "flags of a rotation");
            }
        };
        let left = if self.insn.mnemonic() == Mnemonic::Rol {
            count
        } else {
            bits - count
        };
        let value = self.value(0, size, false)?;
        let value = match left % bits {
            0 => value,
            left => {
                let up = binary(Op::Shl, value.clone(), Expr::Const(left));
                binary(Op::Or, up, binary(Op::Shr, value, Expr::Const(bits - left)))
            }
        };
        self.write(0, size, value)?;
        self.set_flags(Expr::Unknown("flags of a rotation"));
        Some(())
    }

    fn double_shift(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let bits = u64::from(size) * 8;
        let count = match self.shift_count(2, size)? {
            Expr::Const(count) if count > 0 && count < bits => count,
            _ => return self.unknown("shifted through two registers", "flags of a shift"),
        };
        let shift = |op, value, count| binary(op, value, Expr::Const(count));
        let value = if self.insn.mnemonic() == Mnemonic::Shld {
            let low = shift(Op::Shr, self.value(1, size, false)?, bits - count);
            binary(Op::Or, shift(Op::Shl, self.raw(0, size)?, count), low)
        } else {
            let high = shift(Op::Shl, self.raw(1, size)?, bits - count);
            binary(
                Op::Or,
                shift(Op::Shr, self.value(0, size, false)?, count),
                high,
            )
        };
        self.write(0, size, value)?;
        self.set_flags(FLAGS_OF_SHIFT);
        Some(())
    }

    fn bit(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let bits = u64::from(size) * 8;
        let memory = self.insn.op0_kind() == OpKind::Memory;
        let index = self.term(1, size)?;
        let mut place = if memory {
            Some(self.memory(size, false)?)
        } else {
            None
        };
        let index = match index {
            Expr::Const(index) => Expr::Const(index & (bits - 1)),
            index => {
                // In memory the index reaches beyond the operand, in both directions
                // (SDM volume 2, "BT", table 3-2 of "Bit Test").
                if let Some(Load { address, .. }) = &mut place {
                    let words = bits.trailing_zeros().into();
                    let step = u64::from(size.trailing_zeros());
                    let word = self.value(1, size, true)?;
                    let word = binary(Op::Sar, word, Expr::Const(words));
                    let offset = binary(Op::Shl, word, Expr::Const(step));
                    *address = Expr::plus(address.clone(), offset);
                }
                binary(Op::And, index, Expr::Const(bits - 1))
            }
        };
        let word = match &place {
            Some(load) => Expr::Load(Box::new(load.clone())),
            None => self.raw(0, size)?,
        };
        let mask = match &index {
            Expr::Const(index) => Expr::Const(1 << index),
            index => binary(Op::Shl, Expr::Const(1), index.clone()),
        };
        let value = match self.insn.mnemonic() {
            Mnemonic::Bts => Some(binary(Op::Or, word.clone(), mask)),
            Mnemonic::Btc => Some(binary(Op::Xor, word.clone(), mask)),
            Mnemonic::Btr => {
                let kept = match mask {
                    Expr::Const(mask) => Expr::Const(!mask),
                    mask => binary(Op::Xor, mask, Expr::Const(!0)),
                };
                Some(binary(Op::And, word.clone(), kept))
            }
            _ => None,
        };
        match (value, place) {
            (
                Some(value),
                Some(Load {
                    address,
                    size,
                    space,
                    ..
                }),
            ) => {
                self.effects.push(Effect::Store {
                    address,
                    size,
                    value,
                    space,
                });
            }
            (Some(value), None) => self.write(0, size, value)?,
            (None, _) => {}
        }
        let bit = match &index {
            Expr::Const(0) => word,
            _ => binary(Op::Shr, word, index),
        };
        // The carry of `0 - bit` is the bit.
        self.set_flags(compare(
            Expr::Const(0),
            binary(Op::And, bit, Expr::Const(1)),
        ));
        Some(())
    }

    fn count_bits(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let why = match self.insn.mnemonic() {
            Mnemonic::Bsf => "index of the lowest bit",
            Mnemonic::Bsr => "index of the highest bit",
            _ => "number of set bits",
        };
        // Zero is told by the flags for all three; the other flags are of no use.
        let flags = compare(self.side(1, size)?, Expr::Const(0));
        self.write(0, size, Expr::Unknown(why))?;
        self.set_flags(flags);
        Some(())
    }

    /// The first operand takes a value that is not modelled, after all operands were read.
    pub(super) fn unknown(&mut self, why: &'static str, flags: &'static str) -> Option<()> {
        let size = self.size(0)?;
        for op in 0..self.insn.op_count() {
            self.touch(op, size)?;
        }
        self.write(0, size, Expr::Unknown(why))?;
        if !flags.is_empty() {
            self.set_flags(Expr::Unknown(flags));
        }
        Some(())
    }

    /// Operand `op` is read, where it is memory.
    pub(super) fn touch(&mut self, op: u32, size: u8) -> Option<()> {
        if self.insn.op_kind(op) == OpKind::Memory {
            let load = self.memory(size, false)?;
            self.effects.push(Effect::Touch(load));
        }
        Some(())
    }

    pub(super) fn set_condition(&mut self) -> Option<()> {
        let one = Box::new(Expr::Const(1));
        let value = Expr::Select(Box::new(test(self.insn)), one, Box::new(Expr::Const(0)));
        self.write(0, 1, value)
    }

    pub(super) fn conditional_move(&mut self) -> Option<()> {
        let size = self.size(0)?;
        let source = Box::new(self.plain(1, size)?);
        let kept = Box::new(self.plain(0, size)?);
        let value = Expr::Select(Box::new(test(self.insn)), source, kept);
        self.write(0, size, value)
    }

    pub(super) fn compare_exchange(&mut self) -> Option<()> {
        let size = self.size(0)?;
        // With a register as destination there is nothing atomic about it: nobody emits that.
        let Load {
            address,
            space: place,
            ..
        } = self.memory(size, false)?;
        let old = |signed| {
            let load = load(
                address.clone(),
                size,
                signed,
                space(self.insn.memory_segment()),
            );
            Expr::Load(Box::new(load))
        };
        let accumulator = self.accumulator();
        let whole = size == self.native();
        let left = match Expr::Reg(accumulator) {
            left if whole => left,
            left => widened(left, size, true),
        };
        let equal = Test {
            cond: Cond::Eq,
            left: left.clone(),
            right: old(!whole),
        };
        let kept = Box::new(old(false));
        let value = Expr::Select(Box::new(equal), Box::new(self.raw(1, size)?), kept);
        let flags = compare(left, old(!whole));
        let (old, address) = (old(false), address.clone());
        self.effects.push(Effect::Store {
            address,
            size,
            value,
            space: place,
        });
        // The old value in both cases: when equal, it was there before.
        self.write_register(accumulator, size, old);
        self.set_flags(flags);
        Some(())
    }

    /// Both operands are the same register.
    pub(super) fn same_register(&self) -> bool {
        let insn = self.insn;
        insn.op0_kind() == OpKind::Register
            && insn.op1_kind() == OpKind::Register
            && insn.op0_register() == insn.op1_register()
    }

    /// Both operands lie in the same register, perhaps in different parts.
    pub(super) fn parts_of_one_register(&self) -> bool {
        let insn = self.insn;
        insn.op0_kind() == OpKind::Register
            && insn.op1_kind() == OpKind::Register
            && insn.op0_register().full_register() == insn.op1_register().full_register()
    }
}

fn compare(left: Expr, right: Expr) -> Expr {
    Expr::Compare(Box::new(left), Box::new(right))
}

/// The comparison of a result with zero.
fn both(result: Expr) -> Expr {
    Expr::Test(Box::new(result.clone()), Box::new(result))
}
