//! Moves, the stack, strings.

use iced_x86::{Mnemonic, OpKind};

use super::operand::{Lift, space};
use super::{binary, load};
use crate::semantics::width::widened;
use crate::{Effect, Expr, Op};

impl Lift<'_> {
    /// None where the instruction is of another kind or has operands that are not modelled.
    pub(super) fn moves(&mut self) -> Option<()> {
        use Mnemonic as M;
        match self.insn.mnemonic() {
            M::Mov | M::Movnti => {
                let size = self.size(0)?;
                // Selectors, control registers and the like are read as a whole.
                let register = self.insn.op1_kind() == OpKind::Register;
                let value = match self.whole(self.insn.op1_register()) {
                    Some(reg) if register && !self.insn.op1_register().is_gpr() => Expr::Reg(reg),
                    _ => self.raw(1, size)?,
                };
                self.write(0, size, value)
            }
            M::Movzx | M::Movsx | M::Movsxd => {
                let signed = self.insn.mnemonic() != M::Movzx;
                let value = self.value(1, self.size(1)?, signed)?;
                self.write(0, self.size(0)?, value)
            }
            M::Movbe => self.unknown("bytes in the other order", ""),
            M::Lea => {
                let size = self.size(0)?;
                let address = self.address()?;
                self.write(0, size, address)
            }
            M::Xchg => self.exchange(),
            M::Cbw | M::Cwde | M::Cdqe => {
                let reg = self.accumulator();
                let size = match self.insn.mnemonic() {
                    M::Cbw => 2,
                    M::Cwde => 4,
                    _ => 8,
                };
                self.write_register(reg, size, widened(Expr::Reg(reg), size / 2, true));
                Some(())
            }
            M::Cwd | M::Cdq | M::Cqo => {
                let size = match self.insn.mnemonic() {
                    M::Cwd => 2,
                    M::Cdq => 4,
                    _ => 8,
                };
                let value = widened(Expr::Reg(self.accumulator()), size, true);
                let sign = binary(Op::Sar, value, Expr::Const(u64::from(size) * 8 - 1));
                self.write_register(self.data(), size, sign);
                Some(())
            }
            M::Push => self.push(),
            M::Pop => self.pop(),
            M::Leave => {
                let (stack, frame, size) = (self.stack(), self.frame(), self.native());
                if self.insn.stack_pointer_increment() != 0 {
                    return None;
                }
                self.set(stack, Expr::at(frame, size.into()));
                self.set(frame, Expr::load(Expr::Reg(frame), size, false));
                Some(())
            }
            M::Pushfq | M::Pushfd => {
                self.push_value(self.native(), Expr::Unknown("flags as a word"));
                Some(())
            }
            M::Popfq | M::Popfd => {
                let (stack, size) = (self.stack(), self.native());
                self.effects
                    .push(Effect::Touch(load(Expr::Reg(stack), size, false, None)));
                self.set(stack, Expr::at(stack, size.into()));
                self.set_flags(Expr::Unknown("flags as a word"));
                Some(())
            }
            _ => None,
        }
    }

    fn exchange(&mut self) -> Option<()> {
        let size = self.size(0)?;
        if self.parts_of_one_register() {
            return None;
        }
        let (left, right) = (self.plain(0, size)?, self.plain(1, size)?);
        self.write(0, size, right)?;
        self.write(1, size, left)
    }

    fn push_value(&mut self, size: u8, value: Expr) {
        let stack = self.stack();
        let address = Expr::at(stack, -i64::from(size));
        self.set(stack, address.clone());
        self.effects.push(Effect::Store {
            address,
            size,
            value,
            space: None,
        });
    }

    fn push(&mut self) -> Option<()> {
        let size = u8::try_from(-self.insn.stack_pointer_increment()).ok()?;
        let register = self.insn.op0_register();
        let value = if self.insn.op0_kind() == OpKind::Register && !register.is_gpr() {
            Expr::Reg(self.whole(register)?)
        } else {
            self.plain(0, size)?
        };
        self.push_value(size, value);
        Some(())
    }

    fn pop(&mut self) -> Option<()> {
        let size = u8::try_from(self.insn.stack_pointer_increment()).ok()?;
        let stack = self.stack();
        let value = Expr::load(Expr::Reg(stack), size, false);
        match self.insn.op0_kind() {
            OpKind::Register => {
                let register = self.insn.op0_register();
                if register.is_gpr() {
                    self.write(0, size, value)?;
                } else {
                    // Of eight bytes a selector takes two.
                    self.effects
                        .push(Effect::Touch(load(Expr::Reg(stack), size, false, None)));
                    self.set(
                        self.whole(register)?,
                        Expr::load(Expr::Reg(stack), 2, false),
                    );
                }
                // `pop %rsp` keeps what was popped.
                if self.whole(register) == Some(stack) {
                    return Some(());
                }
            }
            // The address of the operand is that after the increment (SDM volume 2, "POP").
            _ if self.whole(self.insn.memory_base()) == Some(stack) => return None,
            _ => self.write(0, size, value)?,
        }
        self.set(stack, Expr::at(stack, size.into()));
        Some(())
    }

    /// A call leaves its return address below the stack. The stack pointer is not set: where the
    /// next instruction runs, the callee has restored it.
    pub(super) fn push_return_address(&mut self) {
        let size = self.native();
        let address = Expr::at(self.stack(), -i64::from(size));
        let value = Expr::Const(self.insn.next_ip());
        self.effects.push(Effect::Store {
            address,
            size,
            value,
            space: None,
        });
    }

    pub(super) fn pop_return_address(&mut self) {
        let (stack, size) = (self.stack(), self.native());
        self.effects
            .push(Effect::Touch(load(Expr::Reg(stack), size, false, None)));
        // It counts what `ret $8` takes in addition.
        let increment = self.insn.stack_pointer_increment();
        self.set(stack, Expr::at(stack, increment.into()));
    }

    /// String instructions (SDM volume 2, "MOVS", "REP").
    pub(super) fn strings(&mut self) -> Option<()> {
        use Mnemonic as M;
        let insn = self.insn;
        if !insn.is_string_instruction() || !self.whole_pointers() {
            return None;
        }
        let size = u8::try_from(insn.memory_size().size()).ok()?;
        let repeated = insn.has_rep_prefix() || insn.has_repne_prefix();
        let (from, to) = (self.source(), self.destination());
        let read = load(Expr::Reg(from), size, false, space(insn.memory_segment()));
        let other = load(Expr::Reg(to), size, false, None);
        let accumulator = self.accumulator();
        let mnemonic = insn.mnemonic();
        let (reads, writes) = match mnemonic {
            M::Movsb | M::Movsw | M::Movsd | M::Movsq => (true, true),
            M::Stosb | M::Stosw | M::Stosd | M::Stosq => (false, true),
            M::Lodsb | M::Lodsw | M::Lodsd | M::Lodsq => (true, false),
            M::Scasb | M::Scasw | M::Scasd | M::Scasq => (false, false),
            M::Cmpsb | M::Cmpsw | M::Cmpsd | M::Cmpsq => (true, false),
            _ => return None,
        };
        let loads = matches!(mnemonic, M::Lodsb | M::Lodsw | M::Lodsd | M::Lodsq);
        let compares = !writes && !loads;
        if writes {
            let value = match (repeated, reads) {
                (true, true) => Expr::Unknown("copied as a block"),
                (true, false) => Expr::Unknown("filled as a block"),
                (false, true) => Expr::Load(Box::new(read.clone())),
                (false, false) => Expr::Reg(accumulator),
            };
            let address = Expr::Reg(to);
            self.effects.push(Effect::Store {
                address,
                size,
                value,
                space: None,
            });
            if repeated {
                // The block may reach any length, or none.
                let address = Expr::Unknown("rest of a block");
                let value = Expr::Unknown("part of a block");
                self.effects.push(Effect::Store {
                    address,
                    size,
                    value,
                    space: None,
                });
            }
        }
        if reads && repeated {
            self.effects.push(Effect::Touch(read.clone()));
        }
        if compares && repeated {
            self.effects.push(Effect::Touch(other.clone()));
        }
        if loads {
            let value = if repeated {
                Expr::Unknown("last of a block")
            } else {
                Expr::Load(Box::new(read.clone()))
            };
            self.write_register(accumulator, size, value);
        }
        let moved = |reg| {
            let end = Expr::Unknown("end of a block");
            if repeated {
                end
            } else {
                Expr::at(reg, size.into())
            }
        };
        if reads {
            self.set(from, moved(from));
        }
        if writes || compares {
            self.set(to, moved(to));
        }
        if repeated {
            // Comparisons stop early.
            let rest = if compares {
                Expr::Unknown("rest of a count")
            } else {
                Expr::Const(0)
            };
            self.set(self.count(), rest);
        }
        if compares {
            self.set_flags(if repeated {
                Expr::Unknown("flags of a repeated comparison")
            } else {
                let side = |load: crate::Load| {
                    let native = load.size == self.native();
                    Expr::Load(Box::new(crate::Load {
                        signed: !native,
                        ..load
                    }))
                };
                let left = match Expr::Reg(accumulator) {
                    _ if reads => side(read),
                    left if size == self.native() => left,
                    left => widened(left, size, true),
                };
                Expr::Compare(Box::new(left), Box::new(side(other)))
            });
        }
        Some(())
    }

    /// The address size is that of the mode.
    fn whole_pointers(&self) -> bool {
        use OpKind::{MemoryESEDI, MemoryESRDI, MemorySegESI, MemorySegRSI};
        self.insn.op_kinds().any(|kind| match kind {
            MemoryESRDI | MemorySegRSI => self.wide,
            MemoryESEDI | MemorySegESI => !self.wide,
            _ => false,
        })
    }
}
