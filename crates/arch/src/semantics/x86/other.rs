//! Everything that is not modelled: what is changed is told, from what is not.

use iced_x86::{FlowControl, InstructionInfoFactory, Mnemonic, OpAccess, UsedMemory};

use super::load;
use super::operand::{FPU, Lift, space};
use crate::{Effect, Expr, Reg};

/// CF, PF, AF, ZF, SF, OF in the bits of `iced_x86::RflagsBits`: what conditions depend on. The
/// interrupt, direction and alignment flags are no part of [`Reg::FLAGS`].
const CONDITIONS: u32 = {
    use iced_x86::RflagsBits as Bits;
    Bits::CF | Bits::PF | Bits::AF | Bits::ZF | Bits::SF | Bits::OF
};

/// The largest part of an area that one effect tells.
const PART: usize = 128;

impl Lift<'_> {
    /// The effects of an instruction that goes to the next one.
    pub(super) fn effects(&mut self) {
        use Mnemonic as M;
        let modelled = match self.insn.mnemonic() {
            M::Cmpxchg => self.compare_exchange(),
            M::Prefetchnta
            | M::Prefetcht0
            | M::Prefetcht1
            | M::Prefetcht2
            | M::Prefetch
            | M::Prefetchw
            | M::Prefetchwt1
            | M::Clflush
            | M::Clflushopt
            | M::Clwb => {
                // A line, of which the operand names a byte.
                self.touch(0, 1)
            }
            M::Syscall | M::Sysenter => self.leaves("result of a system call"),
            M::Int => self.leaves("result of an interrupt"),
            M::Vmcall | M::Vmmcall | M::Vmgexit | M::Tdcall | M::Seamcall => {
                self.leaves("result of a hypercall")
            }
            M::Swapgs => self.clobber(&["gs_base", "kernel_gs_base"]),
            M::Wrgsbase => self.clobber(&["gs_base"]),
            M::Wrfsbase => self.clobber(&["fs_base"]),
            M::Wrmsr => self.clobber(&["gs_base", "kernel_gs_base", "fs_base"]),
            _ => self
                .moves()
                .or_else(|| self.integer())
                .or_else(|| self.rest()),
        };
        if modelled.is_none() {
            self.other();
        }
    }

    fn clobber(&mut self, names: &[&'static str]) -> Option<()> {
        let regs = names.iter().map(|name| Reg(name)).collect();
        self.effects.push(Effect::Clobber(regs));
        Some(())
    }

    fn rest(&mut self) -> Option<()> {
        use Mnemonic as M;
        match self.insn.mnemonic() {
            M::Seta
            | M::Setae
            | M::Setb
            | M::Setbe
            | M::Sete
            | M::Setg
            | M::Setge
            | M::Setl
            | M::Setle
            | M::Setne
            | M::Setno
            | M::Setnp
            | M::Setns
            | M::Seto
            | M::Setp
            | M::Sets => self.set_condition(),
            M::Cmova
            | M::Cmovae
            | M::Cmovb
            | M::Cmovbe
            | M::Cmove
            | M::Cmovg
            | M::Cmovge
            | M::Cmovl
            | M::Cmovle
            | M::Cmovne
            | M::Cmovno
            | M::Cmovnp
            | M::Cmovns
            | M::Cmovo
            | M::Cmovp
            | M::Cmovs => self.conditional_move(),
            _ => self.strings(),
        }
    }

    /// Other code runs before the next instruction, and may change all but the stack.
    fn leaves(&mut self, why: &'static str) -> Option<()> {
        let stack = self.stack();
        let result = self.accumulator();
        let mut regs = vec![Reg::FLAGS];
        for number in 0..16 {
            regs.extend(
                self.general(number)
                    .filter(|reg| *reg != stack && *reg != result),
            );
        }
        // Linux keeps all registers but these over a system call.
        if why == "result of a system call" && self.wide {
            regs = vec![Reg("rcx"), Reg("r11"), Reg::FLAGS];
        }
        self.set(result, Expr::Unknown(why));
        self.effects.push(Effect::Clobber(regs));
        let (address, value) = (Expr::Unknown("memory of the caller"), Expr::Unknown(why));
        self.effects.push(Effect::Store {
            address,
            size: 1,
            value,
            space: None,
        });
        Some(())
    }

    /// The registers and memory that the instruction touches, by the tables of `iced-x86`.
    pub(super) fn other(&mut self) {
        self.effects.clear();
        let mut factory = InstructionInfoFactory::new();
        let info = factory.info(self.insn);
        let stack = self.stack();
        // What returns from an interrupt loads the stack pointer too.
        let moved = match self.insn.flow_control() {
            FlowControl::Return => 0,
            _ => self.insn.stack_pointer_increment(),
        };
        let mut changed = Vec::new();
        for used in info.used_registers() {
            if !writes(used.access()) {
                continue;
            }
            match self.whole(used.register()) {
                Some(reg) if reg == stack && moved != 0 => {
                    self.effects
                        .push(Effect::Set(stack, Expr::at(stack, moved.into())));
                }
                Some(reg) if !changed.contains(&reg) => changed.push(reg),
                _ => {}
            }
        }
        let stacked = self.insn.fpu_stack_increment_info();
        if stacked.writes_top() || stacked.increment() != 0 {
            // All are renamed.
            changed.retain(|reg| !FPU.contains(&reg.0));
            changed.extend(FPU.map(Reg));
        }
        if self.insn.rflags_modified() & CONDITIONS != 0 {
            changed.push(Reg::FLAGS);
        }
        if !changed.is_empty() {
            self.effects.push(Effect::Clobber(changed));
        }
        for used in info.used_memory() {
            self.area(used);
        }
    }

    fn area(&mut self, used: &UsedMemory) {
        let address = if used.vsib_size() != 0 {
            // Gathered from or scattered to as many addresses as a vector holds.
            None
        } else if self.insn.is_ip_rel_memory_operand() && used.base().is_ip() {
            Some(Expr::Const(self.insn.ip_rel_memory_address()))
        } else {
            self.sum(used.base(), used.index(), used.scale(), used.displacement())
        };
        let address = address.unwrap_or(Expr::Unknown("address not modelled"));
        let total = used.memory_size().size();
        let space = space(used.segment());
        let (reads, stores) = (reads(used.access()), writes(used.access()));
        // `xsave` and its kin do not say how much: a byte that is sure, and any other place.
        let parts = total.max(1).div_ceil(PART);
        for part in 0..parts {
            let size = (total.max(1) - part * PART).min(PART) as u8;
            let address = Expr::plus(address.clone(), Expr::Const((part * PART) as u64));
            if reads {
                self.effects
                    .push(Effect::Touch(load(address.clone(), size, false, space)));
            }
            if stores {
                let value = self.stored();
                self.effects.push(Effect::Store {
                    address,
                    size,
                    value,
                    space,
                });
            }
        }
        if stores && total == 0 {
            let (address, value) = (Expr::Unknown("rest of an area"), self.stored());
            self.effects.push(Effect::Store {
                address,
                size: 1,
                value,
                space,
            });
        }
    }

    fn stored(&self) -> Expr {
        let vector = (0..self.insn.op_count())
            .filter_map(|op| self.insn.try_op_register(op).ok())
            .any(|register| register.is_vector_register());
        Expr::Unknown(if vector {
            "vector register"
        } else {
            "not modelled"
        })
    }
}

fn reads(access: OpAccess) -> bool {
    use OpAccess::{CondRead, Read, ReadCondWrite, ReadWrite};
    matches!(access, Read | CondRead | ReadWrite | ReadCondWrite)
}

fn writes(access: OpAccess) -> bool {
    use OpAccess::{CondWrite, ReadCondWrite, ReadWrite, Write};
    matches!(access, Write | CondWrite | ReadWrite | ReadCondWrite)
}
