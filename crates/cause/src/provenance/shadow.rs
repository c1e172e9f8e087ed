//! Checks of KASAN that failed: the instruction read the shadow of the address that the code was
//! about to use, and that address is the one to explain.
//!
//! Compiled-in checks read the byte at `(address >> 3) + KASAN_SHADOW_OFFSET` before every access
//! (Documentation/dev-tools/kasan.rst, "Shadow memory"; `kasan_mem_to_shadow()` in
//! include/linux/kasan.h). Of an address that is none, there is no shadow, and the check faults.

use arch::Expr;

use super::linear::{self, Leaf, Linear};
use super::{Access, Window};
use crate::pointers::is_shadow_offset;

/// An address that was checked.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// What was added to an eighth of it.
    pub offset: u64,
    /// The first of the eight bytes whose shadow it is.
    pub first: u64,
    /// The address as a sum.
    pub address: Linear,
}

/// The address whose shadow the failed access read, with the sum of the access itself given.
/// `by_kasan` says whether the report names KASAN: then the offset alone is enough.
pub(super) fn undo(
    window: &Window,
    access: &Access,
    sum: &Linear,
    by_kasan: bool,
) -> Option<Shadow> {
    let computed = access.computed?;
    let offset = offset(window, sum)?;
    let first = computed.wrapping_sub(offset) << 3;
    let checked = sum.terms.iter().find_map(|term| match &term.leaf {
        Leaf::Eighth { of, insn } if term.factor == 1 => Some((of, *insn)),
        _ => None,
    });
    let mut address = match checked {
        Some((of, at)) => linear::of(window, of, at),
        None if by_kasan => linear::opaque("an eighth of an address"),
        None => return None,
    };
    // What the registers give must be what the shadow says; the lowest bits are not in it.
    if let Some(whole) = whole(&address)
        && whole & !7 != first
    {
        return None;
    }
    address.insns.extend(&sum.insns);
    address.insns.sort_unstable();
    address.insns.dedup();
    Some(Shadow {
        offset,
        first,
        address,
    })
}

/// The part of the sum that is KASAN's, beside one other.
fn offset(window: &Window, sum: &Linear) -> Option<u64> {
    let is_offset = |value: u64| is_shadow_offset(value, window.arch.name);
    match sum.terms.as_slice() {
        [one] if one.factor == 1 && is_offset(sum.constant) => Some(sum.constant),
        [one, other] if one.factor == 1 && other.factor == 1 && sum.constant == 0 => {
            let values = [one.value, other.value];
            values.into_iter().flatten().find(|&value| is_offset(value))
        }
        _ => None,
    }
}

/// The sum, where all its parts are known.
pub(super) fn whole(sum: &Linear) -> Option<u64> {
    sum.terms.iter().try_fold(sum.constant, |whole, term| {
        Some(whole.wrapping_add(term.factor.wrapping_mul(term.value?)))
    })
}

/// Whether the value is one that a check of KASAN makes.
pub(super) fn eighth(op: arch::Op, by: &Expr) -> bool {
    op == arch::Op::Shr && *by == Expr::Const(3)
}
