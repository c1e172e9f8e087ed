//! A whole stack: registers are recovered frame by frame, and the addresses of locks with them.

use arch::{Reg, extend};
use base::{Budget, Gap, Mode};

use super::holdings::Holdings;
use super::value::Value;
use super::{Held, Saved};

/// Frames of one stack.
const MOST_FRAMES: usize = 1024;

/// Steps to have one value, over all frames that are asked.
const MOST_STEPS: u64 = 512;

/// Memory that values are read from.
pub trait Memory {
    /// The number of `size` bytes at `address`: 1, 2, 4 or 8.
    fn number(&self, address: u64, size: u8) -> Option<u64>;

    /// The address in the memory of the CPU that the thread runs on, of what lies at `offset` there; none where it
    /// runs on none.
    fn per_cpu(&self, offset: u64) -> Option<u64>;

    /// The address of the structure of the thread.
    fn current(&self) -> Option<u64>;
}

/// A frame as an unwinder has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The address that is returned to, or that is executed next.
    pub pc: u64,
    /// Whether it is executed next: the frame was interrupted, or runs.
    pub is_exact: bool,
    /// The stack pointer in it.
    pub sp: u64,
    /// The registers that are known in it.
    pub registers: Vec<(Reg, u64)>,
}

/// A lock that a thread has, with its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Had {
    /// The number of the frame that took it, the innermost 0.
    pub frame: usize,
    /// As in [`super::HeldLock`].
    pub kind: &'static str,
    /// How it is had.
    pub mode: Mode,
    /// Whether every way to where the frame stands takes it.
    pub certain: bool,
    /// The address of the lock, or why it cannot be had.
    pub address: Result<u64, &'static str>,
    /// Whether the address was had through pointers as memory has them now, or through a call that names no
    /// function: it may have been another when the lock was taken.
    pub is_inferred: bool,
    /// The address of the instruction that took it.
    pub taken_at: u64,
    /// The functions that the call went through, the outermost first.
    pub through: Vec<u64>,
}

/// A frame and what is known of its registers.
struct Frame<'f> {
    held: std::sync::Arc<Held>,
    standing: &'f Standing,
    /// The canonical frame address.
    start: Option<u64>,
    registers: Vec<(Reg, u64)>,
}

struct Evaluator<'e> {
    frames: &'e [Frame<'e>],
    memory: &'e dyn Memory,
    budget: Budget,
    is_inferred: bool,
}

impl Holdings<'_> {
    /// The locks that the thread of a stack has, those of the outermost frame first. `frames` begin with the innermost.
    ///
    /// What a frame has given back for its caller is not told as held; where it cannot be told which of several that
    /// was, none of them is certain.
    pub fn of_stack(&self, frames: &[Standing], memory: &dyn Memory) -> (Vec<Had>, Vec<Gap>) {
        let frames = self.recovered(frames, memory);
        let mut gaps = Vec::new();
        let mut had: Vec<Had> = Vec::new();
        for (number, frame) in frames.iter().enumerate().rev() {
            gaps.extend(frame.held.gaps.iter().cloned());
            let address = |value: &Value| {
                let mut evaluator = Evaluator {
                    frames: &frames,
                    memory,
                    budget: Budget::new("steps to have one value", MOST_STEPS),
                    is_inferred: false,
                };
                let address = evaluator.value(value, number);
                (address, evaluator.is_inferred)
            };
            for lock in &frame.held.released {
                let (address, _) = address(&lock.lock);
                give_back(&mut had, lock, address);
            }
            for lock in &frame.held.locks {
                let (address, is_inferred) = address(&lock.lock);
                had.push(Had {
                    frame: number,
                    kind: lock.kind,
                    mode: lock.mode,
                    certain: lock.certain,
                    address,
                    is_inferred,
                    taken_at: lock.taken_at,
                    through: lock.through.clone(),
                });
            }
        }
        (had, gaps)
    }

    /// The registers of each frame: those that the unwinder knows, and those that the frames below it have kept.
    fn recovered<'f>(&self, frames: &'f [Standing], memory: &dyn Memory) -> Vec<Frame<'f>> {
        let mut found: Vec<Frame<'f>> = Vec::new();
        for (number, standing) in frames.iter().enumerate().take(MOST_FRAMES) {
            let held = self.at(standing.pc, standing.is_exact);
            let by_code = held
                .stack
                .map(|stack| standing.sp.wrapping_add_signed(-stack));
            // A call leaves the stack of its caller where the called function found it.
            let next = frames.get(number + 1).filter(|next| !next.is_exact);
            let start = match (by_code, next.map(|next| next.sp)) {
                (Some(code), Some(next)) => (code == next).then_some(code),
                (code, next) => code.or(next),
            };
            let mut registers = standing.registers.clone();
            if !standing.is_exact
                && let Some(below) = found.last()
            {
                for (register, saved) in &below.held.saved {
                    if registers.iter().any(|known| known.0 == *register) {
                        continue;
                    }
                    let value = match saved {
                        Saved::Unchanged => below.register(*register),
                        Saved::Slot(at) => below
                            .start
                            .and_then(|start| memory.number(start.wrapping_add_signed(*at), 8)),
                    };
                    registers.extend(value.map(|value| (*register, value)));
                }
            }
            found.push(Frame {
                held,
                standing,
                start,
                registers,
            });
        }
        found
    }
}

