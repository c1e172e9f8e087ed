//! The access that failed: its address by the registers, and by the CPU.

use arch::{Effect, Expr, Insn, Load, extend};
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
        // Neither the base of a segment is printed nor, in such a window, the program counter.
        let floats = window.is_relative(window.fault) && !window.absolute;
        let lost = in_segment(insn, address) || floats && is_constant(address);
        let computed = (!lost)
            .then(|| address.evaluate(&known))
            .flatten()
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
        .ok_or_else(|| Unread::NoAccess(insn.text.to_string()))
}

fn is_constant(address: &Expr) -> bool {
    let mut registers = Vec::new();
    address.registers(&mut registers);
    registers.is_empty()
}

/// Whether the instruction adds the base of a segment to this address.
fn in_segment(insn: &Insn, address: &Expr) -> bool {
    let has = |load: &Load| load.space.is_some() && load.address == *address;
    insn.effects.iter().any(|effect| match effect {
        Effect::Touch(load) => has(load),
        Effect::Store {
            address: to, space, ..
        } if space.is_some() && to == address => true,
        Effect::Store { value, .. } | Effect::Set(_, value) => any_load(value, &has),
        Effect::Clobber(_) => false,
    })
}

fn any_load(value: &Expr, is: &dyn Fn(&Load) -> bool) -> bool {
    match value {
        Expr::Load(load) => is(load) || any_load(&load.address, is),
        Expr::Binary(_, a, b) | Expr::Compare(a, b) | Expr::Test(a, b) => {
            any_load(a, is) || any_load(b, is)
        }
        Expr::Extend { value, .. } => any_load(value, is),
        Expr::Select(test, a, b) => [&test.left, &test.right, a.as_ref(), b.as_ref()]
            .into_iter()
            .any(|part| any_load(part, is)),
        Expr::Reg(_) | Expr::Const(_) | Expr::Unknown(_) => false,
    }
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
