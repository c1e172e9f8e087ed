//! The function on the trace that was called through a stored address, and what was stored with it.

use base::{LogEvent, Registration};
use code::{Body, Registered, Target};
use debuginfo::{DebugInfo, base_name};

use super::chain::Level;
use super::identity::{Located, locate};
use super::setters::line;

/// Frames looked at.
const MOST_FRAMES: usize = 16;

/// The nearest one to the fault of which a registration is found.
pub(super) fn find(
    debug: &DebugInfo<'_>,
    level: &Level<'_, '_>,
    event: &LogEvent,
) -> Option<Registration> {
    let entry = |body: &Body<'_>| {
        let entry = body.insn(body.entry?)?.address;
        Some((body.object?, entry, body.base_name().to_owned()))
    };
    let mut inner = entry(&level.body);
    for frame in level.callers.iter().take(MOST_FRAMES) {
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
            return Some(Registration {
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
            });
        }
        inner = entry(&body);
    }
    None
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
