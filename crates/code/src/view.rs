//! A function seen through the debug info of its target.

use std::cell::Cell;

use arch::{Expr, Reg};
use debuginfo::{DebugInfo, Kind, ObjectId, TypeId, Where};

use crate::body::Body;
use crate::frame::reg_plus;

/// Questions asked for one answer: ways may come together again and again.
const MOST_QUESTIONS: u32 = 600;

/// A function with what its target's debug info tells of the values in it.
pub struct View<'v, 'a> {
    /// The debug info.
    pub debug: &'v DebugInfo<'a>,
    /// The function.
    pub body: &'v Body<'a>,
    pub(crate) questions: Cell<u32>,
}

/// A variable of the source whose value is known from a register.
#[derive(Clone, Debug)]
pub(crate) struct Held<'a> {
    pub(crate) name: &'a str,
    pub(crate) type_id: TypeId,
    /// What to add to the register to have the variable's value.
    pub(crate) add: i64,
}

impl<'v, 'a> View<'v, 'a> {
    /// A view of `body`.
    pub fn new(debug: &'v DebugInfo<'a>, body: &'v Body<'a>) -> Self {
        View {
            debug,
            body,
            questions: Cell::new(0),
        }
    }

    /// Begins a new answer.
    pub(crate) fn fresh(&self) {
        self.questions.set(MOST_QUESTIONS);
    }

    /// Whether one more question may be asked for this answer.
    pub(crate) fn may_ask(&self) -> bool {
        let left = self.questions.get();
        self.questions.set(left.saturating_sub(1));
        left > 0
    }

    pub(crate) fn object(&self) -> Option<ObjectId> {
        self.body.object
    }

    /// The variables whose value a register tells before instruction `at`, the innermost function's first.
    pub(crate) fn held(&self, reg: Reg, at: usize) -> Vec<Held<'a>> {
        let (Some(function), Some(insn)) = (&self.body.function, self.body.insn(at)) else {
            return Vec::new();
        };
        let mut held = Vec::new();
        for variable in function.variables_at(insn.address) {
            let add = match &variable.place {
                Where::Register(of) if *of == reg => Some(0),
                Where::Value(value) => reg_plus(value)
                    .filter(|(of, _)| *of == reg)
                    .map(|(_, add)| add),
                _ => None,
            };
            if let (Some(add), Some(type_id)) = (add, variable.type_id) {
                held.push(Held {
                    name: variable.name,
                    type_id,
                    add,
                });
            }
        }
        held
    }

    /// What a pointer of this type points to, if that has a size.
    pub(crate) fn pointee(&self, type_id: TypeId) -> Option<TypeId> {
        let to = self.debug.pointee(type_id).ok()??;
        let (to, _) = self.debug.strip(Some(to)).ok()??;
        Some(to)
    }

    /// Whether it is a structure or union.
    pub(crate) fn is_record(&self, type_id: TypeId) -> bool {
        let shape = self.debug.strip(Some(type_id)).ok().flatten();
        shape.is_some_and(|(_, shape)| matches!(shape.kind, Kind::Record { .. }))
    }

    pub(crate) fn size_of(&self, type_id: TypeId) -> Option<i64> {
        let size = self.debug.size_of(type_id).ok()??;
        i64::try_from(size).ok()
    }

    /// The number that a value before instruction `at` has, where the code alone tells it.
    pub fn number(&self, value: &Expr, at: usize) -> Option<u64> {
        self.body.sum(value, at).number()
    }
}
