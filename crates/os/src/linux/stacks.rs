//! Stacks of tasks: of those that sleep from what the scheduler saved, of those that run from the registers of
//! their CPU.

use base::Gap;
use unwind::{End, Frame, Registers, Rule, Stack, X86};
use value::Field;

use super::Kernel;
use super::symbols::Name;
use super::walkers::tasks::Task;

/// A frame with what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFrame {
    /// The frame.
    pub frame: Frame,
    /// The function; none where nothing has a name there.
    pub name: Option<Name>,
}

/// The stack of a thread, the innermost frame first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadStack {
    /// Frames in the kernel.
    pub frames: Vec<NamedFrame>,
    /// How the stack ended.
    pub end: End,
}

impl Kernel<'_> {
    /// The stack of a task.
    pub fn stack(&self, task: &Task) -> Result<ThreadStack, Gap> {
        let stack = self.bare_stack(task)?;
        let name = |frame: Frame| {
            let name = self.name(frame.lookup_pc());
            // A function is looked up before the address, the offset is that of the address itself.
            let name = name.map(|name| Name {
                offset: name.offset + u64::from(!frame.is_exact),
                ..name
            });
            NamedFrame { frame, name }
        };
        Ok(ThreadStack {
            frames: stack.frames.into_iter().map(name).collect(),
            end: stack.end,
        })
    }

    /// The same, without names.
    pub fn bare_stack(&self, task: &Task) -> Result<Stack, Gap> {
        let Some(number) = task.cpu else {
            let registers = self.sleeping(task)?;
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

    /// The registers of a task that sleeps: `__switch_to_asm` has left them on its stack.
    pub(crate) fn sleeping(&self, task: &Task) -> Result<Registers, Gap> {
        let space = self.space();
        let switched = self.switched.get_or_init(|| self.find_switched());
        let Switched { sp, saved, size } = switched.as_ref().map_err(Clone::clone)?;
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
        Ok(Switched {
            sp: types.layout("struct task_struct")?.any(&["thread.sp"])?,
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
