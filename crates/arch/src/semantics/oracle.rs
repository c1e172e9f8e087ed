//! What instructions do, written by hand and recorded, for the tests of the decoders.
//!
//! *Forms* are lines of an instruction and its effects in the notation of [`show`], checked
//! against the manuals. *Vectors* are lines of registers and memory before and after one instruction, as a
//! CPU left them: `oracle/machine.c`, built for the architecture, executes it under qemu-user, and
//! `oracle/record.rs` asks it.

pub mod record;

use std::collections::BTreeMap;

use crate::semantics::show;
use crate::{Cond, Decode, Effect, Expr, Flow, Insn, Op, Reg, Test, extend};

/// Checks lines of `bytes | text | effects`. Each instruction lies at `address`; the
/// bytes are in the order of memory.
pub fn check_table(decode: Decode, address: u64, table: &str) {
    let mut wrong = Vec::new();
    for line in lines(table) {
        let bytes = hex(line.split('|').next().unwrap());
        let insn = decode(&bytes, address).unwrap_or_else(|error| panic!("{line}: {error:?}"));
        assert_eq!(usize::from(insn.size), bytes.len(), "{line}");
        let found = row(&bytes, &insn);
        if found != line {
            wrong.push(format!("-{line}\n+{found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A line of a table.
pub fn row(bytes: &[u8], insn: &Insn) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex} | {} | {}", insn.text, show::insn(insn))
        .trim_end()
        .to_owned()
}

/// The lines that are not empty and no comment.
pub fn lines(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

pub fn hex(text: &str) -> Vec<u8> {
    let digits = text.trim().as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// No bytes make the decoder panic, or claim more than there is.
pub fn check_any_bytes(decode: Decode) {
    // A full period of this generator visits every word of 32 bits once; some of it does here.
    let mut word = 0x1234_5678u32;
    for n in 0..400_000u32 {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The lowest bits of the generator are weak, those of an opcode are not.
        let bytes = [word.swap_bytes() ^ n, !word]
            .map(u32::to_le_bytes)
            .concat();
        for address in [0, 0xffff_ffff_ffff_fffc] {
            let size = match decode(&bytes, address) {
                Ok(insn) => {
                    insn.accesses();
                    assert!(insn.size > 0 && !insn.text.is_empty());
                    insn.size
                }
                Err(error) => error.size,
            };
            assert!(size <= 8);
        }
        for len in 0..4 {
            let _ = decode(&bytes[..len], 0x1000);
        }
    }
}

/// What the vectors of one decoder need to know of its CPU.
pub struct Machine {
    /// The decoder.
    pub decode: Decode,
    /// Bits of a register.
    pub bits: u32,
    /// Whether the lowest byte of a word in memory is the last.
    pub big: bool,
    /// The registers in the order of `machine.c`; `-` where it has none of interest.
    pub registers: &'static [&'static str],
    /// The instructions that are only defined for sign-extended values of 32 bits.
    pub narrow: &'static [&'static str],
    /// The bits of a register that mean something, where those are few.
    pub mask: fn(&str) -> u64,
    /// Whether the condition holds where the flags are these.
    pub holds: fn(Cond, u64) -> Option<bool>,
    /// The flags after a comparison, and which of their bits it tells.
    pub compare: fn(u64, u64) -> (u64, u64),
    /// The same of a test of bits.
    pub test: fn(u64, u64) -> (u64, u64),
}

/// For CPUs whose registers are all bits.
pub fn all_bits(_: &str) -> u64 {
    u64::MAX
}

/// For CPUs without flags.
pub fn no_flags(_: u64, _: u64) -> (u64, u64) {
    (0, 0)
}

/// Registers and memory; what is not in them is not known.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// By name.
    pub registers: BTreeMap<String, u64>,
    /// By address.
    pub memory: BTreeMap<u64, u8>,
}

impl Machine {
    fn whole(&self, value: u64) -> u64 {
        if self.bits == 32 {
            value & 0xffff_ffff
        } else {
            value
        }
    }

    /// The value, and which of its bits are known; those that are not are 0.
    fn value(&self, expr: &Expr, state: &State) -> Option<(u64, u64)> {
        let all = |value| Some((value, u64::MAX));
        match expr {
            Expr::Reg(reg) => all(*state.registers.get(reg.0)?),
            Expr::Const(value) => all(*value),
            Expr::Binary(op, a, b) => {
                let ((x, p), (y, q)) = (self.value(a, state)?, self.value(b, state)?);
                if p & q == u64::MAX {
                    return Some((op.apply(x, y)?, u64::MAX));
                }
                let by = y & 63;
                Some(match op {
                    Op::Or => (x | y, p & q | x | y),
                    Op::And => (x & y, p & q | p & !x | q & !y),
                    Op::Shl if q == u64::MAX => (x << by, !(!p << by)),
                    Op::Shr if q == u64::MAX => (x >> by, !(!p >> by)),
                    _ => (0, 0),
                })
            }
            Expr::Extend {
                size,
                signed,
                value,
            } => {
                let (x, p) = self.value(value, state)?;
                let unknown = extend(!p, *size, *signed);
                Some((extend(x, *size, *signed) & !unknown, !unknown))
            }
            Expr::Load(load) => {
                let address = self.whole(self.number(&load.address, state)?);
                let mut value = 0;
                for n in 0..u64::from(load.size) {
                    let byte = u64::from(*state.memory.get(&(address + n))?);
                    let place = if self.big {
                        u64::from(load.size) - 1 - n
                    } else {
                        n
                    };
                    value |= byte << (8 * place);
                }
                all(extend(value, load.size, load.signed))
            }
            Expr::Compare(a, b) => Some((self.compare)(
                self.number(a, state)?,
                self.number(b, state)?,
            )),
            Expr::Test(a, b) => Some((self.test)(self.number(a, state)?, self.number(b, state)?)),
            Expr::Select(test, a, b) => {
                let chosen = if self.holds(test, state)? { a } else { b };
                self.value(chosen, state)
            }
            Expr::Unknown(_) => Some((0, 0)),
        }
    }

    fn number(&self, expr: &Expr, state: &State) -> Option<u64> {
        let (value, known) = self.value(expr, state)?;
        (known == u64::MAX).then_some(value)
    }

    fn is_flags(expr: &Expr) -> bool {
        matches!(expr, Expr::Reg(reg) if reg.0.starts_with("cr") || *reg == Reg::FLAGS)
    }

    /// Whether the test holds.
    pub fn holds(&self, test: &Test, state: &State) -> Option<bool> {
        let a = self.number(&test.left, state)?;
        if Self::is_flags(&test.left) {
            return (self.holds)(test.cond, a);
        }
        let b = self.number(&test.right, state)?;
        let (s, t) = (a as i64, b as i64);
        Some(match test.cond {
            Cond::Eq => a == b,
            Cond::Ne => a != b,
            Cond::LtU => a < b,
            Cond::LeU => a <= b,
            Cond::GtU => a > b,
            Cond::GeU => a >= b,
            Cond::LtS => s < t,
            Cond::LeS => s <= t,
            Cond::GtS => s > t,
            Cond::GeS => s >= t,
            Cond::Neg => s < t,
            Cond::Pos => s >= t,
            Cond::Other => return None,
        })
    }

    /// Whether what the CPU did is what the instruction says: the state after it must follow from that
    /// before in every register and byte, but for those that are said to be unknown, which are
    /// returned. `after` need not repeat what did not change.
    pub fn check(
        &self,
        insn: &Insn,
        before: &State,
        after: &State,
        jumped: bool,
    ) -> Result<Vec<String>, String> {
        let mut unknown = Vec::new();
        let mut told: BTreeMap<&str, Option<(u64, u64)>> = BTreeMap::new();
        let mut bytes: BTreeMap<u64, Option<u8>> = BTreeMap::new();
        for effect in &insn.effects {
            match effect {
                Effect::Set(reg, value) => {
                    told.insert(reg.0, self.value(value, before));
                }
                Effect::Clobber(regs) => {
                    for reg in regs {
                        told.insert(reg.0, None);
                    }
                }
                Effect::Store {
                    address,
                    size,
                    value,
                    ..
                } => {
                    let address = self.number(address, before).ok_or("a store to nowhere")?;
                    let address = self.whole(address);
                    let value = self.number(value, before);
                    for n in 0..u64::from(*size) {
                        let place = if self.big {
                            u64::from(*size) - 1 - n
                        } else {
                            n
                        };
                        bytes.insert(address + n, value.map(|value| (value >> (8 * place)) as u8));
                    }
                }
                Effect::Touch(load) => {
                    self.number(&load.address, before)
                        .ok_or("a read of nowhere")?;
                }
            }
        }
        for (reg, value) in &told {
            let Some((value, mask)) = value.filter(|(_, mask)| *mask != 0) else {
                unknown.push((*reg).to_owned());
                continue;
            };
            let known = after.registers.get(*reg).or(before.registers.get(*reg));
            let is = known.ok_or(format!("{reg} is set"))?;
            if self.whole((value ^ is) & mask) != 0 {
                return Err(format!("{reg} is {is:#x}, not {value:#x} (of {mask:#x})"));
            }
        }
        for (reg, value) in &after.registers {
            if !told.contains_key(reg.as_str()) && before.registers.get(reg) != Some(value) {
                return Err(format!("{reg} becomes {value:#x}"));
            }
        }
        for (address, value) in &bytes {
            let known = after.memory.get(address).or(before.memory.get(address));
            match value {
                Some(value) if known != Some(value) => {
                    return Err(format!("{address:#x} is {known:x?}, not {value:#x}"));
                }
                Some(_) => {}
                None => unknown.push("memory".to_owned()),
            }
        }
        for (address, value) in &after.memory {
            if !bytes.contains_key(address) && before.memory.get(address) != Some(value) {
                return Err(format!("{address:#x} becomes {value:#x}"));
            }
        }
        let jumps = match &insn.flow {
            Flow::Branch(_, test) => self.holds(test, before),
            Flow::Jump(Some(_)) => Some(true),
            Flow::Next => Some(false),
            _ => None,
        };
        match jumps {
            Some(jumps) if jumps != jumped => return Err(format!("jumped is {jumped}")),
            Some(_) => {}
            None => unknown.push("jump".to_owned()),
        }
        unknown.dedup();
        Ok(unknown)
    }

    /// Checks lines of `bytes | before | after`, both of `register=value` and `[address]=bytes`, and of
    /// `jumped` behind the latter.
    pub fn check_vectors(&self, vectors: &str) {
        let mut wrong = Vec::new();
        let mut count = 0;
        for line in lines(vectors) {
            let mut parts = line.split('|');
            let bytes = hex(parts.next().unwrap());
            let (before, _) = state(parts.next().unwrap());
            let (after, jumped) = state(parts.next().unwrap());
            match (self.decode)(&bytes, PLACE) {
                Ok(insn) => {
                    count += 1;
                    if let Err(error) = self.check(&insn, &before, &after, jumped) {
                        wrong.push(format!("{line}\n    {}: {error}", row(&bytes, &insn)));
                    }
                }
                Err(error) => wrong.push(format!("{line}\n    {error:?}")),
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        assert!(count > 100, "{count} vectors are too few");
    }
}

/// Where `machine.c` puts the instruction.
pub const PLACE: u64 = 0x3000_0400;

pub fn state(text: &str) -> (State, bool) {
    let mut state = State::default();
    let mut jumped = false;
    for word in text.split_whitespace() {
        if word == "jumped" {
            jumped = true;
            continue;
        }
        let (name, value) = word.split_once('=').unwrap();
        match name.strip_prefix('[') {
            Some(address) => {
                let address = u64::from_str_radix(address.trim_end_matches(']'), 16).unwrap();
                for (n, byte) in (0u64..).zip(hex(value)) {
                    state.memory.insert(address + n, byte);
                }
            }
            None => {
                let value = u64::from_str_radix(value, 16).unwrap();
                state.registers.insert(name.to_owned(), value);
            }
        }
    }
    (state, jumped)
}
