//! Values in the functions on the trace, by the printed registers and the stack as memory has it.

use arch::{Expr, Load, Reg};
use base::Frame;
use code::{Call, Known, Leaf, Origin, View};
use debuginfo::DebugInfo;

use super::access::Registers;
use super::chain::{Level, Walk};
use super::today::{Memory, argument, endian, number};

/// Values asked for to work out one.
const MOST_ASKED: u32 = 512;

/// Functions of the trace that are gone through.
const MOST_LEVELS: usize = 6;

/// A function on the trace, at the instruction that failed or called the one before.
struct Active<'w, 'd> {
    level: Level<'w, 'd>,
    at: usize,
    /// The end of the stack when it was entered.
    entry_sp: Option<u64>,
}

/// The functions on the trace, the one that failed first.
pub(super) struct Stack<'k, 'w, 'd> {
    debug: &'k DebugInfo<'d>,
    registers: &'k Registers,
    memory: &'k dyn Memory,
    active: Vec<Active<'w, 'd>>,
    /// The one whose values are asked for.
    here: usize,
    left: u32,
}

impl<'k, 'w, 'd> Stack<'k, 'w, 'd> {
    /// The stack from the function that failed outwards, as far as the trace and the files lead.
    pub(super) fn of(
        walk: &Walk<'w, 'd>,
        level: &Level<'w, 'd>,
        registers: &'k Registers,
        memory: &'k dyn Memory,
        debug: &'k DebugInfo<'d>,
    ) -> Option<Self> {
        let at = level.fault?;
        let sp = registers.value(level.body.stack_pointer()?);
        let mut active = vec![Active::of(level.clone(), at, sp)];
        while let Some(inner) = active.last()
            && active.len() < MOST_LEVELS
            && let Ok(passing) = walk.passing(&inner.level)
        {
            let body = &passing.level.body;
            let call = body
                .nodes
                .get(passing.at)
                .and_then(|node| node.call.as_ref());
            // A call pushes the return address on some machines, a jump nothing.
            let pushed = call.map_or(0, |_| body.frame_start().unsigned_abs());
            let sp = inner.entry_sp.map(|sp| sp.wrapping_add(pushed));
            let at = call.map_or(passing.at, |call| call.at);
            active.push(Active::of(passing.level, at, sp));
        }
        Some(Stack {
            debug,
            registers,
            memory,
            active,
            here: 0,
            left: MOST_ASKED,
        })
    }

    /// The value of an expression before instruction `at` of the function with these callers.
    pub(super) fn value(&mut self, callers: &[&Frame], value: &Expr, at: usize) -> Option<u64> {
        let is_here = |active: &Active<'w, 'd>| active.level.callers.len() == callers.len();
        self.here = self.active.iter().position(is_here)?;
        self.left = MOST_ASKED;
        let body = self.active.get(self.here)?.level.body.clone();
        body.evaluate(value, at, self)
    }

    /// The value of a register in a function on the trace at its call, or where it failed.
    fn register(&self, number_of: usize, reg: Reg) -> Option<u64> {
        let Some(inner) = number_of.checked_sub(1) else {
            return self.registers.value(reg);
        };
        let active = self.active.get(inner)?;
        let body = &active.level.body;
        if body.is_scratch(reg) || body.is_result(reg) || Some(reg) == body.stack_pointer() {
            return None;
        }
        if body.nodes.iter().all(|node| node.insn.sets(reg).is_none()) {
            return self.register(inner, reg);
        }
        // It was put aside when the function was entered.
        let slot = body.nodes.iter().enumerate().find_map(|(at, node)| {
            let mut stores = node.stores();
            let saves =
                |value: &Expr| *value == Expr::Reg(reg) && body.origins(reg, at) == [Origin::Entry];
            let (address, ..) = stores.find(|(_, _, value, _)| saves(value))?;
            Some((body.slot(address, at)?, at))
        });
        let (slot, at) = slot?;
        let size = u8::try_from(body.arch.pointer_bytes()).ok()?;
        let origins = body.slot_origins(slot, size, active.at, false);
        if !matches!(origins.as_slice(), [Origin::Set(set, _)] if *set == at) {
            return None;
        }
        let address = active.entry_sp?.wrapping_add_signed(slot);
        number(self.memory, endian(body), address, size)
    }
}

impl<'w, 'd> Active<'w, 'd> {
    /// A function of which the end of the stack before instruction `at` is `sp`.
    fn of(level: Level<'w, 'd>, at: usize, sp: Option<u64>) -> Self {
        let moved = level
            .body
            .stack_pointer()
            .and_then(|reg| level.body.slot(&Expr::Reg(reg), at));
        let entry_sp = sp
            .zip(moved)
            .map(|(sp, moved)| sp.wrapping_sub(moved.cast_unsigned()));
        Active {
            level,
            at,
            entry_sp,
        }
    }
}

impl Known for Stack<'_, '_, '_> {
    fn may_ask(&mut self) -> bool {
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    fn leaf(&mut self, leaf: &Leaf) -> Option<u64> {
        let active = self.active.get(self.here)?;
        let body = &active.level.body;
        if let Some(fault) = active.level.fault {
            return self.registers.kept(self.debug, body, leaf, fault);
        }
        let Leaf::Register { reg, at } = leaf else {
            return None;
        };
        let view = View::new(self.debug, body);
        let gives_back = |call: &Call| view.keeps(call, *reg);
        let is_kept = *at == active.at || body.keeps_over(*reg, *at, active.at, &gives_back);
        is_kept.then(|| self.register(self.here, *reg))?
    }

    fn entry(&mut self, reg: Reg) -> Option<u64> {
        let outer = self.active.get(self.here + 1)?;
        let body = outer.level.body.clone();
        // What functions give back unchanged is not passed.
        if !body.is_scratch(reg) {
            return self.register(self.here + 1, reg);
        }
        let at = outer.at;
        let passed = argument(&body, at, reg);
        self.here += 1;
        let value = body.evaluate(&passed, at, self);
        self.here -= 1;
        value
    }

    fn memory(&mut self, address: u64, load: &Load, _: usize) -> Option<u64> {
        let body = &self.active.get(self.here)?.level.body;
        number(self.memory, endian(body), address, load.size)
    }
}

#[cfg(test)]
mod tests;
