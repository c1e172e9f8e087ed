//! What addresses mean: the functions that take and give back locks, and those that are not called for themselves.

use std::collections::BTreeMap;

use super::code::Code;
use super::primitives::{PRIMITIVES, Primitive};
use crate::callee::{NO_RETURN, TRACERS};

/// What a function is called for, if not for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// It changes nothing for its caller.
    Nothing,
    /// It goes where a register says.
    Through,
    /// It returns for the caller.
    Return,
    /// It does not return.
    NoReturn,
}

/// What returns in place of `ret` (arch/x86/lib/retpoline.S, arch/x86/entry/entry.S): which of them is jumped to is
/// patched in.
const RETURNS: &[&str] = &[
    "__x86_return_thunk",
    "retbleed_return_thunk",
    "zen_untrain_ret",
    "srso_return_thunk",
    "srso_alias_return_thunk",
    "srso_alias_safe_ret",
    "srso_safe_ret",
    "call_depth_return_thunk",
    "its_return_thunk",
];

/// The registers of the thunks that jump to them, in the order of their array (`GEN` of
/// arch/x86/include/asm/GEN-for-each-reg.h).
const THUNKS: &[&str] = &[
    "__x86_indirect_thunk_rax",
    "__x86_indirect_thunk_rcx",
    "__x86_indirect_thunk_rdx",
    "__x86_indirect_thunk_rbx",
    "__x86_indirect_thunk_rsp",
    "__x86_indirect_thunk_rbp",
    "__x86_indirect_thunk_rsi",
    "__x86_indirect_thunk_rdi",
    "__x86_indirect_thunk_r8",
    "__x86_indirect_thunk_r9",
    "__x86_indirect_thunk_r10",
    "__x86_indirect_thunk_r11",
    "__x86_indirect_thunk_r12",
    "__x86_indirect_thunk_r13",
    "__x86_indirect_thunk_r14",
    "__x86_indirect_thunk_r15",
];

/// Where the address of the running thread lies in the memory of each CPU, the newest name first: `current_task` was
/// a part of `pcpu_hot` from 6.2 to 6.14 (e57ef2ed97c1 to b1c1aa4a9d3a).
const CURRENT: &[&str] = &["const_current_task", "current_task", "pcpu_hot"];

/// Functions that the inlined fast paths are known by.
const SLOW_PATHS: [&str; 6] = [
    "__percpu_down_read",
    "rcuwait_wake_up",
    "__folio_lock",
    "__folio_lock_killable",
    "__lock_page",
    "__lock_page_killable",
];

/// Addresses with a meaning.
#[derive(Debug, Default)]
pub(crate) struct Names {
    primitives: BTreeMap<u64, &'static Primitive>,
    special: BTreeMap<u64, Special>,
    pub(crate) current: Vec<u64>,
    pub(crate) percpu_slow: Vec<u64>,
    pub(crate) percpu_wake: Vec<u64>,
    pub(crate) folio_slow: Vec<u64>,
}

impl Names {
    /// Asks for all names at once.
    pub(crate) fn resolve(code: &dyn Code) -> Self {
        let mut asked: Vec<&str> = PRIMITIVES.iter().map(|primitive| primitive.name).collect();
        let groups: [&[&str]; 6] = [TRACERS, NO_RETURN, RETURNS, THUNKS, CURRENT, &SLOW_PATHS];
        asked.extend(groups.into_iter().flatten());
        let found = code.addresses_of(&asked);
        let mut found = asked.iter().copied().zip(found);
        let mut names = Names::default();
        for (primitive, (_, addresses)) in PRIMITIVES.iter().zip(&mut found) {
            names
                .primitives
                .extend(addresses.into_iter().map(|address| (address, primitive)));
        }
        for (name, addresses) in found {
            let special = match name {
                _ if TRACERS.contains(&name) => Some(Special::Nothing),
                _ if NO_RETURN.contains(&name) => Some(Special::NoReturn),
                _ if RETURNS.contains(&name) => Some(Special::Return),
                _ if THUNKS.contains(&name) => Some(Special::Through),
                _ => None,
            };
            match special {
                Some(special) => {
                    let all = addresses.into_iter().map(|address| (address, special));
                    names.special.extend(all);
                }
                None if CURRENT.contains(&name) => names.current.extend(addresses),
                None if name == "__percpu_down_read" => names.percpu_slow.extend(addresses),
                None if name == "rcuwait_wake_up" => names.percpu_wake.extend(addresses),
                None => names.folio_slow.extend(addresses),
            }
        }
        names
    }

    pub(crate) fn primitive(&self, address: u64) -> Option<&'static Primitive> {
        self.primitives.get(&address).copied()
    }

    pub(crate) fn special(&self, address: u64) -> Option<Special> {
        self.special.get(&address).copied()
    }
}
