//! The access that failed: its address by the registers, and by the CPU.

use arch::{Expr, extend};
use base::LogEvent;

use super::{Unread, Window};

/// Whether the computed address is the reported one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The same.
    Same,
    /// The reported one lies inside the bytes of the access.
    Inside,
    /// The CPU reported an address that this access does not have.
    Contradicts,
    /// The CPU reported none.
    NotReported,
    /// A register of the address was not printed.
    NotComputed,
}

/// A memory access of the failed instruction.
#[derive(Clone, Debug)]
pub struct Access {
    /// Its address as the instruction computes it.
    pub address: Expr,
    /// The number.
    pub computed: Option<u64>,
    /// What the CPU reported.
    pub reported: Option<u64>,
    /// How they compare.
    pub agreement: Agreement,
    /// Bytes.
    pub size: u8,
    /// Whether it writes.
    pub write: bool,
}

/// The access of the failed instruction that the reported address names; the
/// first where none was reported.
pub fn failed(window: &Window, event: &LogEvent) -> Result<Access, Unread> {
    let insn = window.insns.get(window.fault).ok_or(Unread::NoCode)?;
    let reported = event
        .fault
        .as_ref()
        .and_then(|fault| fault.address)
        .map(|address| address.0);
    let bits = window.arch.pointer_bits;
    let mut candidates: Vec<Access> = insn
        .accesses()
        .into_iter()
        .map(|(address, size, write)| {
            let known = |reg| window.printed(reg);
            let computed = address
                .evaluate(&known)
                .map(|value| extend(value, bits / 8, false));
            let agreement = agreement(computed, reported, size);
            Access {
                address: address.clone(),
                computed,
                reported,
                agreement,
                size,
                write,
            }
        })
        .collect();
    candidates.sort_by_key(|access| match access.agreement {
        Agreement::Same => 0,
        Agreement::Inside => 1,
        Agreement::NotReported => 2,
        Agreement::NotComputed => 3,
        Agreement::Contradicts => 4,
    });
    candidates
        .into_iter()
        .next()
        .ok_or_else(|| Unread::NoAccess(insn.text.clone()))
}

fn agreement(computed: Option<u64>, reported: Option<u64>, size: u8) -> Agreement {
    match (computed, reported) {
        (_, None) => Agreement::NotReported,
        (None, _) => Agreement::NotComputed,
        (Some(computed), Some(reported)) if computed == reported => Agreement::Same,
        // An access that crosses into a bad page is reported where that page begins.
        (Some(computed), Some(reported)) if reported.wrapping_sub(computed) < u64::from(size) => {
            Agreement::Inside
        }
        _ => Agreement::Contradicts,
    }
}
