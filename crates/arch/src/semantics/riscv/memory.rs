//! Loads, stores, atomics and fences.

use super::{FLOAT, Found, UNKNOWN, Word};
use crate::semantics::build::{Draft, binary};
use crate::{Expr, Op};

impl Word {
    fn place(self, offset: i64) -> Expr {
        Expr::plus(self.get(self.rs1()), Expr::Const(offset as u64))
    }

    pub(super) fn load(self) -> Found {
        let (name, size, signed) = match self.funct3() {
            0 => ("lb", 1, true),
            1 => ("lh", 2, true),
            2 => ("lw", 4, true),
            3 => ("ld", 8, false),
            4 => ("lbu", 1, false),
            5 => ("lhu", 2, false),
            6 => ("lwu", 4, false),
            _ => return Err(UNKNOWN),
        };
        let offset = self.imm_i();
        let text = format!(
            "{name} {},{offset}({})",
            self.name(self.rd()),
            self.name(self.rs1())
        );
        let value = Expr::load(self.place(offset), size, signed);
        Ok(Draft::new(text).set(self.reg(self.rd()), value))
    }

    pub(super) fn store(self) -> Found {
        let (name, size) = match self.funct3() {
            0 => ("sb", 1),
            1 => ("sh", 2),
            2 => ("sw", 4),
            3 => ("sd", 8),
            _ => return Err(UNKNOWN),
        };
        let offset = self.imm_s();
        let text = format!(
            "{name} {},{offset}({})",
            self.name(self.rs2()),
            self.name(self.rs1())
        );
        Ok(Draft::new(text).store(self.place(offset), size, self.get(self.rs2())))
    }

    /// Floating-point registers are not modelled, the memory is. Vector loads and stores
    /// share the opcodes.
    pub(super) fn float_memory(self) -> Found {
        let (letter, size) = match self.funct3() {
            2 => ("w", 4),
            3 => ("d", 8),
            _ => return Err(FLOAT),
        };
        let base = self.name(self.rs1());
        if self.opcode() == 0x09 {
            let text = format!(
                "fs{letter} {},{}({base})",
                float_name(self.rs2()),
                self.imm_s()
            );
            let value = Expr::Unknown("a floating-point register");
            return Ok(Draft::new(text).store(self.place(self.imm_s()), size, value));
        }
        let text = format!(
            "fl{letter} {},{}({base})",
            float_name(self.rd()),
            self.imm_i()
        );
        Ok(Draft::new(text).touch(self.place(self.imm_i()), size))
    }

    pub(super) fn fence(self) -> Found {
        let set = |bits: u32| -> String {
            let letters = [(8, 'i'), (4, 'o'), (2, 'r'), (1, 'w')];
            let set = letters.iter().filter(|(bit, _)| bits & bit != 0);
            match bits {
                0 => "unknown".to_owned(),
                _ => set.map(|(_, letter)| letter).collect(),
            }
        };
        match (
            self.funct3(),
            self.bits(28, 4),
            self.bits(24, 4),
            self.bits(20, 4),
        ) {
            (0, 0, 1, 0) if self.rd() == 0 && self.rs1() == 0 => Ok(Draft::new("pause")),
            (0, 8, 3, 3) => Ok(Draft::new("fence.tso")),
            (0, _, 15, 15) => Ok(Draft::new("fence")),
            (0, _, before, after) => {
                Ok(Draft::new(format!("fence {},{}", set(before), set(after))))
            }
            (1, ..) => Ok(Draft::new("fence.i")),
            // Of a cache block; `cbo.zero` writes one, whose size is not in the code.
            (2, ..) if self.rd() == 0 => {
                let name = match self.imm_i() {
                    0 => "cbo.inval",
                    1 => "cbo.clean",
                    2 => "cbo.flush",
                    _ => return Err("it writes as much as a cache block has"),
                };
                let text = format!("{name} ({})", self.name(self.rs1()));
                Ok(Draft::new(text).touch(self.place(0), 1))
            }
            _ => Err(UNKNOWN),
        }
    }

    /// Extension A. What memory held is read like by a load; what it takes is exact where it is
    /// the sum or the bits of that and a register.
    pub(super) fn atomic(self) -> Found {
        let (letter, size) = match self.funct3() {
            2 => ("w", 4),
            3 => ("d", 8),
            _ => return Err(UNKNOWN),
        };
        let order = match self.bits(25, 2) {
            0 => "",
            1 => ".rl",
            2 => ".aq",
            _ => ".aqrl",
        };
        let place = self.place(0);
        let old = Expr::load(place.clone(), size, size == 4);
        let other = self.get(self.rs2());
        let (rd, base) = (self.name(self.rd()), self.name(self.rs1()));
        let text = |name: &str| {
            format!(
                "{name}.{letter}{order} {rd},{},({base})",
                self.name(self.rs2())
            )
        };
        let combine = |op| Some(binary(op, old.clone(), other.clone()));
        let not_modelled = Expr::Unknown("the smaller or the greater");
        let (name, new) = match self.bits(27, 5) {
            0x00 => ("amoadd", combine(Op::Add)),
            0x01 => ("amoswap", Some(other.clone())),
            0x02 if self.rs2() == 0 => {
                let text = format!("lr.{letter}{order} {rd},({base})");
                return Ok(Draft::new(text).set(self.reg(self.rd()), old));
            }
            0x03 => {
                let result = Expr::Unknown("whether the store conditional succeeded");
                return Ok(Draft::new(text("sc"))
                    .store(place, size, Expr::Unknown("stored only if still reserved"))
                    .set(self.reg(self.rd()), result));
            }
            0x04 => ("amoxor", combine(Op::Xor)),
            0x08 => ("amoor", combine(Op::Or)),
            0x0c => ("amoand", combine(Op::And)),
            0x10 => ("amomin", None),
            0x14 => ("amomax", None),
            0x18 => ("amominu", None),
            0x1c => ("amomaxu", None),
            _ => return Err(UNKNOWN),
        };
        let draft = Draft::new(text(name)).store(place, size, new.unwrap_or(not_modelled));
        Ok(match self.rd() {
            0 => draft,
            rd => draft.set(self.reg(rd), old),
        })
    }
}

fn float_name(n: u32) -> String {
    match n {
        0..8 => format!("ft{n}"),
        8..10 => format!("fs{}", n - 8),
        10..18 => format!("fa{}", n - 10),
        18..28 => format!("fs{}", n - 16),
        _ => format!("ft{}", n - 20),
    }
}
