//! Branches to registers, status registers, coprocessors, and the space without conditions.

use super::{FLOAT, Found, LR, PC, UNKNOWN, Word, place};
use crate::semantics::build::{Draft, sign_extend, with};
use crate::{Callee, Expr, Flow, Op, Reg};

impl Word {
    /// A5.2.12.
    pub(super) fn miscellaneous(self) -> Found {
        let op = self.bits(21, 2);
        match self.bits(4, 4) {
            0b0000 => self.status(),
            0b0001 if op == 1 && self.bits(8, 12) == 0xfff => Ok(self.branch_exchange()),
            0b0001 if op == 3 && self.rn() == 15 && self.rs() == 15 => {
                let text = format!(
                    "clz{} {}, {}",
                    self.cond(),
                    self.name(self.rd()),
                    self.name(self.rm())
                );
                self.plain(self.rd())?;
                let value = Expr::Unknown("a count of bits");
                Ok(Draft::new(text).set(Some(self.reg(self.rd())), value))
            }
            0b0011 if op == 1 && self.bits(8, 12) == 0xfff => {
                let target = self.plain(self.rm())?;
                let text = format!("blx{} {}", self.cond(), self.name(self.rm()));
                Ok(Draft::new(text)
                    .set(Some(self.reg(LR)), self.next())
                    .flow(Flow::Call(Callee::Value(target))))
            }
            0b0111 if op == 1 && self.bits(28, 4) == 14 => {
                let code = self.bits(8, 12) << 4 | self.bits(0, 4);
                Ok(Draft::new(format!("bkpt {code:#06x}")).flow(Flow::Trap))
            }
            0b0111 => Err("a call of the hypervisor or the secure world"),
            0b1000 | 0b1010 | 0b1100 | 0b1110 => self.multiply_halves(),
            0b0101 => Err("arithmetic that saturates"),
            _ => Err(UNKNOWN),
        }
    }

    fn branch_exchange(self) -> Draft {
        let text = format!("bx{} {}", self.cond(), self.name(self.rm()));
        let flow = match self.rm() {
            LR => Flow::Return,
            PC => Flow::Jump(Some(place(self.pc.wrapping_add(8)))),
            rm => Flow::JumpTo(Expr::Reg(self.reg(rm))),
        };
        Draft::new(text).flow(flow)
    }

    /// `mrs` and `msr` from a register.
    fn status(self) -> Found {
        if self.bits(8, 4) & 0b0010 != 0 {
            return Err("a banked register");
        }
        let ones = if self.bit(21) { self.rd() } else { self.rn() };
        let zeros = if self.bit(21) {
            self.bits(4, 8)
        } else {
            self.bits(0, 12)
        };
        if ones != 15 || zeros != 0 || self.bit(21) && self.rn() == 0 {
            return Err(UNKNOWN);
        }
        let register = if self.bit(22) { "SPSR" } else { "CPSR" };
        if !self.bit(21) {
            let text = format!("mrs{} {}, {register}", self.cond(), self.name(self.rd()));
            self.plain(self.rd())?;
            let value = Expr::Unknown("the status register");
            return Ok(Draft::new(text).set(Some(self.reg(self.rd())), value));
        }
        let operand = self.name(self.rm()).to_owned();
        Ok(self.set_status(register, &operand))
    }

    fn set_status(self, register: &str, operand: &str) -> Draft {
        let fields: String = [(3, 'f'), (2, 's'), (1, 'x'), (0, 'c')]
            .iter()
            .filter(|(bit, _)| self.bit(16 + bit))
            .map(|(_, letter)| letter)
            .collect();
        let draft = Draft::new(format!("msr{} {register}_{fields}, {operand}", self.cond()));
        // The upper byte of the current status holds the flags.
        if self.bit(19) && !self.bit(22) {
            draft.clobber(&[Reg::FLAGS])
        } else {
            draft
        }
    }

    /// `nop` and its kin, and `msr` of a constant: A5.2.11.
    pub(super) fn hint_or_status(self) -> Found {
        if self.bits(16, 4) == 0 && !self.bit(22) && self.bits(8, 8) == 0xf0 {
            let name = match self.bits(0, 8) {
                0 => "nop",
                1 => "yield",
                2 => "wfe",
                3 => "wfi",
                4 => "sev",
                5 => "sevl",
                0x14 => "csdb",
                _ => return Err(UNKNOWN),
            };
            return Ok(Draft::new(format!("{name}{}", self.cond())));
        }
        if self.rd() != 15 || self.rn() == 0 {
            return Err(UNKNOWN);
        }
        let register = if self.bit(22) { "SPSR" } else { "CPSR" };
        let value = self.bits(0, 8).rotate_right(2 * self.bits(8, 4));
        Ok(self.set_status(register, &format!("#{value}")))
    }

