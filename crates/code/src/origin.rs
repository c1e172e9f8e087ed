//! One step backwards: who gave a register or a slot of the stack its value.

use arch::{Effect, Expr, Reg};

use crate::body::Body;

/// Where a value before an instruction came from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// This instruction set it to this, which is told by what was before that instruction.
    Set(usize, Expr),
    /// The call behind this instruction returned it.
    Result(usize),
    /// The call behind this instruction may have changed it, and does not return it.
    Lost(usize),
    /// It is as it was when the function was entered.
    Entry,
    /// Control came from where is not known to this instruction.
    Elsewhere(usize),
}

impl Body<'_> {
    /// The origins of a register before instruction `at`, the nearest first; one when all ways agree.
    pub fn origins(&self, reg: Reg, at: usize) -> Vec<Origin> {
        self.walk_back(at, &mut |body, at| {
            let node = body.nodes.get(at)?;
            if node.call.is_some() {
                if body.is_result(reg) {
                    return Some(Origin::Result(at));
                }
                if body.is_scratch(reg) {
                    return Some(Origin::Lost(at));
                }
            }
            node.insn
                .sets(reg)
                .map(|value| Origin::Set(at, value.clone()))
        })
    }

    /// The first instruction before which a register has the value that it has before instruction `at`, as far as
    /// one way leads there: two parts of a sum are the same where these are.
    pub(crate) fn since(&self, reg: Reg, at: usize) -> usize {
        let mut at = at;
        for _ in 0..self.nodes.len() {
            let Some([from]) = self.nodes.get(at).map(|node| node.before.as_slice()) else {
                break;
            };
            let Some(node) = self.nodes.get(*from) else {
                break;
            };
            let is_changed = node.insn.sets(reg).is_some()
                || node.call.is_some() && (self.is_scratch(reg) || self.is_result(reg));
            if is_changed || self.entry == Some(at) {
                break;
            }
            at = *from;
        }
        at
    }

    /// Whether a register has the same value before instruction `to` as it had before instruction `at` when that
    /// was executed last: on no way from there to here anything changes it.
    pub fn keeps(&self, reg: Reg, at: usize, to: usize) -> bool {
        self.keeps_over(reg, at, to, &|_| false)
    }

    /// The same, where some calls are known to give back the register though they need not.
    pub fn keeps_over(
        &self,
        reg: Reg,
        at: usize,
        to: usize,
        gives_back: &dyn Fn(&crate::Call) -> bool,
    ) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![to];
        let mut is_met = false;
        while let Some(index) = open.pop() {
            let before = self.nodes.get(index).map(|node| node.before.as_slice());
            for &from in before.unwrap_or_default() {
                if std::mem::replace(seen.get_mut(from).unwrap_or(&mut true), true) {
                    continue;
                }
                let is_changed = self.nodes.get(from).is_none_or(|node| {
                    let call = node.call.as_ref().filter(|call| !gives_back(call));
                    node.insn.sets(reg).is_some()
                        || call.is_some() && (self.is_scratch(reg) || self.is_result(reg))
                });
                if is_changed {
                    return false;
                }
                if from == at {
                    is_met = true;
                } else {
                    open.push(from);
                }
            }
        }
        is_met
    }

    /// The origins of what a slot of the frame held before instruction `at`.
    ///
    /// With `is_shared` its address is known to others: any call may have changed it.
    pub fn slot_origins(&self, slot: i64, size: u8, at: usize, is_shared: bool) -> Vec<Origin> {
        let end = slot.saturating_add(size.into());
        self.walk_back(at, &mut |body, at| {
            let node = body.nodes.get(at)?;
            if node.call.is_some() && is_shared {
                return Some(Origin::Lost(at));
            }
            node.insn.effects.iter().find_map(|effect| match effect {
                Effect::Store {
                    address,
                    size: bytes,
                    value,
                    ..
                } => {
                    let start = body.slot(address, at)?;
                    if start == slot && *bytes == size {
                        Some(Origin::Set(at, value.clone()))
                    } else if start < end && slot < start.saturating_add((*bytes).into()) {
                        Some(Origin::Lost(at))
                    } else {
                        None
                    }
                }
                _ => None,
            })
        })
    }

    /// Walks all ways back from before instruction `at`; `found` says whether an instruction is an origin.
    fn walk_back(
        &self,
        at: usize,
        found: &mut dyn FnMut(&Self, usize) -> Option<Origin>,
    ) -> Vec<Origin> {
        let mut origins: Vec<Origin> = Vec::new();
        let mut push = |origin: Origin| {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        };
        let mut seen = vec![false; self.nodes.len()];
        let mut open = std::collections::VecDeque::from([at]);
        while let Some(index) = open.pop_front() {
            let before = self.nodes.get(index).map(|node| node.before.as_slice());
            let before = before.unwrap_or_default();
            if self.entry == Some(index) {
                push(Origin::Entry);
            } else if before.is_empty() {
                push(Origin::Elsewhere(index));
            }
            for &from in before {
                if std::mem::replace(seen.get_mut(from).unwrap_or(&mut true), true) {
                    continue;
                }
                match found(self, from) {
                    Some(origin) => push(origin),
                    None => open.push_back(from),
                }
            }
        }
        origins
    }
}
