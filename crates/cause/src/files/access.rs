//! The access that failed, found in the code of the function and checked against the log.

use arch::{Expr, Reg, extend};
use base::LogEvent;
use code::{Body, Call, Leaf, Origin, Sum, Term, View};
use debuginfo::DebugInfo;

/// Registers as the log printed them, at the instruction that failed.
pub(super) struct Registers {
    values: Vec<(Reg, u64)>,
}

impl Registers {
    /// Those of the event's own dump.
    pub(super) fn of(event: &LogEvent, arch: &'static arch::Arch) -> Self {
        let printed = event.registers.first().map(|set| set.registers.as_slice());
        let values = printed
            .unwrap_or_default()
            .iter()
            .filter_map(|register| {
                Some((Reg(arch.register(&register.name)?.name), register.value.0))
            })
            .collect();
        Registers { values }
    }

    /// The value of a register before the instruction that failed.
    pub(super) fn value(&self, reg: Reg) -> Option<u64> {
        let known = self.values.iter().find(|(known, _)| *known == reg);
        known.map(|(_, value)| *value)
    }

    /// The value of a register before instruction `at`, where nothing has changed it until the one that failed.
    pub(super) fn earlier(
        &self,
        body: &Body<'_>,
        reg: Reg,
        at: usize,
        fault: usize,
    ) -> Option<u64> {
        if at == fault {
            return self.value(reg);
        }
        body.keeps(reg, at, fault).then(|| self.value(reg))?
    }

    /// The value of a part of a sum.
    pub(super) fn leaf(&self, body: &Body<'_>, leaf: &Leaf, fault: usize) -> Option<u64> {
        match leaf {
            Leaf::Register { reg, at } => self.earlier(body, *reg, *at, fault),
            Leaf::Load { at, .. } => {
                // The register that took it still has it, if nothing else set it since.
                self.values.iter().find_map(|(reg, value)| {
                    let origins = body.origins(*reg, fault);
                    let [Origin::Set(set, Expr::Load(_))] = origins.as_slice() else {
                        return None;
                    };
                    (set == at).then_some(*value)
                })
            }
            Leaf::Opaque(_) => None,
        }
    }

    /// The same, also where functions were called since that need not give back the register and do.
    pub(super) fn kept<'d>(
        &self,
        debug: &DebugInfo<'d>,
        body: &Body<'d>,
        leaf: &Leaf,
        fault: usize,
    ) -> Option<u64> {
        if let Some(value) = self.leaf(body, leaf, fault) {
            return Some(value);
        }
        let Leaf::Register { reg, at } = leaf else {
            return None;
        };
        let view = View::new(debug, body);
        let gives_back = |call: &Call| view.keeps(call, *reg);
        let is_kept = body.keeps_over(*reg, *at, fault, &gives_back);
        is_kept.then(|| self.value(*reg))?
    }

    /// The values of the parts of a sum; where all but one are known, the last one is solved.
    pub(super) fn terms(
        &self,
        body: &Body<'_>,
        sum: &Sum,
        whole: Option<u64>,
        fault: usize,
    ) -> Vec<Option<u64>> {
        let mut values: Vec<Option<u64>> = sum
            .terms
            .iter()
            .map(|term| self.leaf(body, &term.leaf, fault))
            .collect();
        let known = |values: &[Option<u64>]| {
            let parts = sum.terms.iter().zip(values);
            parts
                .filter_map(|(term, value)| Some(term.factor.wrapping_mul((*value)?)))
                .fold(sum.constant, u64::wrapping_add)
        };
        if let Some(whole) = whole
            && values.iter().all(Option::is_some)
            && known(&values) != whole
        {
            // They are of another round of a loop.
            values.fill(None);
        }
        let mut open = (0..values.len()).filter(|at| values.get(*at) == Some(&None));
        if let (Some(whole), Some(at), None) = (whole, open.next(), open.next()) {
            let rest = whole.wrapping_sub(known(&values));
            let factor = sum.terms.get(at).map_or(0, |term: &Term| term.factor);
            let solved = match factor {
                1 => Some(rest),
                2..0x10_0000 if rest.checked_rem(factor) == Some(0) => rest.checked_div(factor),
                _ => None,
            };
            if let Some(slot) = values.get_mut(at) {
                *slot = solved;
            }
        }
        let is_whole = values.iter().all(Option::is_some);
        if whole.is_some_and(|whole| is_whole && known(&values) != whole) {
            // Values of different rounds of a loop: none of them is sure.
            values.fill(None);
        }
        values
    }
}

/// Whether the computed address is the reported one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Agreement {
    /// The same, or inside of the bytes that were accessed.
    Same,
    /// The CPU reported none.
    NotReported,
    /// A register of it was not printed.
    NotComputed,
    /// The CPU reported another.
    Contradicts,
}

/// An access of one instruction.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    /// Its address, as the instruction computes it.
    pub(super) address: Expr,
    /// The address space, where it is not the usual one.
    pub(super) space: Option<&'static str>,
    /// Bytes.
    pub(super) size: u8,
    /// Whether it writes.
    pub(super) write: bool,
    /// The number, by the printed registers.
    pub(super) computed: Option<u64>,
    /// How that stands to what the CPU reported.
    pub(super) agreement: Agreement,
}

/// The access of instruction `at` that the reported address names.
pub(super) fn failed(
    body: &Body<'_>,
    at: usize,
    registers: &Registers,
    event: &LogEvent,
) -> Option<Failed> {
    let node = body.nodes.get(at)?;
    let reported = event.fault.as_ref().and_then(|fault| fault.address);
    let reported = reported.map(|address| address.0);
    let bytes = body.arch.pointer_bits / 8;
    let mut found: Vec<Failed> = Vec::new();
    for (address, size, write) in node.insn.accesses() {
        let computed = address
            .evaluate(&|reg| registers.value(reg))
            .map(|value| extend(value, bytes, false));
        let agreement = match (computed, reported) {
            (_, None) => Agreement::NotReported,
            (None, _) => Agreement::NotComputed,
            // An access that crosses into a bad page is reported where that page begins.
            (Some(computed), Some(reported))
                if reported.wrapping_sub(computed) < u64::from(size.max(1)) =>
            {
                Agreement::Same
            }
            _ => Agreement::Contradicts,
        };
        match found.iter_mut().find(|known| known.address == *address) {
            // Read, changed and written again.
            Some(known) => known.write |= write,
            None => found.push(Failed {
                address: address.clone(),
                space: space_of(&node.insn, address),
                size,
                write,
                computed,
                agreement,
            }),
        }
    }
    found.sort_by_key(|access| access.agreement);
    found.into_iter().next()
}

/// The address space that an instruction reads or writes an address in.
fn space_of(insn: &arch::Insn, address: &Expr) -> Option<&'static str> {
    insn.effects.iter().find_map(|effect| match effect {
        arch::Effect::Touch(load) if load.address == *address => load.space,
        arch::Effect::Store {
            address: to, space, ..
        } if to == address => *space,
        arch::Effect::Set(_, value) => space_in(value, address),
        _ => None,
    })
}

fn space_in(value: &Expr, address: &Expr) -> Option<&'static str> {
    match value {
        Expr::Load(load) if load.address == *address => load.space,
        Expr::Load(load) => space_in(&load.address, address),
        Expr::Binary(_, left, right) | Expr::Compare(left, right) | Expr::Test(left, right) => {
            space_in(left, address).or_else(|| space_in(right, address))
        }
        Expr::Extend { value, .. } => space_in(value, address),
        _ => None,
    }
}
