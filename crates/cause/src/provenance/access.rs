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
    /// Whether it reads.
    pub read: bool,
    /// Whether it writes; an instruction that changes memory does both.
    pub write: bool,
}

impl Access {
    /// What was done, for the end of a sentence's subject: `read`, `wrote`.
    pub fn did(&self) -> &'static str {
        match (self.read, self.write) {
            (true, true) => "read and wrote",
            (_, true) => "wrote",
            _ => "read",
        }
    }

    /// The same of the instruction.
    pub fn does(&self) -> &'static str {
        match (self.read, self.write) {
            (true, true) => "reads and writes",
            (_, true) => "writes",
            _ => "reads",
        }
    }

    /// Whether the access is of the kind that the CPU reported: a page that is not there stops
    /// what reads and writes either way, by the implementation.
    fn is(&self, reported: Option<&str>) -> bool {
        match reported {
            Some("read") => self.read,
            Some("write") => self.write,
            _ => true,
        }
    }
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
    let mut candidates: Vec<Access> = Vec::new();
    for (address, size, write) in insn.accesses() {
        // What an instruction changes it reads and writes at one place.
        let same = candidates
            .iter_mut()
            .find(|known| known.address == *address && known.size == size);
        if let Some(known) = same {
            known.read |= !write;
            known.write |= write;
            continue;
        }
        let known = |reg| window.printed(reg);
        let computed = address
            .evaluate(&known)
            .map(|value| extend(value, bits / 8, false));
        candidates.push(Access {
            address: address.clone(),
            computed,
            reported,
            agreement: agreement(computed, reported, size),
            size,
            read: !write,
            write,
        });
    }
    let kind = event
        .fault
        .as_ref()
        .and_then(|fault| fault.access.as_deref());
    candidates.sort_by_key(|access| {
        let agreement = match access.agreement {
            Agreement::Same => 0,
            Agreement::Inside => 1,
            Agreement::NotReported => 2,
            Agreement::NotComputed => 3,
            Agreement::Contradicts => 4,
        };
        // Of accesses that the address does not tell apart, the kind does.
        (agreement, !access.is(kind))
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