    /// A5.6. Coprocessors 10 and 11 are floating point and vectors.
    pub(super) fn coprocessor(self) -> Found {
        let number = self.bits(8, 4);
        if self.bits(24, 4) == 0xf {
            return Err("a call of the system");
        }
        if number & 0b1110 == 0b1010 {
            return self.float_memory();
        }
        if number < 14 {
            return Err("a coprocessor that depends on the make of the CPU");
        }
        let cond = self.cond();
        let value = || Expr::Unknown("a register of a coprocessor");
        let rd = self.name(self.rd());
        if self.bits(24, 4) == 0b1110 && self.bit(4) {
            let (first, n, m) = (self.bits(21, 3), self.rn(), self.rm());
            let last = self.bits(5, 3);
            let operands = format!("p{number}, {first}, {rd}, c{n}, c{m}, {last}");
            if !self.bit(20) {
                return Ok(Draft::new(format!("mcr{cond} {operands}")));
            }
            let text = format!("mrc{cond} {operands}");
            return Ok(match self.rd() {
                PC => Draft::new(text).clobber(&[Reg::FLAGS]),
                n => Draft::new(text).set(Some(self.reg(n)), value()),
            });
        }
        if self.bits(21, 7) == 0b110_0010 {
            let (first, n, m) = (self.bits(4, 4), self.name(self.rn()), self.rm());
            self.plain(self.rd())?;
            self.plain(self.rn())?;
            let operands = format!("p{number}, {first}, {rd}, {n}, c{m}");
            if !self.bit(20) {
                return Ok(Draft::new(format!("mcrr{cond} {operands}")));
            }
            return Ok(Draft::new(format!("mrrc{cond} {operands}"))
                .set(Some(self.reg(self.rd())), value())
                .set(Some(self.reg(self.rn())), value()));
        }
        Err("an operation of a coprocessor")
    }

    /// `vldr` and `vstr`: the registers are not modelled, the memory is.
    fn float_memory(self) -> Found {
        let is_single_transfer = self.bits(25, 3) == 0b110 && self.bit(24) && !self.bit(21);
        if !is_single_transfer {
            return Err(FLOAT);
        }
        let is_double = self.bit(8);
        let offset = i64::from(self.bits(0, 8) << 2);
        let offset = if self.bit(23) { offset } else { -offset };
        let address = with(Op::Add, self.get(self.rn()), offset as u64);
        let (letter, number) = if is_double {
            ('d', self.bits(22, 1) << 4 | self.rd())
        } else {
            ('s', self.rd() << 1 | self.bits(22, 1))
        };
        let operand = match offset {
            0 => format!("[{}]", self.name(self.rn())),
            offset => format!("[{}, #{offset}]", self.name(self.rn())),
        };
        let size = if is_double { 8 } else { 4 };
        let operands = format!("{letter}{number}, {operand}");
        Ok(if self.bit(20) {
            Draft::new(format!("vldr{} {operands}", self.cond())).touch(address, size)
        } else {
            let value = Expr::Unknown("a floating-point register");
            Draft::new(format!("vstr{} {operands}", self.cond())).store(address, size, value)
        })
    }

    /// A5.7.
    pub(super) fn unconditional(self) -> Found {
        if self.bits(25, 3) == 0b101 {
            let offset =
                (sign_extend(self.bits(0, 24), 24) << 2) + i64::from(self.bits(24, 1) << 1);
            let target = place(self.pc.wrapping_add(8).wrapping_add_signed(offset));
            return Ok(Draft::new(format!("blx {target:#x}"))
                .set(Some(self.reg(LR)), self.next())
                .flow(Flow::Call(Callee::At(target))));
        }
        if self.bits(26, 2) == 0b01 && self.bits(20, 2) == 0b01 && self.rd() == 15 {
            let is_register = self.bit(25);
            if !is_register || !self.bit(4) {
                return self.preload();
            }
        }
        let barrier = |name: &str| {
            let domain = match self.bits(0, 4) {
                15 => "sy",
                14 => "st",
                13 => "ld",
                11 => "ish",
                10 => "ishst",
                9 => "ishld",
                7 => "un",
                6 => "unst",
                3 => "osh",
                2 => "oshst",
                _ => return Err(UNKNOWN),
            };
            Ok(Draft::new(format!("{name} {domain}")))
        };
        match self.w & 0x0fff_fff0 {
            0x057f_f010 => Ok(Draft::new("clrex")),
            0x057f_f040 => barrier("dsb"),
            0x057f_f050 => barrier("dmb"),
            0x057f_f060 => barrier("isb"),
            _ if self.w & 0x0ff1_0020 == 0x0100_0000 => Ok(self.change_state()),
            _ if self.w & 0x0e50_ffff == 0x0810_0a00 => {
                // A return from an exception: it changes the mode, too.
                let mark = if self.bit(21) { "!" } else { "" };
                let mode = match self.bits(23, 2) {
                    0 => "da",
                    1 => "ia",
                    2 => "db",
                    _ => "ib",
                };
                let text = format!("rfe{mode} {}{mark}", self.name(self.rn()));
                Ok(Draft::new(text).flow(Flow::Jump(None)))
            }
            _ => Err(UNKNOWN),
        }
    }

    /// `cps`: interrupts and the mode.
    fn change_state(self) -> Draft {
        let flags: String = [(8, 'a'), (7, 'i'), (6, 'f')]
            .iter()
            .filter(|(bit, _)| self.bit(*bit))
            .map(|(_, letter)| letter)
            .collect();
        let mode = if self.bit(17) {
            format!("#{}", self.bits(0, 5))
        } else {
            String::new()
        };
        let text = match self.bits(18, 2) {
            2 => format!("cpsie {flags}"),
            3 => format!("cpsid {flags}"),
            _ => "cps ".to_owned(),
        };
        let comma = if mode.is_empty() || text.ends_with(' ') {
            ""
        } else {
            ","
        };
        Draft::new(format!("{text}{comma}{mode}"))
    }
}
