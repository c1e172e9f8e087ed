//! What the caller of a function passed: in a register, on the stack, or in a register that is given back.

use std::sync::Arc;

use arch::{Expr, Reg};
use base::{EndKind, Passed};
use code::{Body, Exit, Origin, Place, Target, View};
use debuginfo::{Binding, ObjectId};

use super::chain::{Found, Level, Trail, Walk, unknown};
use super::identity::{Located, locate};
use super::value;

/// Functions that jump to one another's start.
const MOST_JUMPS: usize = 4;

impl<'w, 'd> Walk<'w, 'd> {
    /// An argument, with nothing said of who passed it.
    pub(super) fn argument_here(
        &self,
        level: &Level<'w, 'd>,
        reg: Reg,
        trail: Trail,
    ) -> Vec<Found> {
        let view = View::new(self.debug, &level.body);
        let (kind, what) = argument_text(&view, reg);
        let parameter = view.parameter(reg);
        let points_to =
            parameter.and_then(|(_, type_id)| self.debug.pointee(type_id).ok().flatten());
        vec![Found {
            points_to,
            ..Found::at(kind, what, trail)
        }]
    }

    /// An argument: what did the caller pass?
    pub(super) fn argument(
        &mut self,
        level: &Level<'w, 'd>,
        reg: Reg,
        mut trail: Trail,
    ) -> Vec<Found> {
        let body = Arc::clone(&level.body);
        let view = View::new(self.debug, &body);
        let (kind, what) = argument_text(&view, reg);
        let parameter = view.parameter(reg);
        let named = parameter.map_or_else(String::new, |(name, _)| format!(" (`{name}`)"));
        let points_to =
            parameter.and_then(|(_, type_id)| self.debug.pointee(type_id).ok().flatten());
        let found = |trail: Trail| Found {
            points_to,
            ..Found::at(kind, what.clone(), trail)
        };
        let stop = |trail: Trail, because: String| {
            let mut found = found(trail);
            found.end.because = Some(because);
            vec![found]
        };
        let passing = match self.passing(level) {
            Ok(passing) => passing,
            Err(why) => {
                trail
                    .steps
                    .push(format!("It is {what}(){named}, unchanged since the entry"));
                return stop(trail, why);
            }
        };
        let at = passing.at;
        let line = self.line(&passing.level.body, at);
        // In the delay slot of the call the register may still be set.
        let caller = &passing.level.body;
        let own = caller
            .nodes
            .get(at)
            .filter(|_| passing.is_behind)
            .and_then(|node| node.insn.sets(reg));
        let value = own.cloned().unwrap_or(Expr::Reg(reg));
        let sum = caller.sum(&value, at);
        trail.steps.push(format!(
            "It is {what}(){named}, unchanged since the entry; {}(){line} passed it",
            caller.name
        ));
        if let Some(number) = sum.number() {
            let text = value::constant(number);
            let passed = Some(Passed {
                by: caller.base_name().to_owned(),
                value: text,
                line: self.file_line(caller, at),
            });
            return vec![Found {
                passed,
                ..found(trail)
            }];
        }
        let kept = trail.clone();
        trail.through.push(what.clone());
        let next = passing.level.clone();
        let mut found = self.value(&next, &value, at, trail);
        // Beyond what is known the argument itself is the last sure thing.
        found.retain(|found| {
            found.end.kind != EndKind::Unknown || found.through.len() > kept.through.len() + 1
        });
        if found.is_empty() {
            return stop(
                kept,
                format!("what {}() passed could not be followed", next.body.name),
            );
        }
        found
    }

