//! The expressions of call frame information (DWARF 5, 2.5 "DWARF Expressions"; 6.4.2 tells which operations
//! cannot be in them): a small machine with a stack of words.

use base::{Budget, ReadError, VirtAddr};

use super::cursor::Cursor;

/// Operations of one expression. Those of compilers have a dozen; only a branch can go back.
const MOST_STEPS: u64 = 1 << 10;

/// Words on the stack.
const DEEPEST: usize = 64;

/// What an expression asks for.
pub(crate) struct Asked<'f> {
    /// The value of a register by its number in DWARF.
    pub register: &'f dyn Fn(u16) -> Option<u64>,
    /// The word at an address.
    pub word: &'f dyn Fn(VirtAddr) -> Result<u64, ReadError>,
}

/// The value of an expression, which begins with `first` on its stack where the rule says so.
pub(crate) fn evaluate(bytes: &[u8], first: Option<u64>, asked: &Asked<'_>) -> Result<u64, String> {
    let mut machine = Machine {
        code: Cursor::new(bytes, 0),
        stack: first.into_iter().collect(),
        asked,
    };
    let mut budget = Budget::new("operations of an expression", MOST_STEPS);
    while !machine.code.is_at_end() {
        budget.spend(1).map_err(|exhausted| exhausted.to_string())?;
        machine.step()?;
    }
    let empty = || "an expression leaves no value".to_owned();
    machine.stack.pop().ok_or_else(empty)
}

struct Machine<'b, 'f> {
    code: Cursor<'b>,
    stack: Vec<u64>,
    asked: &'f Asked<'f>,
}

impl Machine<'_, '_> {
    fn step(&mut self) -> Result<(), String> {
        let cut = || "an expression ends within an operation".to_owned();
        let operation = self.code.u8().ok_or_else(cut)?;
        let value = match operation {
            // The numbers are those of table 7.9 of the standard: DW_OP_addr, constants, registers.
            0x03 | 0x0e | 0x0f => self.code.number(8).ok_or_else(cut)?,
            0x08 => self.code.number(1).ok_or_else(cut)?,
            0x09 => self.signed(1)?,
            0x0a => self.code.number(2).ok_or_else(cut)?,
            0x0b => self.signed(2)?,
            0x0c => self.code.number(4).ok_or_else(cut)?,
            0x0d => self.signed(4)?,
            0x10 => self.code.uleb().ok_or_else(cut)?,
            0x11 => self.code.sleb().ok_or_else(cut)?.cast_unsigned(),
            0x30..=0x4f => u64::from(operation - 0x30),
            0x70..=0x8f => self.based(u16::from(operation - 0x70))?,
            0x92 => {
                let number = self.code.uleb().ok_or_else(cut)?;
                self.based(u16::try_from(number).unwrap_or(u16::MAX))?
            }
            // DW_OP_deref, DW_OP_deref_size.
            0x06 => self.load(8)?,
            0x94 => {
                let size = self.code.u8().ok_or_else(cut)?;
                self.load(size)?
            }
            // The stack: dup, drop, over, pick, swap, rot.
            0x12 => self.pick(0)?,
            0x13 => return self.pop().map(|_| ()),
            0x14 => self.pick(1)?,
            0x15 => {
                let depth = self.code.u8().ok_or_else(cut)?;
                self.pick(usize::from(depth))?
            }
            0x16 => {
                let (top, next) = (self.pop()?, self.pop()?);
                self.push(top)?;
                next
            }
            0x17 => {
                let (top, second, third) = (self.pop()?, self.pop()?, self.pop()?);
                self.push(top)?;
                self.push(third)?;
                second
            }
            // One operand: abs, neg, not, plus_uconst.
            0x19 => self.pop()?.cast_signed().wrapping_abs().cast_unsigned(),
            0x1f => self.pop()?.wrapping_neg(),
            0x20 => !self.pop()?,
            0x23 => {
                let more = self.code.uleb().ok_or_else(cut)?;
                self.pop()?.wrapping_add(more)
            }
            0x1a..=0x1e | 0x21 | 0x22 | 0x24..=0x27 | 0x29..=0x2e => {
                let (right, left) = (self.pop()?, self.pop()?);
                binary(operation, left, right)?
            }
            // DW_OP_skip and DW_OP_bra.
            0x28 | 0x2f => {
                let by = self.code.signed(2).ok_or_else(cut)?;
                if operation == 0x2f || self.pop()? != 0 {
                    self.code.jump(by).ok_or_else(cut)?;
                }
                return Ok(());
            }
            0x96 => return Ok(()),
            _ => {
                return Err(format!(
                    "the operation {operation:#x} is in no such expression"
                ));
            }
        };
        self.push(value)
    }

    fn signed(&mut self, size: u64) -> Result<u64, String> {
        let number = self.code.signed(size).map(i64::cast_unsigned);
        number.ok_or_else(|| "an expression ends within an operation".to_owned())
    }

