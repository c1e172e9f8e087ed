//! The function on the trace that was called through a stored address, and what was stored with it.

use base::{Frame, LogEvent, Reading, Registration};
use code::{Body, Leaf, Registered, Target, View};
use debuginfo::{DebugInfo, base_name};

use super::chain::Level;
use super::identity::{Located, locate};
use super::setters::line;
use super::stack::Stack;
use super::today::{Memory, endian, number, reading};
use super::value;

/// Frames looked at.
const MOST_FRAMES: usize = 16;

/// The call through the stored address.
pub(super) struct Through<'l, 'w, 'd> {
    body: Body<'d>,
    target: Target,
    at: usize,
    /// The frames of the callers of the function that calls.
    callers: &'l [&'w Frame],
}

/// The nearest one to the fault of which a registration is found.
pub(super) fn find<'l, 'w, 'd>(
    debug: &DebugInfo<'d>,
    level: &'l Level<'w, 'd>,
    event: &LogEvent,
) -> Option<(Registration, Through<'l, 'w, 'd>)> {
    let entry = |body: &Body<'_>| {
        let entry = body.insn(body.entry?)?.address;
        Some((body.object?, entry, body.base_name().to_owned()))
    };
    let mut inner = entry(&level.body);
    for (number, frame) in level.callers.iter().enumerate().take(MOST_FRAMES) {
        let Located::At(spot) = locate(debug, frame, event) else {
            inner = None;
            continue;
        };
        let Ok(Some(body)) = Body::as_ran(debug, spot.object, spot.lookup(), &[]) else {
            inner = None;
            continue;
        };
        let call = body
            .call_returning_to(spot.address)
            .and_then(|at| body.nodes.get(at)?.call.as_ref());
        let through_pointer = call.is_some_and(|call| match &call.target {
            Target::Value(value) => body.sum(value, call.at).number().is_none(),
            Target::Address(_) => false,
        });
        if through_pointer
            && let Some((object, address, name)) = &inner
            && let Some(registered) = registered(debug, *object, *address)
        {
            let registration = Registration {
                handler: name.clone(),
                line: line(debug, registered.object, registered.address),
                by_code: registered.by_code,
                type_name: registered.type_name,
                members: registered
                    .members
                    .into_iter()
                    .map(|stored| (stored.member, stored.value))
                    .collect(),
                by: base_name(&registered.by).to_owned(),
            };
            let call = call?;
            let through = Through {
                target: call.target.clone(),
                at: call.at,
                callers: level.callers.get(number + 1..).unwrap_or_default(),
                body,
            };
            return Some((registration, through));
        }
        inner = entry(&body);
    }
    None
}

/// What memory has in the object that the address was read from, of the members that were stored with it.
pub(super) fn held<'d>(
    debug: &DebugInfo<'d>,
    stack: &mut Stack<'_, '_, '_>,
    registration: &Registration,
    through: &Through<'_, '_, 'd>,
    memory: &dyn Memory,
) -> Vec<Reading> {
    let mut held = || {
        let Target::Value(value) = &through.target else {
            return None;
        };
        let sum = through.body.sum(value, through.at);
        let Some(Leaf::Load { load, at }) = sum.pointer() else {
            return None;
        };
        let view = View::new(debug, &through.body);
        let place = view.place(&load.address, load.size, load.space, *at)?;
        let to = place.pointer.to;
        if value::type_name(debug, to) != registration.type_name {
            return None;
        }
        let address = stack.value(through.callers, &load.address, *at)?;
        let start = address.wrapping_sub(place.pointer.offset.cast_unsigned());
        let member = |name: &String| {
            let found = debug.offset_of(to, name).ok()??;
            let size = debug.size_of(found.type_id?).ok()??;
            let size = u8::try_from(size).ok().filter(|size| *size <= 8)?;
            let at = start.wrapping_add(found.offset);
            let value = number(memory, endian(&through.body), at, size)?;
            let what = format!("{}.{name}", registration.type_name);
            Some(reading(what, at, size, value))
        };
        Some(registration.members.keys().filter_map(member).collect())
    };
    held().unwrap_or_default()
}

/// The only place that stores the address; of several nothing tells which it was.
fn registered(
    debug: &DebugInfo<'_>,
    object: debuginfo::ObjectId,
    address: u64,
) -> Option<Registered> {
    let found = Registered::find(debug, object, address).ok()?;
    let mut stored = found.into_iter().filter(|registered| !registered.is_passed);
    match (stored.next(), stored.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}