    /// An argument that has no register: the caller put it at the end of its own frame.
    pub(super) fn argument_on_stack(
        &mut self,
        level: &Level<'w, 'd>,
        slot: i64,
        size: u8,
        place: Option<&Place<'d>>,
        trail: &Trail,
    ) -> Option<Vec<Found>> {
        let body = Arc::clone(&level.body);
        let offset = slot
            .checked_sub(body.frame_start())
            .filter(|offset| *offset >= 0)?;
        let name = place?.pointer.text.as_str();
        let signature = &body.function.as_ref()?.signature;
        let number = signature
            .iter()
            .position(|(parameter, _)| *parameter == name)?;
        let what = format!("argument {} of {}", number + 1, body.base_name());
        let points_to = self.debug.pointee(place?.type_id()?).ok().flatten();
        let mut trail = trail.clone();
        let found = |trail: Trail, because: Option<String>, passed: Option<Passed>| {
            let mut found = Found::at(EndKind::Argument, what.clone(), trail);
            found.end.because = because;
            found.passed = passed;
            found.points_to = points_to;
            found
        };
        let step = format!("It is {what}() (`{name}`), which comes on the stack");
        let passing = match self.passing(level) {
            Ok(passing) => passing,
            Err(why) => {
                trail.steps.push(step);
                return Some(vec![found(trail, Some(why), None)]);
            }
        };
        let caller = Arc::clone(&passing.level.body);
        let line = self.line(&caller, passing.at);
        trail
            .steps
            .push(format!("{step}; {}(){line} passed it", caller.name));
        let from = caller
            .nodes
            .get(passing.at)?
            .call
            .as_ref()
            .map(|call| call.at)?;
        let slot = caller.slot(&Expr::at(caller.stack_pointer()?, offset), from);
        let origins = slot.map(|slot| caller.slot_origins(slot, size, from, false));
        if let Some([Origin::Set(set, value)]) = origins.as_deref() {
            if let Some(number) = caller.sum(value, *set).number() {
                let passed = Passed {
                    by: caller.base_name().to_owned(),
                    value: value::constant(number),
                    line: self.file_line(&caller, passing.at),
                };
                return Some(vec![found(trail, None, Some(passed))]);
            }
            let mut on = trail.clone();
            on.through.push(what.clone());
            let next = passing.level.clone();
            let mut ends = self.value(&next, value, *set, on);
            ends.retain(|found| found.end.kind != EndKind::Unknown);
            if !ends.is_empty() {
                return Some(ends);
            }
        }
        let why = format!("what {}() passed could not be followed", caller.name);
        Some(vec![found(trail, Some(why), None)])
    }

    /// A register that functions give back unchanged: the caller's value.
    pub(super) fn kept(&mut self, level: &Level<'w, 'd>, reg: Reg, trail: Trail) -> Vec<Found> {
        match self.passing(level) {
            Ok(passing) => {
                let next = passing.level.clone();
                self.value(&next, &Expr::Reg(reg), passing.at, trail)
            }
            Err(why) => unknown(
                trail,
                &format!("{reg} at the entry of {}()", level.body.name),
                &why,
            ),
        }
    }