/// Takes what a frame has given back out of what its callers have.
fn give_back(had: &mut Vec<Had>, lock: &super::HeldLock, address: Result<u64, &'static str>) {
    let is_kind = |had: &Had| had.kind == lock.kind && had.mode == lock.mode;
    let is_it = |had: &Had| is_kind(had) && address.is_ok() && had.address == address;
    if let Some(place) = had.iter().rposition(is_it) {
        if lock.certain {
            had.remove(place);
        } else if let Some(had) = had.get_mut(place) {
            had.certain = false;
        }
        return;
    }
    // It is one of those whose address cannot be had, or its own cannot.
    for had in had.iter_mut() {
        if is_kind(had) && (address.is_err() || had.address.is_err()) {
            had.certain = false;
        }
    }
}

impl Frame<'_> {
    fn register(&self, register: Reg) -> Option<u64> {
        let mut known = self.registers.iter();
        known.find(|known| known.0 == register).map(|known| known.1)
    }
}

impl Evaluator<'_> {
    fn value(&mut self, value: &Value, number: usize) -> Result<u64, &'static str> {
        self.budget
            .spend(1)
            .map_err(|_| "it takes too many steps")?;
        let frame = self.frames.get(number).ok_or("the stack ends before")?;
        let read = |memory: &dyn Memory, at: u64, size: u8| {
            memory
                .number(at, size)
                .ok_or("memory that it goes through cannot be read")
        };
        match value {
            Value::Const(number) => Ok(*number),
            Value::Register(register) => frame
                .register(*register)
                .ok_or("the register that has it is lost"),
            Value::Slot(at) => {
                let start = frame.start.ok_or("where the frame begins is not known")?;
                read(self.memory, start.wrapping_add_signed(*at), 8)
            }
            Value::Frame(at) => {
                let start = frame.start.ok_or("where the frame begins is not known")?;
                Ok(start.wrapping_add_signed(*at))
            }
            Value::Argument(argument) => self.argument(*argument, number),
            Value::Returned => Err("it was returned, and is lost"),
            Value::Current => self.memory.current().ok_or("the thread is not known"),
            Value::Load {
                address,
                size,
                signed,
                space,
            } => {
                let address = self.value(address, number)?;
                let address = match space {
                    None => address,
                    Some(_) => self
                        .memory
                        .per_cpu(address)
                        .ok_or("it is in the memory of a CPU, and which is not known")?,
                };
                self.is_inferred = true;
                Ok(extend(read(self.memory, address, *size)?, *size, *signed))
            }
            Value::Binary(op, left, right) => {
                let left = self.value(left, number)?;
                let right = self.value(right, number)?;
                op.apply(left, right).ok_or("it has no value")
            }
            Value::Extend {
                size,
                signed,
                value,
            } => Ok(extend(self.value(value, number)?, *size, *signed)),
            Value::Either(all) => {
                let mut why = "it has no value";
                for value in all {
                    let before = self.is_inferred;
                    match self.value(value, number) {
                        Ok(value) => return Ok(value),
                        Err(error) => why = error,
                    }
                    self.is_inferred = before;
                }
                Err(why)
            }
            Value::Unknown(why) => Err(why),
        }
    }

    /// An argument of the function of a frame: the frame that called it may still have what it handed over.
    fn argument(&mut self, argument: u8, number: usize) -> Result<u64, &'static str> {
        let frame = self.frames.get(number).ok_or("the stack ends before")?;
        let above = number + 1;
        let caller = self
            .frames
            .get(above)
            .ok_or("the calling frame is not known")?;
        if caller.standing.is_exact {
            return Err("the function was not called by the frame before it");
        }
        match (caller.held.calls, frame.held.function) {
            (Some(called), Some(function)) if called == function => {}
            // A function that was called by its name and has gone on to this one may have handed on anything.
            (Some(_), _) | (None, None) => return Err("another function was called"),
            (None, Some(_)) => self.is_inferred = true,
        }
        let held = std::sync::Arc::clone(&caller.held);
        let value = held.arguments.get(usize::from(argument));
        self.value(value.ok_or("the call cannot be read")?, above)
    }
}
