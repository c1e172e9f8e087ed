//! Which function a call reaches.

use arch::Reg;
use debuginfo::{DebugInfo, Object, ObjectId, Result};

use crate::body::{Body, Call, Target};

/// Functions that are called for something else than themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// It changes nothing: what the tracer of function entries patches.
    Nothing,
    /// It jumps to the address in a register.
    Through(Reg),
    /// It returns for the caller.
    Return,
    /// It does not return.
    NoReturn,
}

/// The registers of x86's thunks, which jump to them (`arch/x86/lib/retpoline.S`).
const THUNKS: &[&str] = &[
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "eax", "ebx", "ecx", "edx", "esi", "edi", "ebp",
];

/// What is called before anything else of a function: it keeps every register (`Documentation/trace/ftrace-design.rst`).
pub(crate) const TRACERS: &[&str] = &[
    "__fentry__",
    "mcount",
    "_mcount",
    "__gnu_mcount_nc",
    "ftrace_caller",
];

/// Functions that do not return, as `tools/objtool/noreturns.h` has them.
pub(crate) const NO_RETURN: &[&str] = &[
    "__stack_chk_fail",
    "panic",
    "do_exit",
    "make_task_dead",
    "do_task_dead",
    "kthread_exit",
    "kthread_complete_and_exit",
    "__fortify_panic",
    "fortify_panic",
    "__ubsan_handle_builtin_unreachable",
    "ex_handler_msr_mce",
    "machine_real_restart",
    "rewind_stack_and_make_dead",
    "__module_put_and_kthread_exit",
    "__reiserfs_panic",
    "nmi_panic_self_stop",
    "usercopy_abort",
    "xen_start_kernel",
];

/// What the function at an address is called for, if it is one of these.
pub(crate) fn special(object: &Object<'_>, address: u64) -> Option<Special> {
    let name = name_at(object, address)?;
    if TRACERS.contains(&name) {
        return Some(Special::Nothing);
    }
    if NO_RETURN.contains(&name) {
        return Some(Special::NoReturn);
    }
    if name == "__x86_return_thunk" {
        return Some(Special::Return);
    }
    let register = name
        .strip_prefix("__x86_indirect_thunk_")
        .or_else(|| name.strip_prefix("__x86_indirect_call_thunk_"))
        .or_else(|| name.strip_prefix("__x86_indirect_jump_thunk_"))?;
    let register = THUNKS.iter().find(|known| **known == register)?;
    let whole = object.arch()?.register(register)?;
    Some(Special::Through(Reg(whole.name)))
}

/// The name of the function at an address of the object's code, also of one that is defined elsewhere.
fn name_at<'a>(object: &Object<'a>, address: u64) -> Option<&'a str> {
    if let Ok(Some(symbol)) = object.external_at(address) {
        return Some(symbol.name);
    }
    let symbol = object.symbol_starting_at(address).ok()??;
    Some(symbol.name)
}

/// A function that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee<'a> {
    /// Its name in the symbol table.
    pub name: &'a str,
    /// Where it is defined, if that object is at hand: the object and its address there.
    pub home: Option<(ObjectId, u64)>,
}

/// The names of trampolines that lead to one function (`include/linux/static_call.h`).
const TRAMPOLINE: &str = "__SCT__";

/// The function at an address of an object's code.
pub(crate) fn at<'a>(
    debug: &DebugInfo<'a>,
    id: ObjectId,
    address: u64,
) -> Result<Option<Callee<'a>>> {
    let Some(object) = debug.object(id) else {
        return Ok(None);
    };
    if let Some(symbol) = object.external_at(address)? {
        let name = symbol.name.strip_prefix(TRAMPOLINE).unwrap_or(symbol.name);
        // Another object has it: the kernel first, which has most.
        let mut homes = Vec::new();
        for (other, object) in debug.objects().filter(|(other, _)| *other != id) {
            let exported = object.functions_named(name)?;
            homes.extend(exported.iter().map(|symbol| (other, symbol.address)));
        }
        let kernel = debug.kernel();
        let home = homes
            .iter()
            .find(|(other, _)| Some(*other) == kernel)
            .or(homes.first())
            .copied();
        return Ok(Some(Callee { name, home }));
    }
    let symbol = object.symbol_starting_at(address)?;
    Ok(symbol.map(|symbol| Callee {
        name: symbol.name.strip_prefix(TRAMPOLINE).unwrap_or(symbol.name),
        home: Some((id, address)),
    }))
}

impl<'a> Body<'a> {
    /// The function that a call reaches, where its address is known.
    pub fn callee(&self, debug: &DebugInfo<'a>, call: &Call) -> Result<Option<Callee<'a>>> {
        self.function_of(debug, &call.target)
    }

    /// The function that a target is, where its address is known.
    pub fn function_of(
        &self,
        debug: &DebugInfo<'a>,
        target: &Target,
    ) -> Result<Option<Callee<'a>>> {
        match (target, self.object) {
            (Target::Address(address), Some(id)) => at(debug, id, *address),
            // Calls over a distance put the address into a register first.
            (Target::Value(_), _) | (_, None) => Ok(None),
        }
    }
}
