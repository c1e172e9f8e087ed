//! Loads and stores.

use super::{Found, UNKNOWN, Word};
use crate::semantics::build::{Draft, binary};
use crate::{Expr, Op};

/// Why a store conditional stores something or nothing.
const CONDITIONAL: &str = "stored only if the link still holds";

impl Word {
    /// Base and offset.
    pub(super) fn effective(self, offset: i64) -> Expr {
        match self.reg(self.rs()) {
            Some(base) => Expr::at(base, offset),
            None => Expr::Const(self.place(offset as u64)),
        }
    }

    fn memory_text(self, name: &str, offset: i64) -> String {
        format!(
            "{name} {},{offset}({})",
            self.name(self.rt()),
            self.name(self.rs())
        )
    }

    pub(super) fn memory(self) -> Found {
        let is_wide = self.mode.wide;
        match self.bits(26, 6) {
            0x1a if is_wide => Ok(self.load_part("ldl")),
            0x1b if is_wide => Ok(self.load_part("ldr")),
            0x20 => Ok(self.load("lb", 1, true, self.imm())),
            0x21 => Ok(self.load("lh", 2, true, self.imm())),
            0x22 => Ok(self.load_part("lwl")),
            0x23 => Ok(self.load("lw", 4, is_wide, self.imm())),
            0x24 => Ok(self.load("lbu", 1, false, self.imm())),
            0x25 => Ok(self.load("lhu", 2, false, self.imm())),
            0x26 => Ok(self.load_part("lwr")),
            0x27 if is_wide => Ok(self.load("lwu", 4, false, self.imm())),
            0x28 => Ok(self.store("sb", 1)),
            0x29 => Ok(self.store("sh", 2)),
            0x2a => Ok(self.store_part("swl", 4)),
            0x2b => Ok(self.store("sw", 4)),
            0x2c if is_wide => Ok(self.store_part("sdl", 8)),
            0x2d if is_wide => Ok(self.store_part("sdr", 8)),
            0x2e => Ok(self.store_part("swr", 4)),
            0x2f => Ok(self.hint("cache", self.imm())),
            0x30 => Ok(self.load("ll", 4, is_wide, self.imm())),
            0x31 => Ok(self.float("lwc1", 4, false)),
            0x33 => Ok(self.hint("pref", self.imm())),
            0x34 if is_wide => Ok(self.load("lld", 8, false, self.imm())),
            0x35 => Ok(self.float("ldc1", 8, false)),
            0x37 if is_wide => Ok(self.load("ld", 8, false, self.imm())),
            0x38 => Ok(self.store_conditional("sc", 4, self.imm())),
            0x39 => Ok(self.float("swc1", 4, true)),
            0x3c if is_wide => Ok(self.store_conditional("scd", 8, self.imm())),
            0x3d => Ok(self.float("sdc1", 8, true)),
            0x3f if is_wide => Ok(self.store("sd", 8)),
            _ => Err(UNKNOWN),
        }
    }

    pub(super) fn load(self, name: &str, size: u8, signed: bool, offset: i64) -> Draft {
        let value = Expr::load(self.effective(offset), size, signed);
        Draft::new(self.memory_text(name, offset)).set(self.reg(self.rt()), value)
    }

    fn store(self, name: &str, size: u8) -> Draft {
        Draft::new(self.memory_text(name, self.imm())).store(
            self.effective(self.imm()),
            size,
            self.get(self.rt()),
        )
    }

    /// Base and index, of the DSP extension and Octeon.
    pub(super) fn load_indexed(self) -> Found {
        let is_wide = self.mode.wide;
        let (name, size, signed) = match self.sa() {
            0x00 => ("lwx", 4, is_wide),
            0x04 => ("lhx", 2, true),
            0x06 => ("lbux", 1, false),
            0x08 if is_wide => ("ldx", 8, false),
            0x10 if is_wide => ("lwux", 4, false),
            0x14 => ("lhux", 2, false),
            0x16 => ("lbx", 1, true),
            _ => return Err(UNKNOWN),
        };
        let (base, index) = (self.name(self.rs()), self.name(self.rt()));
        let text = format!("{name} {},{index}({base})", self.name(self.rd()));
        let address = Expr::plus(self.get(self.rs()), self.get(self.rt()));
        Ok(Draft::new(text).set(self.reg(self.rd()), Expr::load(address, size, signed)))
    }

    /// Coprocessor 1's opcode holds one instruction that needs no floating point.
    pub(super) fn prefetch_indexed(self) -> Found {
        if self.bits(0, 11) != 0x0f {
            return Err("floating point is not modelled");
        }
        let (base, index) = (self.name(self.rs()), self.name(self.rt()));
        let address = Expr::plus(self.get(self.rs()), self.get(self.rt()));
        Ok(Draft::new(format!("prefx {:#x},{index}({base})", self.rd())).touch(address, 1))
    }

    /// Half of an unaligned load: how many bytes of the register it replaces depends on
    /// the lowest bits of the address. The byte at the address itself is always among those read, and
    /// it is the address that a fault reports.
    fn load_part(self, name: &str) -> Draft {
        let kept = binary(
            Op::And,
            self.get(self.rt()),
            Expr::Unknown("which bytes are kept"),
        );
        let value = Expr::Binary(
            Op::Or,
            Box::new(kept),
            Box::new(Expr::Unknown("part of an unaligned load")),
        );
        Draft::new(self.memory_text(name, self.imm()))
            .touch(self.effective(self.imm()), 1)
            .set(self.reg(self.rt()), value)
    }

    /// Half of an unaligned store. The byte at the address is written, and perhaps others of the
    /// aligned word around it.
    fn store_part(self, name: &str, size: u8) -> Draft {
        let address = self.effective(self.imm());
        let around = binary(
            Op::And,
            address.clone(),
            Expr::Const(!(u64::from(size) - 1)),
        );
        let value = Expr::Unknown("part of an unaligned store");
        Draft::new(self.memory_text(name, self.imm()))
            .store(address, 1, value.clone())
            .store(around, size, value)
    }

    pub(super) fn store_conditional(self, name: &str, size: u8, offset: i64) -> Draft {
        Draft::new(self.memory_text(name, offset))
            .store(self.effective(offset), size, Expr::Unknown(CONDITIONAL))
            .set(
                self.reg(self.rt()),
                Expr::Unknown("whether the store conditional succeeded"),
            )
    }

    /// `cache` and `pref`: the register field holds the kind of operation.
    pub(super) fn hint(self, name: &str, offset: i64) -> Draft {
        let text = format!("{name} {:#x},{offset}({})", self.rt(), self.name(self.rs()));
        Draft::new(text).touch(self.effective(offset), 1)
    }

    /// Floating-point registers are not modelled, the memory is.
    fn float(self, name: &str, size: u8, is_store: bool) -> Draft {
        let text = format!(
            "{name} $f{},{}({})",
            self.rt(),
            self.imm(),
            self.name(self.rs())
        );
        let address = self.effective(self.imm());
        if is_store {
            return Draft::new(text).store(
                address,
                size,
                Expr::Unknown("a floating-point register"),
            );
        }
        Draft::new(text).touch(address, size)
    }
}
