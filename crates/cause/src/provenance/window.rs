//! The instructions around the one that failed.

use arch::{Arch, Decode, Effect, Expr, Flow, Insn, Reg, Role};
use base::{Code, Endian, LogEvent};

use super::labels::{self, Anchor};

/// Code units of a report; a kernel prints at most 64 bytes or so.
const MAX_UNITS: usize = 256;

/// Why the code bytes tell nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The report has no code bytes, or does not mark the one that failed.
    NoCode,
    /// The report has no registers.
    NoRegisters,
    /// The architecture is not known.
    NoArchitecture,
    /// There is no decoder for it.
    NoDecoder(String),
    /// The instruction that failed is none that the decoder knows.
    Undecoded(&'static str),
    /// The instruction that failed does not access memory.
    NoAccess(String),
    /// No instruction failed: there was none where the CPU was sent.
    Fetch,
}

/// What stands at the first instruction of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The function's entry: registers hold its arguments.
    Entry,
    /// The first byte that was printed, or the first that could be decoded.
    Cut,
}

/// Instructions in the order of memory, and the state at one of them.
#[derive(Clone, Debug)]
pub struct Window {
    /// The architecture.
    pub arch: &'static Arch,
    /// The instructions.
    pub insns: Vec<Insn>,
    /// Index of the one that failed.
    pub fault: usize,
    /// What stands at the first.
    pub start: Start,
    /// Whether the instructions before the failed one are sure: fixed-size code, or counted
    /// from the function's entry; else they were found by synchronisation.
    pub sure: bool,
    /// Whether the bytes are the whole function: no jump can come from elsewhere in it.
    pub whole: bool,
    /// Whether the program counter was printed as an address; else addresses are counted from
    /// the function's entry.
    pub absolute: bool,
    /// The instructions whose effects depend on their own address.
    relative: Vec<bool>,
    /// Values of registers at the failed instruction.
    registers: Vec<(Reg, u64)>,
}

impl Window {
    /// Decodes the code bytes of the event.
    pub fn read(event: &LogEvent) -> Result<Window, Unread> {
        let code = event.code.as_ref().ok_or(Unread::NoCode)?;
        code.marked.ok_or(Unread::NoCode)?;
        let set = event.registers.first().ok_or(Unread::NoRegisters)?;
        let name = event
            .machine
            .arch
            .as_deref()
            .ok_or(Unread::NoArchitecture)?;
        let (arch, endian) = arch::find(name).ok_or(Unread::NoArchitecture)?;
        let endian = event
            .machine
            .endian
            .or(endian)
            .or(arch.endians.first().copied());
        let endian = endian.unwrap_or(Endian::Little);
        let decode = arch
            .decoder(endian)
            .ok_or_else(|| Unread::NoDecoder(arch.title.to_owned()))?;

        // Halfwords are RISC-V's own; anywhere else they are Thumb, microMIPS or the like, which
        // the decoder of the architecture would take for other instructions.
        if arch.name != "riscv64" && code.units.iter().any(|unit| unit.size == 2) {
            return Err(Unread::NoDecoder(format!(
                "the halfword code of {}",
                arch.title
            )));
        }
        let (bytes, mark) = code_bytes(code, endian).ok_or(Unread::NoCode)?;
        let counter = set.pc.as_ref();
        let offset = counter
            .and_then(|pc| pc.offset)
            .and_then(|offset| usize::try_from(offset).ok());
        let pc = counter
            .and_then(|pc| pc.pc)
            .map(|pc| pc.0)
            .or_else(|| arch.pc().and_then(|pc| set.get(pc.name)));
        let absolute = pc.is_some();
        // Without an address the bytes are counted from the function's entry.
        let pc = pc
            .or(counter.and_then(|pc| pc.offset))
            .unwrap_or(mark as u64);
        let base = pc.wrapping_sub(mark as u64);

        let fixed = code.units.iter().all(|unit| unit.size == 4);
        let (start, entry, sure) = begin(&bytes, mark, base, offset, fixed, decode);
        let mut insns = run(&bytes, start, mark, base, decode).unwrap_or_default();
        let fault = insns.len();
        let rest = bytes.get(mark..).unwrap_or_default();
        insns.push(decode(rest, pc).map_err(|error| Unread::Undecoded(error.why))?);
        let after = mark + insns.last().map_or(1, |insn| usize::from(insn.size));
        insns.extend(forward(&bytes, after, base, decode));
        let end = insns
            .last()
            .map_or(base, |insn| insn.address.wrapping_add(u64::from(insn.size)));
        let size = counter.and_then(|pc| pc.size).unwrap_or(u64::MAX);
        let function = base.wrapping_add(start as u64).checked_add(size);
        let whole = entry && function.is_some_and(|function| function <= end);
        let registers = set
            .registers
            .iter()
            .filter_map(|register| {
                Some((Reg(arch.register(&register.name)?.name), register.value.0))
            })
            .collect();
        let start = if entry { Start::Entry } else { Start::Cut };
        let anchor = Anchor {
            absolute,
            entry: counter
                .and_then(|pc| pc.offset)
                .map(|offset| pc.wrapping_sub(offset)),
            function: counter.and_then(|pc| pc.function.clone()),
            size: counter.and_then(|pc| pc.size),
            bits: arch.pointer_bits,
        };
        let relative = insns
            .iter_mut()
            .map(|insn| {
                let at = usize::try_from(insn.address.wrapping_sub(base)).unwrap_or(usize::MAX);
                let bytes = bytes.get(at..).unwrap_or_default();
                labels::relabel(insn, bytes, decode, &anchor)
            })
            .collect();
        Ok(Window {
            absolute,
            relative,
            arch,
            insns,
            fault,
            start,
            sure,
            whole,
            registers,
        })
    }

