//! Stacks of tasks: of those that sleep from what the scheduler saved, of those that run from the registers of
//! their CPU.

use base::{Gap, StackEnd, StackFrame, StackTrace, VirtAddr};
use unwind::{End, Frame, Registers, Rule, Stack, X86};
use value::Field;

use super::Kernel;
use super::symbols::Name;
use super::walkers::tasks::Task;

/// Where a task begins that has not run yet, the newest name first (arch/x86/entry/entry_64.S).
const BEGINNINGS: &[&str] = &["ret_from_fork_asm", "ret_from_fork"];

impl Kernel<'_> {
    /// The stack of a task, with names.
    pub fn trace(&self, task: &Task) -> Result<StackTrace, Gap> {
        Ok(self.trace_of(&self.stack(task)?, Some(task)))
    }

    /// A stack with names; frames on another stack than that of `task` say on which.
    pub fn trace_of(&self, stack: &Stack, task: Option<&Task>) -> StackTrace {
        let frame = |frame: &Frame| {
            let name = self.frame_name(frame);
            let (function, offset, size, module) = match name {
                Some(name) => (Some(name.symbol), Some(name.offset), name.size, name.module),
                None => (None, None, None, None),
            };
            StackFrame {
                pc: frame.pc,
                sp: frame.sp,
                function,
                offset,
                size,
                module,
                source: None,
                inlined: Vec::new(),
                rule: frame.rule,
                trust: match frame.is_guess {
                    true => base::Trust::Inferred,
                    false => frame.rule.trust(),
                },
                is_exact: frame.is_exact,
                is_guess: frame.is_guess,
                stack: task.and_then(|task| self.other_stack(frame.sp, task)),
            }
        };
        let (end, why) = match &stack.end {
            End::Bottom => (StackEnd::Bottom, String::new()),
            End::NotRunYet => (StackEnd::NotRunYet, String::new()),
            End::User(_) => (StackEnd::User, String::new()),
            End::Lost(why) => (StackEnd::Lost, why.clone()),
        };
        StackTrace {
            frames: stack.frames.iter().map(frame).collect(),
            end,
            why,
            user: None,
        }
    }

    /// What the code of a frame is called: a function is looked up before a return address, the offset is that of
    /// the address itself.
    pub fn frame_name(&self, frame: &Frame) -> Option<Name> {
        let name = self.name(frame.lookup_pc())?;
        Some(Name {
            offset: name.offset + u64::from(!frame.is_exact),
            ..name
        })
    }

    /// The stack of a task, without names.
    pub fn stack(&self, task: &Task) -> Result<Stack, Gap> {
        let Some(number) = task.cpu else {
            let mut registers = self.sleeping(task)?;
            if let Some(stack) = self.not_run_yet(&mut registers) {
                return Ok(stack);
            }
            return Ok(unwind::walk(self, registers, Rule::Switched, false));
        };
        let mut cpus = self.cpus().value.iter();
        let cpu = cpus.find(|cpu| cpu.number == number);
        let registers = cpu.and_then(|cpu| self.registers_of(cpu)).ok_or_else(|| {
            let why = format!("it ran on CPU {number}, whose registers the dump does not have");
            Gap::new(format!("the stack of task {}", task.pid), why)
        })?;
        let registers = Registers::named(&registers.registers);
        Ok(unwind::walk(self, registers, Rule::Registers, true))
    }

    /// The stack of a task that has not run yet: its return address is where a new one begins, and what lies above
    /// is no frame of its own.
    fn not_run_yet(&self, registers: &mut Registers) -> Option<Stack> {
        let (pc, sp) = (registers.get(X86::Rip)?, registers.get(X86::Rsp)?);
        let mut beginnings = BEGINNINGS.iter().filter_map(|name| self.known(name));
        if !beginnings.any(|beginning| beginning == pc) {
            return None;
        }
        let frame = Frame {
            pc: VirtAddr(pc),
            sp: VirtAddr(sp),
            rule: Rule::Switched,
            is_exact: true,
            is_guess: false,
            registers: std::mem::take(registers),
        };
        Some(Stack {
            frames: vec![frame],
            end: End::NotRunYet,
        })
    }

    /// The registers of a task that sleeps: `__switch_to_asm` has left them on its stack.
    pub(crate) fn sleeping(&self, task: &Task) -> Result<Registers, Gap> {
        let space = self.space();
        let switched = self.switched.get_or_init(|| self.find_switched());
        let Switched {
            sp,
            on_cpu,
            saved,
            size,
        } = switched.as_ref().map_err(Clone::clone)?;
        // Of a CPU that cannot be read nobody knows which task it runs, and what the scheduler saved of that one last
        // time is no stack any more; only the task itself says that it runs.
        if !self.cpus().gaps.is_empty()
            && let Some(on_cpu) = on_cpu
            && on_cpu.read(space, task.address) != Ok(0)
        {
            let why = "it ran on a CPU of which it cannot be read what it runs";
            return Err(Gap::new(format!("the stack of task {}", task.pid), why));
        }
        let read = || {
            let sp = sp.pointer(space, task.address)?;
            let mut registers = Registers::default();
            for (field, register) in saved {
                registers.set(*register, Some(field.read(space, sp)?));
            }
            registers.set(X86::Rsp, Some(sp.0.wrapping_add(*size)));
            Ok(registers)
        };
        read().map_err(|error: base::ReadError| {
            Gap::new(format!("the stack of task {}", task.pid), error.to_string())
        })
    }

    fn find_switched(&self) -> Result<Switched, Gap> {
        let types = self.types();
        let saved = types.layout("struct inactive_task_frame")?;
        let field = |(name, register): &(&str, X86)| Ok((saved.any(&[name])?, *register));
        let task = types.layout("struct task_struct")?;
        Ok(Switched {
            sp: task.any(&["thread.sp"])?,
            on_cpu: task.find("on_cpu"),
            saved: SAVED.iter().map(field).collect::<Result<_, Gap>>()?,
            size: saved.size(),
        })
    }
}

/// Where the registers of a task are that the scheduler took the CPU from.
#[derive(Debug)]
pub(crate) struct Switched {
    /// The stack pointer, in its `struct task_struct`.
    sp: Field,
    /// Whether a CPU runs it (`on_cpu` of include/linux/sched.h; a kernel for one CPU may lack it), there too.
    on_cpu: Option<Field>,
    /// The registers, on the stack.
    saved: Vec<(Field, X86)>,
    /// Bytes of them all.
    size: u64,
}

/// Members of `struct inactive_task_frame` (arch/x86/include/asm/switch_to.h).
const SAVED: &[(&str, X86)] = &[
    ("r15", X86::R15),
    ("r14", X86::R14),
    ("r13", X86::R13),
    ("r12", X86::R12),
    ("bx", X86::Rbx),
    ("bp", X86::Rbp),
    ("ret_addr", X86::Rip),
];