    /// A register and an offset.
    fn based(&mut self, number: u16) -> Result<u64, String> {
        let offset = self.code.sleb();
        let offset = offset.ok_or_else(|| "an expression ends within an operation".to_owned())?;
        let value = (self.asked.register)(number);
        let value = value.ok_or_else(|| format!("nobody knows register {number}"))?;
        Ok(value.wrapping_add_signed(offset))
    }

    fn load(&mut self, size: u8) -> Result<u64, String> {
        let at = VirtAddr(self.pop()?);
        let word = (self.asked.word)(at).map_err(|error| error.to_string())?;
        match size {
            8 => Ok(word),
            1..=7 => Ok(word & ((1 << (8 * size)) - 1)),
            _ => Err(format!("{size} bytes are no word")),
        }
    }

    fn pop(&mut self) -> Result<u64, String> {
        let none = || "an expression takes more than it has".to_owned();
        self.stack.pop().ok_or_else(none)
    }

    fn pick(&self, depth: usize) -> Result<u64, String> {
        let place = self.stack.len().checked_sub(depth.saturating_add(1));
        let found = place.and_then(|place| self.stack.get(place));
        found
            .copied()
            .ok_or_else(|| "an expression takes more than it has".to_owned())
    }

    fn push(&mut self, value: u64) -> Result<(), String> {
        if self.stack.len() >= DEEPEST {
            return Err(format!("an expression has more than {DEEPEST} words"));
        }
        self.stack.push(value);
        Ok(())
    }
}

fn binary(operation: u8, left: u64, right: u64) -> Result<u64, String> {
    let (a, b) = (left.cast_signed(), right.cast_signed());
    let zero = || "an expression divides by zero".to_owned();
    // A shift by more than the word has leaves nothing, but for the sign.
    let by = u32::try_from(right).unwrap_or(u32::MAX);
    Ok(match operation {
        0x1a => left & right,
        0x1b => match b {
            0 => return Err(zero()),
            _ => a.wrapping_div(b).cast_unsigned(),
        },
        0x1c => left.wrapping_sub(right),
        0x1d => left.checked_rem(right).ok_or_else(zero)?,
        0x1e => left.wrapping_mul(right),
        0x21 => left | right,
        0x22 => left.wrapping_add(right),
        0x24 => left.checked_shl(by).unwrap_or(0),
        0x25 => left.checked_shr(by).unwrap_or(0),
        0x26 => a.wrapping_shr(by.min(63)).cast_unsigned(),
        0x27 => left ^ right,
        0x29 => u64::from(a == b),
        0x2a => u64::from(a >= b),
        0x2b => u64::from(a > b),
        0x2c => u64::from(a <= b),
        0x2d => u64::from(a < b),
        _ => u64::from(a != b),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn value(bytes: &[u8]) -> Result<u64, String> {
        let asked = Asked {
            register: &|number| (number == 7).then_some(0x1000),
            word: &|at| Ok(at.0 + 1),
        };
        evaluate(bytes, None, &asked)
    }

    #[test]
    fn the_rule_of_a_procedure_linkage_table_is_computed() {
        // What linkers write for `.plt`: rsp + 8 + (((rip & 15) >= 11) << 3).
        let plt = [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
        let at = |pc: u64| {
            let asked = Asked {
                register: &|number| match number {
                    7 => Some(0x1000),
                    16 => Some(pc),
                    _ => None,
                },
                word: &|at| Err(ReadError::Unmapped(at)),
            };
            evaluate(&plt, None, &asked)
        };
        assert_eq!(at(0x40_100a), Ok(0x1008));
        assert_eq!(at(0x40_100b), Ok(0x1010));
    }

    #[test]
    fn operations_do_what_the_standard_says() {
        assert_eq!(value(&[0x77, 0x78, 0x06]), Ok(0xff9));
        assert_eq!(value(&[0x31, 0x32, 0x33, 0x17, 0x13, 0x13]), Ok(3));
        assert_eq!(value(&[0x31, 0x32, 0x16, 0x1c]), Ok(1));
        assert_eq!(value(&[0x09, 0xff, 0x31, 0x2d]), Ok(1));
        assert_eq!(value(&[0x31, 0x0a, 0xff, 0xff, 0x24]), Ok(0));
        // A branch that is taken leaves the constant out.
        assert_eq!(value(&[0x35, 0x31, 0x28, 1, 0, 0x36]), Ok(5));
    }

    #[test]
    fn what_is_wrong_ends_and_says_so() {
        // For ever round: DW_OP_skip to itself.
        let round = value(&[0x2f, 0xfd, 0xff]).unwrap_err();
        assert_eq!(round, "stopped after 1024 operations of an expression");
        assert!(
            value(&[0x31, 0x12, 0x2f, 0xfc, 0xff])
                .unwrap_err()
                .contains("64 words")
        );
        for wrong in [
            &[][..],
            &[0x13],
            &[0x31, 0x30, 0x1b],
            &[0x31, 0x30, 0x1d],
            &[0x0c, 1],
            &[0x2f, 0xff, 0x7f],
            &[0x70, 0],
            &[0x15, 9],
            &[0x31, 0x94, 9],
            &[0xff],
        ] {
            assert!(value(wrong).is_err(), "{wrong:x?}");
        }
    }
}
