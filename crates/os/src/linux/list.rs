//! The kernel's lists (`struct list_head`: the next one, the one before). A list that is broken in the middle is
//! walked from its other end too.

use std::collections::HashSet;

use base::{Budget, Gap, Partial, VirtAddr};
use value::AddressSpace;

/// Bytes from the start of a `struct list_head` to its `prev`.
const PREV: u64 = 8;

/// The nodes of the list whose `struct list_head` is at `head`, without the head. A step of the budget is a node.
pub fn walk_list(
    space: &AddressSpace<'_>,
    head: VirtAddr,
    what: &str,
    budget: &mut Budget,
) -> Partial<Vec<VirtAddr>> {
    let mut seen = HashSet::new();
    let (mut nodes, broken) = one_way(space, head, 0, &mut seen, budget);
    let Some(why) = broken else {
        return Partial::whole(nodes);
    };
    // The way back ends at the first node that is known already.
    let (mut rest, _) = one_way(space, head, PREV, &mut seen, budget);
    rest.reverse();
    nodes.extend(rest);
    Partial {
        value: nodes,
        gaps: vec![Gap::new(format!("a part of {what}"), why)],
    }
}

/// Nodes from the head on in one direction, and why they do not come back to it.
fn one_way(
    space: &AddressSpace<'_>,
    head: VirtAddr,
    link: u64,
    seen: &mut HashSet<u64>,
    budget: &mut Budget,
) -> (Vec<VirtAddr>, Option<String>) {
    let mut nodes = Vec::new();
    let mut at = head;
    loop {
        if let Err(exhausted) = budget.spend(1) {
            return (nodes, Some(exhausted.to_string()));
        }
        let next = match space.u64(VirtAddr(at.0.wrapping_add(link))) {
            Ok(next) => VirtAddr(next),
            Err(error) => {
                // What cannot be read was no node.
                nodes.pop();
                return (
                    nodes,
                    Some(format!("the link after {at} leads nowhere: {error}")),
                );
            }
        };
        if next == head {
            return (nodes, None);
        }
        if !seen.insert(next.0) {
            return (nodes, Some(format!("{next} is in it twice")));
        }
        nodes.push(next);
        at = next;
    }
}
