//! From a function to the call that led into it: by the printed trace, and by jumps that leave no frame.

use std::sync::Arc;

use code::{Body, Exit, Target};
use debuginfo::{Binding, ObjectId};

use super::chain::{Level, Walk};
use super::identity::{Located, locate};

/// Functions that jump to one another's start.
const MOST_JUMPS: usize = 4;

/// A call that leads into a function.
pub(super) struct Passing<'w, 'd> {
    pub(super) level: Level<'w, 'd>,
    pub(super) at: usize,
    /// The call is made behind the instruction, which is another than the calling one (a delay slot).
    pub(super) is_behind: bool,
}

impl<'w, 'd> Walk<'w, 'd> {
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
        let body = match Body::of_function(self.debug, spot.object, spot.lookup()) {
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

    /// The jump by which the function at `address` leaves for the start of `to`, if there is exactly one.
    fn jump(
        &self,
        object: ObjectId,
        address: u64,
        to: (ObjectId, u64),
        depth: usize,
    ) -> Option<(Body<'d>, usize)> {
        let depth = depth.checked_sub(1)?;
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
                Some((object, address)) => self.jump(object, address, to, depth),
                None => None,
            };
            if next.is_some() && std::mem::replace(&mut found, next).is_some() {
                return None;
            }
        }
        found
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
}
