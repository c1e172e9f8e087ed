//! The programs of call frame information: what their instructions make of the rules, up to the place that is
//! asked for (DWARF 5, 6.4.2 "Call Frame Instructions").

use base::Budget;

use super::cursor::Cursor;
use super::table::{CfiError, Common};

/// Registers that rules are kept for, by their numbers: the general ones of every machine are among them.
const REGISTERS: usize = 33;

/// Instructions of one function; its table says more only where it is damaged.
const MOST_INSTRUCTIONS: u64 = 1 << 16;

/// Rules that are put aside at a time (`DW_CFA_remember_state`).
const DEEPEST: usize = 16;

/// How the canonical frame address (CFA) is had: on x86_64 the stack pointer before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CfaRule<'t> {
    /// Nothing tells.
    Unknown,
    /// `cfa = register + offset`
    Register(u16, i64),
    /// `cfa = the value of the expression`
    Expression(&'t [u8]),
}

/// How a register of the caller is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CfiRule<'t> {
    /// Nothing is said: it is what the calling convention makes of it.
    Unspecified,
    /// It is lost. Of the return address: there is no caller.
    Undefined,
    /// `register = register`
    Same,
    /// `register = *(cfa + offset)`
    Offset(i64),
    /// `register = cfa + offset`
    ValOffset(i64),
    /// `register = other`
    Register(u16),
    /// `register = *(the value of the expression)`
    Expression(&'t [u8]),
    /// `register = the value of the expression`
    ValExpression(&'t [u8]),
}

/// The rules that hold at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CfiRow<'t> {
    /// How the CFA is had.
    pub cfa: CfaRule<'t>,
    /// The number whose rule is that of the return address.
    pub return_register: u16,
    /// It is a frame that the kernel made for a signal: its caller was interrupted.
    pub is_signal: bool,
    rules: [CfiRule<'t>; REGISTERS],
}

impl<'t> CfiRow<'t> {
    /// Rules that say nothing yet.
    fn new(common: &Common<'t>) -> Self {
        CfiRow {
            cfa: CfaRule::Unknown,
            return_register: common.return_register,
            is_signal: common.is_signal,
            rules: [CfiRule::Unspecified; REGISTERS],
        }
    }

    /// The rule of a register by its number in DWARF.
    pub fn rule(&self, number: u16) -> CfiRule<'t> {
        let rule = self.rules.get(usize::from(number));
        rule.copied().unwrap_or(CfiRule::Unspecified)
    }

    /// What a register is kept for that is none of those is of no use to a walk.
    fn set(&mut self, number: u64, rule: CfiRule<'t>) {
        let slot = usize::try_from(number).ok();
        if let Some(slot) = slot.and_then(|slot| self.rules.get_mut(slot)) {
            *slot = rule;
        }
    }

    /// The rules at `pc` of a function that begins at `start`.
    pub(super) fn at(
        common: &Common<'t>,
        program: &'t [u8],
        start: u64,
        pc: u64,
    ) -> Result<Self, CfiError> {
        let mut run = Run {
            common,
            row: CfiRow::new(common),
            initial: None,
            kept: Vec::new(),
            budget: Budget::new("instructions of call frame information", MOST_INSTRUCTIONS),
        };
        // The common part tells of no place, so it is run to its end.
        run.all(common.program, start, u64::MAX)?;
        run.initial = Some(run.row);
        run.all(program, start, pc)?;
        Ok(run.row)
    }
}

struct Run<'c, 't> {
    common: &'c Common<'t>,
    row: CfiRow<'t>,
    /// The rules of the common part, which `DW_CFA_restore` brings back.
    initial: Option<CfiRow<'t>>,
    kept: Vec<CfiRow<'t>>,
    budget: Budget,
}