    /// The call that led into a function: by the trace, and where the caller on the trace calls another
    /// function, by the jump with which that one left for this one.
    pub(super) fn passing(&self, level: &Level<'w, 'd>) -> Result<Passing<'w, 'd>, String> {
        let Some((frame, callers)) = level.callers.split_first() else {
            return Err("the trace ends".to_owned());
        };
        let spot = match locate(self.debug, frame, self.event) {
            Located::At(spot) => spot,
            Located::Ambiguous(_) => {
                return Err("several functions have the caller's name".to_owned());
            }
            Located::NoFile(file) => {
                return Err(format!("the caller is in {file}, which is not here"));
            }
            Located::Contradicts(contradiction) => return Err(contradiction.sentence()),
            Located::Unnamed => return Err("the caller's frame has no name".to_owned()),
        };
        let body = match Body::as_ran(self.debug, spot.object, spot.lookup(), &[]) {
            Ok(Some(body)) => Arc::new(body),
            Ok(None) => return Err("the caller's code cannot be decoded".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let Some(at) = body.call_returning_to(spot.address) else {
            return Err(format!(
                "no call in {}() returns where the trace says",
                body.name
            ));
        };
        let caller = Level {
            body: Arc::clone(&body),
            callers: callers.to_vec(),
            fault: None,
        };
        let Some(call) = body.nodes.get(at).and_then(|node| node.call.as_ref()) else {
            return Err("the call is not known".to_owned());
        };
        let is_behind = call.at != at;
        let passing = Passing {
            level: caller,
            at,
            is_behind,
        };
        let callee = match &call.target {
            Target::Value(value) => match body.sum(value, call.at).number() {
                Some(address) => body.function_of(self.debug, &Target::Address(address)),
                None => return self.through_pointer(level, passing, &body.name),
            },
            target => body.function_of(self.debug, target),
        };
        let Ok(Some(callee)) = callee else {
            return Ok(passing);
        };
        let own = level
            .body
            .entry
            .and_then(|entry| level.body.insn(entry))
            .map(|insn| insn.address);
        let is_own = match (callee.home, level.body.object, own) {
            (Some((object, address)), Some(id), Some(own)) => object == id && address == own,
            // A function of a file that is not here is known by its name.
            _ => callee.name == level.body.name,
        };
        if is_own {
            return Ok(passing);
        }
        let jumped = callee.home.and_then(|(object, address)| {
            self.jump(object, address, (level.body.object?, own?), MOST_JUMPS)
        });
        match jumped {
            Some((body, at)) => {
                let is_behind = false;
                let level = Level {
                    body: Arc::new(body),
                    // Who called the function that jumped is the frame that was on the trace.
                    callers: level.callers.clone(),
                    fault: None,
                };
                Ok(Passing {
                    level,
                    at,
                    is_behind,
                })
            }
            None => Err(format!(
                "{}() on the trace calls {}(), and it is not known how control came from there",
                body.name, callee.name
            )),
        }
    }

    /// A call through a pointer may reach any function whose address is kept somewhere, this one or one that
    /// jumped here and left no frame.
    fn through_pointer(
        &self,
        level: &Level<'w, 'd>,
        passing: Passing<'w, 'd>,
        caller: &str,
    ) -> Result<Passing<'w, 'd>, String> {
        let own = level.body.entry.and_then(|entry| level.body.insn(entry));
        let (Some(id), Some(own)) = (level.body.object, own.map(|insn| insn.address)) else {
            return Ok(passing);
        };
        let name = &level.body.name;
        let taken = self.debug.address_taken(id, own);
        if taken.is_ok_and(|taken| taken.is_empty()) && !self.may_be_called(id, name) {
            return Err(format!(
                "{caller}() on the trace calls through a pointer, and nothing in the given files keeps the \
                 address of {name}()"
            ));
        }
        let callers = self.debug.callers_of(id, own).unwrap_or_default();
        if let Some(jump) = callers.iter().find(|caller| caller.is_jump) {
            let from = jump
                .function
                .map_or("another function", |function| function.name);
            return Err(format!(
                "{caller}() on the trace calls through a pointer: this function, or {from}(), which jumps to it"
            ));
        }
        Ok(passing)
    }

    /// Whether files that are not here may know the function: then its address may be kept there.
    fn may_be_called(&self, id: ObjectId, name: &str) -> bool {
        let Some(object) = self.debug.object(id) else {
            return true;
        };
        let named = object.functions_named(name).unwrap_or_default();
        named.iter().any(|symbol| symbol.binding != Binding::Local)
    }

    /// The jump by which the function at `address` leaves for the start of `to`, if there is exactly one.
    fn jump(
        &self,
        object: ObjectId,
        address: u64,
        to: (ObjectId, u64),
        depth: usize,
    ) -> Option<(Body<'d>, usize)> {
        let depth = depth.checked_sub(1)?;
        // Each function that is jumped to may jump on to several.
        self.jumps.set(self.jumps.get().checked_sub(1)?);
        let body = Body::of_function(self.debug, object, address).ok()??;
        let mut found = None;
        for at in 0..body.nodes.len() {
            let Some(Exit::TailCall(target)) = body.nodes.get(at).map(|node| &node.exit) else {
                continue;
            };
            let Ok(Some(callee)) = body.function_of(self.debug, target) else {
                continue;
            };
            let next = match callee.home {
                Some(home) if home == to => Some((body.clone(), at)),
                // Without looking at all of them none is known to be the only one.
                Some(_) if self.jumps.get() == 0 => return None,
                Some((object, address)) => self.jump(object, address, to, depth),
                None => None,
            };
            if next.is_some() && std::mem::replace(&mut found, next).is_some() {
                return None;
            }
        }
        found
    }
}

/// What comes in a register when a function is entered: an argument by its number in the source, if it has one.
fn argument_text(view: &View<'_, '_>, reg: Reg) -> (EndKind, String) {
    let function = view.body.base_name();
    match view.parameter_number(reg) {
        Some(number) => (
            EndKind::Argument,
            format!("argument {} of {function}", u32::from(number) + 1),
        ),
        None => (
            EndKind::Unknown,
            format!("{reg} at the entry of {function}"),
        ),
    }
}

/// A call that leads into a function.
pub(super) struct Passing<'w, 'd> {
    pub(super) level: Level<'w, 'd>,
    pub(super) at: usize,
    /// The call is made behind the instruction, which is another than the calling one (a delay slot).
    is_behind: bool,
}
