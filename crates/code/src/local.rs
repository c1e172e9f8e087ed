//! Local variables that lie in the frame.

use arch::{Effect, Reg};
use debuginfo::{TypeId, Variable, Where};

use crate::body::Body;
use crate::view::View;

impl<'a> Body<'a> {
    /// The variables that lie in the frame at some time, with the slot that each begins at.
    fn locals(&self) -> Vec<(&Variable<'a>, i64)> {
        let Some(function) = &self.function else {
            return Vec::new();
        };
        let slot = |place: &Where| match place {
            Where::Frame(offset) => offset.checked_add(self.frame_start()),
            _ => None,
        };
        let mut locals = Vec::new();
        for variable in &function.variables {
            if let Some(start) = variable.places.iter().find_map(|(_, place)| slot(place)) {
                locals.push((variable, start));
            }
        }
        locals
    }

    /// Whether others may write a slot: the address of something that begins at it or below it was made, which a
    /// spilled register's slot never is, as the source knows nothing of it.
    pub fn is_shared_slot(&self, slot: i64) -> bool {
        let made = self
            .kept
            .addresses_made
            .get_or_init(|| self.addresses_made());
        let end = made.partition_point(|start| *start <= slot);
        let Some(start) = end.checked_sub(1).and_then(|last| made.get(last)) else {
            return false;
        };
        // Where a variable begins in between, the slot belongs to that one.
        !self
            .locals()
            .iter()
            .any(|(_, other)| other > start && *other <= slot)
    }

    /// The slots whose address some instruction puts into a register or memory, sorted.
    fn addresses_made(&self) -> Vec<i64> {
        let sp = self.stack_pointer();
        let is_own = |reg: Reg| {
            Some(reg) == sp
                || self
                    .arch
                    .register(reg.0)
                    .is_some_and(|register| register.has(arch::Role::FramePointer))
        };
        let mut made = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            for effect in &node.insn.effects {
                let value = match effect {
                    Effect::Set(reg, value) if !is_own(*reg) => value,
                    Effect::Store { value, .. } => value,
                    _ => continue,
                };
                // Only what is made of the stack pointer itself: copies of copies began so.
                if crate::frame::reg_plus(value).is_some_and(|(base, _)| is_own(base))
                    && let Some(slot) = self.slot(value, at)
                {
                    made.push(slot);
                }
            }
        }
        made.sort_unstable();
        made.dedup();
        made
    }
}

impl<'a> View<'_, 'a> {
    /// The local variable that holds a slot: its name, its type, and the slot that it begins at.
    pub(crate) fn local_at(&self, slot: i64, at: usize) -> Option<(&'a str, TypeId, i64)> {
        let address = self.body.insn(at)?.address;
        let holds = |(variable, start): &(&Variable<'a>, i64)| {
            let type_id = variable.type_id?;
            let size = self.size_of(type_id)?;
            let is_in = slot
                .checked_sub(*start)
                .is_some_and(|offset| (0..size).contains(&offset));
            let is_here = variable
                .places
                .iter()
                .any(|(range, place)| matches!(place, Where::Frame(_)) && range.contains(&address));
            (is_in && is_here).then_some((variable.name, type_id, *start))
        };
        let locals = self.body.locals();
        locals.iter().find_map(holds)
    }
}