    /// Whether what the instruction does depends on its address: constants in it are addresses.
    pub fn is_relative(&self, insn: usize) -> bool {
        self.relative.get(insn).copied().unwrap_or_default()
    }

    /// Whether the instruction reads a register's new value from memory.
    pub fn is_load(&self, insn: usize) -> bool {
        self.insns.get(insn).is_some_and(|insn| {
            insn.effects
                .iter()
                .any(|effect| matches!(effect, Effect::Set(_, Expr::Load(_))))
        })
    }

    /// Whether the register is the stack pointer.
    pub fn is_stack(&self, reg: Reg) -> bool {
        self.arch.sp().is_some_and(|sp| sp.name == reg.0)
    }

    /// The printed value of a register: its value before the failed instruction.
    pub fn printed(&self, reg: Reg) -> Option<u64> {
        self.registers
            .iter()
            .find(|(known, _)| *known == reg)
            .map(|(_, value)| *value)
    }

    /// The value of the register before instruction `at`, where the printed one is still it.
    pub fn value(&self, reg: Reg, at: usize) -> Option<u64> {
        if at < self.fault && self.is_moving(reg, self.fault) {
            return None;
        }
        let between = self.insns.get(at..self.fault)?;
        let kept = between
            .iter()
            .all(|insn| insn.sets(reg).is_none() && !self.clobbers(insn, reg));
        kept.then(|| self.printed(reg))?
    }

    /// Whether the register at instruction `at` is one that the failed instruction moves round by
    /// round (`rep movsb`): a fault leaves it where the work stopped, so that it can go on.
    pub fn is_moving(&self, reg: Reg, at: usize) -> bool {
        let set = self.insns.get(at).and_then(|insn| insn.sets(reg));
        at == self.fault && matches!(set, Some(Expr::Unknown(_)))
    }

    /// Whether a call loses the register.
    pub fn clobbers(&self, insn: &Insn, reg: Reg) -> bool {
        matches!(insn.flow, Flow::Call(_)) && self.is_scratch(reg)
    }

    /// Whether a called function may change the register.
    pub fn is_scratch(&self, reg: Reg) -> bool {
        self.arch.register(reg.0).is_none_or(|register| {
            let kept = [
                Role::CalleeSaved,
                Role::StackPointer,
                Role::FramePointer,
                Role::Zero,
                Role::Pointer,
            ];
            !kept.into_iter().any(|role| register.has(role))
        })
    }