impl<'t> Run<'_, 't> {
    /// Runs a program until it speaks of places behind `pc`.
    fn all(&mut self, program: &'t [u8], start: u64, pc: u64) -> Result<(), CfiError> {
        let mut code = Cursor::new(program, 0);
        let mut at = start;
        while !code.is_at_end() {
            self.budget.spend(1).map_err(CfiError::Exhausted)?;
            let advance = self.one(&mut code).ok_or(CfiError::Program)??;
            match advance {
                Step::Stay => {}
                Step::By(delta) => at = at.wrapping_add(delta.wrapping_mul(self.common.code_align)),
                Step::To(place) => at = place,
            }
            if at > pc {
                break;
            }
        }
        Ok(())
    }

    /// One instruction; none where it is cut or has no number that is known.
    fn one(&mut self, code: &mut Cursor<'t>) -> Option<Result<Step, CfiError>> {
        let byte = code.u8()?;
        let low = u64::from(byte & 0x3f);
        match byte >> 6 {
            1 => return Some(Ok(Step::By(low))),
            2 => {
                let offset = self.scaled(code.uleb()?);
                self.row.set(low, CfiRule::Offset(offset));
                return Some(Ok(Step::Stay));
            }
            3 => {
                self.restore(low);
                return Some(Ok(Step::Stay));
            }
            _ => {}
        }
        // The numbers are those of table 7.29 of the standard.
        match byte {
            // DW_CFA_nop; DW_CFA_GNU_args_size (0x2e) tells what lies on the stack for exceptions alone.
            0x00 => {}
            0x2e => {
                code.uleb()?;
            }
            0x01 => return Some(Ok(Step::To(self.common.pointer(code)?))),
            0x02 => return Some(Ok(Step::By(code.number(1)?))),
            0x03 => return Some(Ok(Step::By(code.number(2)?))),
            0x04 => return Some(Ok(Step::By(code.number(4)?))),
            // DW_CFA_offset_extended, _sf, and the old GNU form of the opposite sign.
            0x05 => {
                let (register, offset) = (code.uleb()?, code.uleb()?);
                self.row.set(register, CfiRule::Offset(self.scaled(offset)));
            }
            0x11 => {
                let (register, offset) = (code.uleb()?, self.scaled_signed(code.sleb()?));
                self.row.set(register, CfiRule::Offset(offset));
            }
            0x2f => {
                let (register, offset) = (code.uleb()?, code.uleb()?);
                let offset = self.scaled(offset).wrapping_neg();
                self.row.set(register, CfiRule::Offset(offset));
            }
            0x06 => {
                let register = code.uleb()?;
                self.restore(register);
            }
            0x07 => self.row.set(code.uleb()?, CfiRule::Undefined),
            0x08 => self.row.set(code.uleb()?, CfiRule::Same),
            0x09 => {
                let (register, other) = (code.uleb()?, code.uleb()?);
                let other = u16::try_from(other).ok()?;
                self.row.set(register, CfiRule::Register(other));
            }
            0x0a => {
                if self.kept.len() >= DEEPEST {
                    return Some(Err(CfiError::TooDeep));
                }
                self.kept.push(self.row);
            }
            0x0b => self.row = self.kept.pop()?,
            0x0c => {
                let (register, offset) = (code.uleb()?, code.uleb()?);
                self.row.cfa = CfaRule::Register(narrow(register), offset.cast_signed());
            }
            0x12 => {
                let (register, offset) = (code.uleb()?, code.sleb()?);
                self.row.cfa = CfaRule::Register(narrow(register), self.scaled_signed(offset));
            }
            0x0d => {
                let register = narrow(code.uleb()?);
                let CfaRule::Register(_, offset) = self.row.cfa else {
                    return None;
                };
                self.row.cfa = CfaRule::Register(register, offset);
            }
            0x0e | 0x13 => {
                let offset = match byte {
                    0x0e => code.uleb()?.cast_signed(),
                    _ => self.scaled_signed(code.sleb()?),
                };
                let CfaRule::Register(register, _) = self.row.cfa else {
                    return None;
                };
                self.row.cfa = CfaRule::Register(register, offset);
            }
            0x0f => {
                let size = code.uleb()?;
                self.row.cfa = CfaRule::Expression(code.take(size)?);
            }
            0x10 | 0x16 => {
                let (register, size) = (code.uleb()?, code.uleb()?);
                let bytes = code.take(size)?;
                let rule = match byte {
                    0x10 => CfiRule::Expression(bytes),
                    _ => CfiRule::ValExpression(bytes),
                };
                self.row.set(register, rule);
            }
            0x14 => {
                let (register, offset) = (code.uleb()?, code.uleb()?);
                self.row
                    .set(register, CfiRule::ValOffset(self.scaled(offset)));
            }
            0x15 => {
                let (register, offset) = (code.uleb()?, self.scaled_signed(code.sleb()?));
                self.row.set(register, CfiRule::ValOffset(offset));
            }
            _ => return None,
        }
        Some(Ok(Step::Stay))
    }

    fn restore(&mut self, register: u64) {
        let rule = self.initial.as_ref().map(|row| row.rule(narrow(register)));
        self.row.set(register, rule.unwrap_or(CfiRule::Unspecified));
    }

    fn scaled(&self, offset: u64) -> i64 {
        self.scaled_signed(offset.cast_signed())
    }

    fn scaled_signed(&self, offset: i64) -> i64 {
        offset.wrapping_mul(self.common.data_align)
    }
}

/// What an instruction does to the place that the rules are of.
enum Step {
    Stay,
    /// By so many units of code.
    By(u64),
    To(u64),
}

/// A number of a register; there is none that large.
fn narrow(register: u64) -> u16 {
    u16::try_from(register).unwrap_or(u16::MAX)
}
