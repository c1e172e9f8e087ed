//! Lists with a head of one pointer: `hlist` (`struct hlist_head`: the first node; `struct hlist_node`: the next
//! one, and where the pointer to this one is), `hlist_nulls` and `llist`.

use std::collections::HashSet;

use base::{Budget, Partial, VirtAddr};
use value::AddressSpace;

use super::Gaps;

/// Bytes from the start of a `struct hlist_node` to its `pprev`.
const PPREV: u64 = 8;

/// The nodes of the `struct hlist_head` at `head`.
///
/// A node says where the pointer to it is (`pprev`); one that says otherwise is a gap, and the walk goes on.
pub fn walk_hlist(
    space: &AddressSpace<'_>,
    head: VirtAddr,
    what: &str,
    budget: &mut Budget,
) -> Partial<Vec<VirtAddr>> {
    let mut gaps = Gaps::default();
    let value = walk(space, head, 0, true, what, budget, &mut gaps);
    let gaps = gaps.of(what);
    Partial { value, gaps }
}

/// The nodes of the `struct hlist_nulls_head` at `head`, and the number that its end carries (which tells of which
/// bucket the list is); none where the end was not reached.
pub fn walk_hlist_nulls(
    space: &AddressSpace<'_>,
    head: VirtAddr,
    what: &str,
    budget: &mut Budget,
) -> Partial<(Vec<VirtAddr>, Option<u64>)> {
    let mut gaps = Gaps::default();
    let nodes = walk(space, head, 1, true, what, budget, &mut gaps);
    // The last pointer is that of the last node, or of the head where there is none.
    let last = space.u64(nodes.last().copied().unwrap_or(head));
    let end = last.ok().filter(|end| end & 1 != 0).map(|end| end >> 1);
    Partial {
        value: (nodes, end),
        gaps: gaps.of(what),
    }
}

/// The nodes of the `struct llist_head` at `head`: the one that was added last first.
pub fn walk_llist(
    space: &AddressSpace<'_>,
    head: VirtAddr,
    what: &str,
    budget: &mut Budget,
) -> Partial<Vec<VirtAddr>> {
    let mut gaps = Gaps::default();
    let value = walk(space, head, 0, false, what, budget, &mut gaps);
    let gaps = gaps.of(what);
    Partial { value, gaps }
}

/// Nodes from `head` on until a pointer is NULL or has one of the bits of `end`.
fn walk(
    space: &AddressSpace<'_>,
    head: VirtAddr,
    end: u64,
    is_double: bool,
    what: &str,
    budget: &mut Budget,
    gaps: &mut Gaps,
) -> Vec<VirtAddr> {
    let mut seen = HashSet::new();
    let mut nodes: Vec<VirtAddr> = Vec::new();
    let mut at = head;
    let part = || format!("the rest of {what}");
    loop {
        let next = match space.u64(at) {
            Ok(next) => next,
            Err(error) => {
                // What cannot be read was no node.
                nodes.pop();
                gaps.push(part, format!("the link at {at} cannot be read: {error}"));
                return nodes;
            }
        };
        if next & end != 0 || next == 0 {
            if end != 0 && next == 0 {
                gaps.push(
                    part,
                    format!("the link at {at} is NULL, which ends no such list"),
                );
            }
            return nodes;
        }
        if let Err(exhausted) = budget.spend(1) {
            gaps.push(part, exhausted);
            return nodes;
        }
        if !seen.insert(next) {
            gaps.push(part, format!("{} is in it twice", VirtAddr(next)));
            return nodes;
        }
        let node = VirtAddr(next);
        if is_double
            && let Ok(back) = space.u64(VirtAddr(next.wrapping_add(PPREV)))
            && back != at.0
        {
            gaps.push(
                || format!("the way back in {what}"),
                format!(
                    "{node} says that {} leads to it, and {at} does",
                    VirtAddr(back)
                ),
            );
        }
        nodes.push(node);
        at = node;
    }
}
