//! One function: its instructions and how control goes between them.

use std::sync::{Arc, OnceLock};

use arch::{Arch, Expr, Insn, Reg, Role, Test};
use debuginfo::{Function, ObjectId, Site};

/// The code of one function, or of the part of it that is known.
#[derive(Clone, Debug)]
pub struct Body<'a> {
    /// The object that it lies in; none for bytes that a report printed.
    pub object: Option<ObjectId>,
    /// Its name in the symbol table.
    pub name: String,
    /// The architecture.
    pub arch: &'static Arch,
    /// What debug info tells of it.
    pub function: Option<Arc<Function<'a>>>,
    /// Its instructions, by address.
    pub nodes: Vec<Node>,
    /// The number of the first instruction that is executed; none where the beginning is not known.
    pub entry: Option<usize>,
    /// Whether control may go ways that are not known: it jumps to computed addresses, or bytes were not decoded.
    pub has_hidden_ways: bool,
    /// Where it has other instructions than its file: a kernel had put them there when it ran.
    pub replaced: Vec<Site>,
    /// The end of the stack before each instruction, counted from its place at the entry, and the same of the
    /// frame pointer, where known.
    pub(crate) frames: Vec<crate::frame::Ends>,
    pub(crate) kept: Kept,
}

/// What is worked out once for a function, when it is first asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// The nearest instruction on every way to each.
    pub(crate) dominators: OnceLock<Vec<Option<usize>>>,
    /// The slots whose address is made.
    pub(crate) addresses_made: OnceLock<Vec<i64>>,
}

/// One instruction and where control goes behind it.
///
/// Where an instruction executes the next one before it leaves (MIPS), the exit and the call belong to that
/// next one.
#[derive(Clone, Debug)]
pub struct Node {
    /// The instruction.
    pub insn: Insn,
    /// The call that is made behind its effects.
    pub call: Option<Call>,
    /// How control leaves.
    pub exit: Exit,
    /// Numbers of the instructions that may be next.
    pub next: Vec<usize>,
    /// Numbers of those that may come before.
    pub before: Vec<usize>,
}

/// How control leaves an instruction.
#[derive(Clone, Debug, PartialEq)]
pub enum Exit {
    /// To the next instruction, or to one other.
    Goes,
    /// To one of two, by a test.
    Branches {
        /// The condition for `taken`.
        test: Test,
        /// The number of the instruction that asks: all values are those before it.
        at: usize,
        /// Where it goes if the condition holds; none outside of the function.
        taken: Option<usize>,
        /// Where it goes otherwise.
        falls: Option<usize>,
    },
    /// To the start of another function, which returns to the caller of this one.
    TailCall(Target),
    /// To an address that is a value before the instruction of this number: one of the cases in `next`, where these
    /// are known, else a case or a function that returns to the caller of this one.
    JumpsTo(Expr, usize),
    /// Back to the caller.
    Returns,
    /// It stops: a trap, or a function that does not return.
    Stops,
    /// Somewhere that is not known.
    Unknown,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub target: Target,
    /// The number of the calling instruction.
    pub at: usize,
    /// The address behind the call, where the called function returns to.
    pub return_address: u64,
}

/// What is called or jumped to.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The function at an address of the object: also one of another object, which has an address here.
    Address(u64),
    /// A function whose address is a value before the instruction.
    Value(Expr),
}

impl Body<'_> {
    /// The number of the instruction at `address`.
    pub fn node_at(&self, address: u64) -> Option<usize> {
        self.nodes
            .binary_search_by_key(&address, |node| node.insn.address)
            .ok()
    }

    /// The number of the instruction that a call at some place returns behind: the one with the call.
    pub fn call_returning_to(&self, address: u64) -> Option<usize> {
        self.nodes.iter().position(|node| {
            node.call
                .as_ref()
                .is_some_and(|call| call.return_address == address)
        })
    }

    /// The instruction of a number.
    pub fn insn(&self, at: usize) -> Option<&Insn> {
        self.nodes.get(at).map(|node| &node.insn)
    }

    /// Whether a called function may change the register.
    pub fn is_scratch(&self, reg: Reg) -> bool {
        const KEPT: [Role; 5] = [
            Role::CalleeSaved,
            Role::StackPointer,
            Role::FramePointer,
            Role::Zero,
            Role::Pointer,
        ];
        self.arch
            .register(reg.0)
            .is_none_or(|register| !KEPT.into_iter().any(|role| register.has(role)))
    }

    /// Whether a call returns its value in the register.
    pub fn is_result(&self, reg: Reg) -> bool {
        let register = self.arch.register(reg.0);
        register.is_some_and(|register| register.has(Role::Return(0)))
    }

    /// The number of the argument that the register carries when a function is entered, from 0.
    pub fn argument(&self, reg: Reg) -> Option<u8> {
        let register = self.arch.register(reg.0)?;
        register.roles.iter().find_map(|role| match role {
            Role::Argument(number) => Some(*number),
            _ => None,
        })
    }

    /// The register of an argument, from 0.
    pub fn argument_register(&self, number: u8) -> Option<Reg> {
        let register = self.arch.with_role(Role::Argument(number))?;
        Some(Reg(register.name))
    }

    /// The register at the end of the stack.
    pub fn stack_pointer(&self) -> Option<Reg> {
        self.arch.sp().map(|register| Reg(register.name))
    }
}
