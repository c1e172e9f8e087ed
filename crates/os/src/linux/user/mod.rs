//! The stacks of programs below the kernel's: the memory of a process is in a dump like any other, with its files in
//! the kernel's page cache. No file is needed for it; what the dump lacks is said.

mod content;
mod elf;
pub(crate) mod files;
mod process;
pub(crate) mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Gap, StackEnd, StackFrame, StackTrace, Trust, VirtAddr};
use rayon::prelude::*;
use unwind::{End, Frame, Registers, Rule, Stack, X86, walk};

use super::Kernel;
use super::walkers::tasks::Task;
use files::UserFile;
use process::{Place, Process};
use shape::UserShape;

/// Tasks of one process that one thread unwinds before it looks for more.
const PIECE: usize = 16;

/// The code segment of programs of 32 bits (`__USER32_CS` of arch/x86/include/asm/segment.h).
const CODE_OF_32_BITS: u64 = 0x23;

/// A frame in user space.
#[derive(Clone, Debug)]
struct UserFrame {
    pc: VirtAddr,
    sp: VirtAddr,
    rule: Rule,
    is_exact: bool,
    is_guess: bool,
    place: Option<Place>,
}

/// The stack of a thread in user space.
#[derive(Clone, Debug)]
pub(super) struct UserStack {
    frames: Vec<UserFrame>,
    end: StackEnd,
    why: String,
}

/// What makes two of them equal: the places in their files, where these are loaded aside, and how they end.
pub(super) type UserKey = (Vec<(usize, u64, Rule, bool)>, u8, String);

impl UserStack {
    fn missing(why: impl Into<String>) -> Self {
        UserStack {
            frames: Vec::new(),
            end: StackEnd::Lost,
            why: why.into(),
        }
    }

    fn new(process: &Process<'_, '_>, registers: &Registers, is_guess: bool) -> Self {
        let stack = walk(process, registers.clone(), Rule::Interrupted, true);
        let frame = |frame: &Frame| UserFrame {
            pc: frame.pc,
            sp: frame.sp,
            rule: frame.rule,
            is_exact: frame.is_exact,
            is_guess: is_guess || frame.is_guess,
            place: process.place(frame.lookup_pc().0),
        };
        let (end, why) = match stack.end {
            End::Bottom => (StackEnd::Bottom, String::new()),
            End::NotRunYet => (StackEnd::NotRunYet, String::new()),
            End::User(_) => (StackEnd::User, String::new()),
            End::Lost(why) => (StackEnd::Lost, why),
        };
        UserStack {
            frames: stack.frames.iter().map(frame).collect(),
            end,
            why,
        }
    }

    pub(super) fn key(&self) -> UserKey {
        let frame = |frame: &UserFrame| match &frame.place {
            Some((file, address)) => (
                Arc::as_ptr(file).addr(),
                *address,
                frame.rule,
                frame.is_guess,
            ),
            None => (0, frame.pc.0, frame.rule, frame.is_guess),
        };
        // Stacks lie elsewhere in each process: a reason is the same without its addresses.
        let words = self.why.split(' ').filter(|word| !word.starts_with("0x"));
        (
            self.frames.iter().map(frame).collect(),
            self.end as u8,
            words.collect(),
        )
    }

    /// With names.
    pub(super) fn trace(&self) -> StackTrace {
        StackTrace {
            frames: self.frames.iter().map(UserFrame::named).collect(),
            end: self.end,
            why: self.why.clone(),
            user: None,
        }
    }
}

impl UserFrame {
    fn named(&self) -> StackFrame {
        let elf = |file: &UserFile| file.elf.as_ref().ok().map(|_| ());
        let (mut function, mut offset, mut size) = (None, None, None);
        if let Some((file, address)) = &self.place {
            let real = address + u64::from(!self.is_exact);
            // Without a function it is the address in the file.
            offset = elf(file).map(|()| real);
            let known = file
                .elf
                .as_ref()
                .ok()
                .and_then(|elf| elf.function(*address));
            if let Some((name, start, bytes)) = known {
                (function, offset, size) = (Some(name.to_owned()), Some(real - start), Some(bytes));
            }
        }
        StackFrame {
            pc: self.pc,
            sp: self.sp,
            function,
            offset,
            size,
            module: self.place.as_ref().map(|(file, _)| file.name.clone()),
            source: None,
            inlined: Vec::new(),
            rule: self.rule,
            trust: match self.is_guess {
                true => Trust::Inferred,
                false => self.rule.trust(),
            },
            is_exact: self.is_exact,
            is_guess: self.is_guess,
            stack: None,
        }
    }
}

impl Kernel<'_> {
    /// The stacks in user space of those tasks whose kernel stacks lead there, in the same order.
    pub(super) fn user_stacks(
        &self,
        tasks: &[Task],
        stacks: &[Result<Stack, Gap>],
    ) -> Vec<Option<UserStack>> {
        let mut found: Vec<Option<UserStack>> = vec![None; tasks.len()];
        let mut by_process: BTreeMap<u64, Vec<(usize, &Registers, bool)>> = BTreeMap::new();
        let shape = self.user_shape();
        for (place, (task, stack)) in tasks.iter().zip(stacks).enumerate() {
            let Ok(stack) = stack else { continue };
            let End::User(registers) = &stack.end else {
                continue;
            };
            let is_guess = stack.frames.iter().any(|frame| frame.is_guess);
            let none = match (shape, registers.get(X86::Cs)) {
                (_, Some(CODE_OF_32_BITS)) => {
                    "a program of 32 bits: its stack is not read yet".to_owned()
                }
                (Err(gap), _) => format!("{}: {}", gap.what, gap.why),
                (Ok(shape), _) => match shape.mm.read(self.space(), task.address) {
                    Ok(0) => "it has no memory any more".to_owned(),
                    Ok(mm) => {
                        let list = by_process.entry(mm).or_default();
                        list.push((place, registers, is_guess));
                        continue;
                    }
                    Err(error) => error.to_string(),
                },
            };
            if let Some(slot) = found.get_mut(place) {
                *slot = Some(UserStack::missing(none));
            }
        }
        let Ok(shape) = shape else { return found };
        let all: Vec<_> = by_process.into_iter().collect();
        let walked: Vec<_> = all
            .par_iter()
            .flat_map(|(mm, threads)| self.stacks_of_process(shape, VirtAddr(*mm), threads))
            .collect();
        for (place, stack) in walked {
            if let Some(slot) = found.get_mut(place) {
                *slot = Some(stack);
            }
        }
        found
    }

    fn stacks_of_process(
        &self,
        shape: &UserShape,
        mm: VirtAddr,
        threads: &[(usize, &Registers, bool)],
    ) -> Vec<(usize, UserStack)> {
        match Process::open(self, shape, mm) {
            Ok(process) => threads
                .par_iter()
                .with_min_len(PIECE)
                .map(|(place, registers, is_guess)| {
                    (*place, UserStack::new(&process, registers, *is_guess))
                })
                .collect(),
            Err(why) => {
                let missing =
                    |(place, ..): &(usize, &Registers, bool)| (*place, UserStack::missing(&why));
                threads.iter().map(missing).collect()
            }
        }
    }
}
