//! Jumps to computed addresses: the tables of `switch`, labels whose addresses are taken, and ways that are in
//! tables of the kernel, not in the code.

use arch::{Cond, Expr, Reg, Test};
use debuginfo::Object;

use crate::body::{Body, Exit};
use crate::origin::Origin;
use crate::sum::Leaf;

/// Entries of one table.
const MOST_CASES: u64 = 1024;
/// Instructions looked back over for the comparison that limits an index.
const MOST_BACK: usize = 32;
/// Ways added for jumps whose table is not known.
const MOST_ADDED: usize = 1 << 13;

/// A table that a jump reads.
struct Table {
    start: u64,
    size: u8,
    /// What entries count from, and the factor of each; none where they are addresses.
    base: Option<(u64, u64)>,
    /// The index, before the instruction that reads the table.
    index: Leaf,
}

impl Body<'_> {
    /// Adds a way of control.
    pub(crate) fn link(&mut self, from: usize, to: usize) {
        if let Some(node) = self.nodes.get_mut(from)
            && !node.next.contains(&to)
        {
            node.next.push(to);
        }
        if let Some(node) = self.nodes.get_mut(to)
            && !node.before.contains(&from)
        {
            node.before.push(from);
        }
    }

    fn unlink(&mut self, from: usize, to: usize) {
        if let Some(node) = self.nodes.get_mut(from) {
            node.next.retain(|next| *next != to);
        }
        if let Some(node) = self.nodes.get_mut(to) {
            node.before.retain(|before| *before != from);
        }
    }

    /// Adds the ways that tables of the kernel tell: branches that are patched in, and what is done after a fault.
    ///
    /// Of the branches that were `seen` as they ran the code itself says where they went.
    pub(crate) fn add_detours(&mut self, object: &Object<'_>, seen: &[u64]) {
        for range in self.ranges() {
            for (from, to) in object.detours_from(range) {
                if seen.contains(from) {
                    continue;
                }
                let (Some(from), Some(to)) = (self.node_at(*from), self.node_at(*to)) else {
                    continue;
                };
                let before = self.nodes.get(from).map(|node| node.before.clone());
                self.link(from, to);
                // An instruction that faults has changed nothing.
                for before in before.unwrap_or_default() {
                    self.link(before, to);
                }
                // A branch that is patched out goes on.
                if self.follows(from) == Some(from + 1) && self.is_jump(from) {
                    self.link(from, from + 1);
                }
            }
        }
    }

    /// Takes away the ways out of instructions that only lead on from what the kernel has taken out of the code: what
    /// nothing leads to in the `file` either may be reached as before.
    pub(crate) fn drop_unreached(&mut self, file: &Body<'_>) {
        if self.has_hidden_ways || self.entry.is_none() {
            return;
        }
        let is_start = |at: &usize| {
            let address = self.insn(*at).map(|insn| insn.address);
            let own = address.and_then(|address| file.nodes.get(file.node_at(address)?));
            self.entry == Some(*at) || own.is_none_or(|node| node.before.is_empty())
        };
        let mut open: Vec<usize> = (0..self.nodes.len()).filter(is_start).collect();
        let mut is_reached = vec![false; self.nodes.len()];
        while let Some(at) = open.pop() {
            if !std::mem::replace(is_reached.get_mut(at).unwrap_or(&mut true), true)
                && let Some(node) = self.nodes.get(at)
            {
                open.extend(&node.next);
            }
        }
        let unreached = is_reached.iter().enumerate().filter(|(_, is)| !**is);
        for at in unreached.map(|(at, _)| at).collect::<Vec<_>>() {
            let next = self.nodes.get(at).map(|node| node.next.clone());
            for to in next.unwrap_or_default() {
                self.unlink(at, to);
            }
        }
    }

    fn is_jump(&self, at: usize) -> bool {
        let node = self.nodes.get(at);
        node.is_some_and(|node| matches!(node.insn.flow, arch::Flow::Jump(Some(_))))
    }

    /// The instruction right behind another.
    fn follows(&self, at: usize) -> Option<usize> {
        let this = self.insn(at)?;
        let next = self.insn(at + 1)?;
        let end = this.address.checked_add(this.size.into())?;
        (next.address == end).then_some(at + 1)
    }

    /// Takes away the ways from what only fills the room before an aligned label.
    pub(crate) fn drop_padding(&mut self) {
        for at in 1..self.nodes.len() {
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            let is_padding = node.before.is_empty()
                && self.entry != Some(at)
                && node.exit == Exit::Goes
                && node.call.is_none()
                && node.insn.effects.iter().all(|effect| match effect {
                    arch::Effect::Set(reg, value) => *value == Expr::Reg(*reg),
                    _ => false,
                })
                && self.follows(at - 1) == Some(at);
            if is_padding {
                for to in node.next.clone() {
                    self.unlink(at, to);
                }
            }
        }
    }

    /// Jumps through tables go to each of their entries.
    pub(crate) fn add_cases(&mut self, object: Option<&Object<'_>>) {
        // What is reached through one table may hold the jump through another.
        for _ in 0..2 {
            for at in 0..self.nodes.len() {
                let Some(Exit::JumpsTo(value, from)) = self.nodes.get(at).map(|node| &node.exit)
                else {
                    continue;
                };
                if !self.nodes.get(at).is_some_and(|node| node.next.is_empty()) {
                    continue;
                }
                let table =
                    object.and_then(|object| Some((object, self.table(object, value, *from)?)));
                let cases = table.and_then(|(object, table)| self.cases(object, &table, at));
                for to in cases.unwrap_or_default() {
                    self.link(at, to);
                }
            }
        }
        let open: Vec<usize> = (0..self.nodes.len())
            .filter(|at| self.is_open_jump(*at))
            .collect();
        if open.is_empty() {
            return;
        }
        self.has_hidden_ways = true;
        // It may be any place that something else does not simply go on to.
        let labels: Vec<usize> = (0..self.nodes.len())
            .filter(|at| self.entry != Some(*at) && self.is_label(*at))
            .take((MOST_ADDED / open.len()).max(1))
            .collect();
        for at in open {
            for to in &labels {
                self.link(at, *to);
            }
        }
    }

    fn is_label(&self, at: usize) -> bool {
        let before = self.nodes.get(at).map(|node| node.before.as_slice());
        match before.unwrap_or_default() {
            [from] => {
                let ends = self
                    .nodes
                    .get(*from)
                    .is_some_and(|node| node.exit != Exit::Goes);
                ends || from + 1 != at
            }
            _ => true,
        }
    }

    /// Whether a jump leads to places that are not known, which may be in this function.
    fn is_open_jump(&self, at: usize) -> bool {
        let Some(node) = self.nodes.get(at) else {
            return false;
        };
        match &node.exit {
            Exit::JumpsTo(value, from) if node.next.is_empty() => {
                self.sum(value, *from).number().is_none() && !self.is_pointer_jump(value, *from)
            }
            _ => false,
        }
    }

    /// Whether the address of a jump is a pointer as a function's caller has them: it leaves the function.
    fn is_pointer_jump(&self, value: &Expr, at: usize) -> bool {
        let sum = self.sum(value, at);
        if sum.constant != 0 || sum.terms.len() != 1 {
            return false;
        }
        match sum.pointer() {
            Some(Leaf::Load { load, at }) => {
                let address = self.sum(&load.address, *at);
                load.space.is_some()
                    || address.terms.is_empty()
                    || address.pointer().is_some() && address.constant < 0x1_0000
            }
            Some(Leaf::Register { reg, at }) => self
                .origins(*reg, *at)
                .iter()
                .all(|origin| matches!(origin, Origin::Entry | Origin::Result(_))),
            _ => false,
        }
    }

    fn table(&self, object: &Object<'_>, value: &Expr, at: usize) -> Option<Table> {
        let sum = self.sum(value, at);
        let [term] = sum.terms.as_slice() else {
            return None;
        };
        let Leaf::Load { load, at } = &term.leaf else {
            return None;
        };
        let address = self.sum(&load.address, *at);
        let index = address
            .terms
            .iter()
            .find(|term| term.factor == u64::from(load.size))?;
        let section = object.section_at(address.constant)?;
        let is_address = sum.constant == 0
            && term.factor == 1
            && u64::from(load.size) == self.arch.pointer_bytes();
        (load.space.is_none() && !section.is_code() || !is_address).then(|| Table {
            start: address.constant,
            size: load.size,
            base: (!is_address).then_some((sum.constant, term.factor)),
            index: index.leaf.clone(),
        })
    }

    fn cases(&self, object: &Object<'_>, table: &Table, jump: usize) -> Option<Vec<usize>> {
        let bound = self.bound(&table.index, jump);
        // Small numbers lead somewhere in the function whatever they are.
        if bound.is_none() && table.size < 4 {
            return None;
        }
        let mut cases = Vec::new();
        for number in 0..bound.unwrap_or(MOST_CASES).min(MOST_CASES) {
            let at = table.start.checked_add(number * u64::from(table.size))?;
            let case = object
                .table_entry(at, table.size)
                .and_then(|entry| self.case(table, entry));
            match case {
                Some(case) if cases.contains(&case) => {}
                Some(case) => cases.push(case),
                None if bound.is_some() => return None,
                None => break,
            }
        }
        (!cases.is_empty()).then_some(cases)
    }

    fn case(&self, table: &Table, (entry, is_label): (u64, bool)) -> Option<usize> {
        let Some((base, factor)) = table.base.filter(|_| !is_label) else {
            return self.node_at(entry);
        };
        let to = |signed| {
            let entry = arch::extend(entry, table.size, signed);
            self.node_at(base.wrapping_add(entry.wrapping_mul(factor)))
        };
        to(true).or_else(|| to(false))
    }

    /// How many values an index may have, by the comparisons on the only way to its use.
    fn bound(&self, index: &Leaf, jump: usize) -> Option<u64> {
        let mut here = jump;
        for _ in 0..MOST_BACK {
            let [from] = self.nodes.get(here)?.before.as_slice() else {
                return None;
            };
            if let Exit::Branches {
                test,
                at,
                taken,
                falls,
            } = &self.nodes.get(*from)?.exit
                && let Some((count, holds)) = self.limit(test, *at, index)
                && taken != falls
                && Some(here) == if holds { *taken } else { *falls }
            {
                return Some(count).filter(|count| *count <= MOST_CASES);
            }
            here = *from;
        }
        None
    }

    /// The number of values that a test leaves to `index`, and whether it is when it holds.
    fn limit(&self, test: &Test, at: usize, index: &Leaf) -> Option<(u64, bool)> {
        let (cond, left, right, at) = self.comparison(test, at, 4)?;
        let sum = self.sum(&left, at);
        let is_index = sum.constant == 0 && sum.terms.len() == 1 && sum.pointer() == Some(index);
        if !is_index {
            return None;
        }
        let number = self.sum(&right, at).number()? & 0xffff_ffff;
        match cond {
            Cond::GtU | Cond::GtS => Some((number + 1, false)),
            Cond::GeU | Cond::GeS => Some((number, false)),
            Cond::LtU | Cond::LtS => Some((number, true)),
            Cond::LeU | Cond::LeS => Some((number + 1, true)),
            _ => None,
        }
    }

    /// The comparison that a test asks for, through flags and kept outcomes.
    fn comparison(&self, test: &Test, at: usize, depth: u32) -> Option<(Cond, Expr, Expr, usize)> {
        let depth = depth.checked_sub(1)?;
        let Expr::Reg(reg) = test.left else {
            return Some((test.cond, test.left.clone(), test.right.clone(), at));
        };
        let origins = self.origins(reg, at);
        if reg == Reg::FLAGS {
            let [Origin::Set(set, Expr::Compare(left, right))] = origins.as_slice() else {
                return None;
            };
            return Some((test.cond, (**left).clone(), (**right).clone(), *set));
        }
        if let ([Origin::Set(set, Expr::Select(inner, one, zero))], Expr::Const(0)) =
            (origins.as_slice(), &test.right)
            && (**one == Expr::Const(1) && **zero == Expr::Const(0))
        {
            let (cond, left, right, at) = self.comparison(inner, *set, depth)?;
            return match test.cond {
                Cond::Ne => Some((cond, left, right, at)),
                Cond::Eq => Some((crate::guards::inverse(cond)?, left, right, at)),
                _ => None,
            };
        }
        Some((test.cond, test.left.clone(), test.right.clone(), at))
    }
}