    /// The number of the argument that the register carries at a function's entry, from 0.
    pub fn argument(&self, reg: Reg) -> Option<u8> {
        let register = self.arch.register(reg.0)?;
        register.roles.iter().find_map(|role| match role {
            Role::Argument(number) => Some(*number),
            _ => None,
        })
    }

    /// Whether a call returns its value in the register.
    pub fn is_result(&self, reg: Reg) -> bool {
        self.arch
            .register(reg.0)
            .is_some_and(|register| register.has(Role::Return(0)))
    }
}

/// The printed code in the order of memory, and where in it the marked unit begins.
pub(crate) fn code_bytes(code: &Code, endian: Endian) -> Option<(Vec<u8>, usize)> {
    let marked = usize::try_from(code.marked?).ok()?;
    let mut bytes = Vec::new();
    let mut mark = None;
    for (at, unit) in code.units.iter().take(MAX_UNITS).enumerate() {
        if at == marked {
            mark = Some(bytes.len());
        }
        let size = usize::from(unit.size).min(4);
        match endian {
            Endian::Little => bytes.extend(unit.value.to_le_bytes().iter().take(size)),
            Endian::Big => bytes.extend(unit.value.to_be_bytes().iter().skip(4 - size)),
        }
    }
    Some((bytes, mark?))
}

/// Where to begin so that the decoding meets the mark: the place, whether it
/// is the function's entry, and whether it is sure.
fn begin(
    bytes: &[u8],
    mark: usize,
    base: u64,
    offset: Option<usize>,
    fixed: bool,
    decode: Decode,
) -> (usize, bool, bool) {
    if let Some(entry) = offset.and_then(|offset| mark.checked_sub(offset))
        && run(bytes, entry, mark, base, decode).is_some()
    {
        return (entry, true, true);
    }
    if fixed {
        // What cannot be decoded ends the window: begin behind it.
        let mut start = mark;
        while let Some(before) = start.checked_sub(4) {
            let rest = bytes.get(before..).unwrap_or_default();
            if decode(rest, base.wrapping_add(before as u64)).is_err() {
                break;
            }
            start = before;
        }
        return (start, false, true);
    }
    (synchronise(bytes, mark, base, decode), false, false)
}

/// Variable-size code is decoded from every byte; from most of them it falls
/// into step with the true instructions. The window begins where nearly all
/// ways that meet the mark agree.
fn synchronise(bytes: &[u8], mark: usize, base: u64, decode: Decode) -> usize {
    let mut votes = vec![0usize; mark + 1];
    let mut ways = 0;
    for start in 0..mark {
        let Some(way) = run(bytes, start, mark, base, decode) else {
            continue;
        };
        ways += 1;
        for insn in &way {
            let at = usize::try_from(insn.address.wrapping_sub(base)).unwrap_or(mark);
            if let Some(vote) = votes.get_mut(at) {
                *vote += 1;
            }
        }
    }
    // A boundary can only have the votes of the ways that begin before it.
    let mut before = 0;
    for (at, vote) in votes.iter().enumerate().take(mark) {
        let begins = run(bytes, at, mark, base, decode).is_some();
        before += usize::from(begins);
        let agreed = before >= 4 && *vote * 10 >= before * 9;
        if agreed && ways >= 8 {
            return at;
        }
    }
    mark
}

/// The instructions from `start` up to `mark`, if they meet it.
fn run(bytes: &[u8], start: usize, mark: usize, base: u64, decode: Decode) -> Option<Vec<Insn>> {
    let mut insns = Vec::new();
    let mut at = start;
    while at < mark {
        let insn = decode(bytes.get(at..)?, base.wrapping_add(at as u64)).ok()?;
        at += usize::from(insn.size.max(1));
        insns.push(insn);
    }
    (at == mark).then_some(insns)
}

/// The instructions behind the failed one, as far as they decode.
fn forward(bytes: &[u8], start: usize, base: u64, decode: Decode) -> Vec<Insn> {
    let mut insns = Vec::new();
    let mut at = start;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Ok(insn) = decode(rest, base.wrapping_add(at as u64)) else {
            break;
        };
        at += usize::from(insn.size.max(1));
        if at > bytes.len() {
            break;
        }
        insns.push(insn);
    }
    insns
}
