//! Maple trees (`struct maple_tree`): from ranges of numbers to pointers, since kernel commit 54a611b60590
//! ("Maple Tree: add new data structure", 6.1).

use std::collections::HashSet;

use base::{Budget, Gap, Partial, ReadError, VirtAddr};
use value::{AddressSpace, Field, Layout, Types};

use super::Gaps;

/// Bits of a pointer to a node that are no address, and where its type is among them (`MAPLE_NODE_MASK`,
/// `MAPLE_NODE_TYPE_SHIFT` and `…_MASK`).
const NODE: u64 = 255;
const TYPE_SHIFT: u64 = 3;
const TYPE: u64 = 15;

/// `enum maple_type`: `maple_leaf_64`, `maple_range_64` and `maple_arange_64`. Nodes of the type 0 are not used by
/// any kernel yet.
const LEAF: u64 = 1;
const RANGE: u64 = 2;
const ARANGE: u64 = 3;

/// Levels of a tree (`MAPLE_HEIGHT_MAX`).
const HIGHEST: usize = 31;

/// Slots of a node, where its type tells more: a node is 256 bytes.
const MOST_SLOTS: u64 = 32;

/// The last of the small internal entries (`xa_is_node`), and `XA_ZERO_ENTRY`.
const LAST_INTERNAL: u64 = 4096;
const ZERO: u64 = 257 << 2 | 2;

/// An entry of a maple tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapleEntry {
    /// The first number of its range.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// What it holds: a pointer, or a number with the lowest bit set that counts from the bit above it. 0 is a
    /// range that is kept free for somebody (`XA_ZERO_ENTRY`).
    pub held: u64,
}

/// A kind of node.
#[derive(Clone, Copy, Debug)]
struct Shape {
    parent: Field,
    pivots: Field,
    pivot_count: u64,
    slots: Field,
    slot_count: u64,
}

/// How a maple tree lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct MapleTree {
    root: Field,
    range: Shape,
    arange: Shape,
}

/// A node that waits, and its range.
struct Waiting {
    entry: u64,
    parent: u64,
    first: u64,
    last: u64,
    level: usize,
}

impl Shape {
    fn new(layout: &Layout<'_, '_>) -> Result<Self, Gap> {
        let count = |name| layout.count(name).unwrap_or(0);
        let (pivot_count, slot_count) = (count("pivot"), count("slot"));
        if slot_count > MOST_SLOTS || pivot_count + 1 != slot_count {
            let why = format!("{slot_count} slots and {pivot_count} pivots are not known");
            return Err(Gap::new("the nodes of maple trees", why));
        }
        Ok(Shape {
            parent: layout.any(&["parent"])?,
            pivots: layout.any(&["pivot"])?,
            pivot_count,
            slots: layout.any(&["slot"])?,
            slot_count,
        })
    }

    /// Parent, pivots and slots of the node at `at`.
    fn read(
        &self,
        space: &AddressSpace<'_>,
        at: VirtAddr,
    ) -> Result<(u64, Vec<u64>, Vec<u64>), ReadError> {
        let words = |field: &Field, count| -> Result<Vec<u64>, ReadError> {
            let bytes = space.bytes(field.at(at), 8 * count)?;
            let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
            Ok(bytes.chunks_exact(8).map(word).collect())
        };
        Ok((
            self.parent.read(space, at)?,
            words(&self.pivots, self.pivot_count)?,
            words(&self.slots, self.slot_count)?,
        ))
    }
}

impl MapleTree {
    /// The shape that the types of a target tell.
    pub fn new(types: &Types<'_, '_>) -> Result<Self, Gap> {
        Ok(MapleTree {
            root: types.layout("struct maple_tree")?.any(&["ma_root"])?,
            range: Shape::new(&types.layout("struct maple_range_64")?)?,
            arange: Shape::new(&types.layout("struct maple_arange_64")?)?,
        })
    }

    /// The entries of the `struct maple_tree` at `tree`, in the order of their ranges. A step of the budget is a
    /// node.
    ///
    /// A node that is dead already, or that is wrong, is a gap of the range that it was for.
    pub fn walk(
        &self,
        space: &AddressSpace<'_>,
        tree: VirtAddr,
        what: &str,
        budget: &mut Budget,
    ) -> Partial<Vec<MapleEntry>> {
        let mut gaps = Gaps::default();
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        let mut waiting = Vec::new();
        match self.root.read(space, tree) {
            Err(error) => gaps.push(|| what.to_owned(), error),
            Ok(0) => {}
            Ok(root) if is_node(root) => waiting.push(Waiting {
                entry: root,
                parent: tree.0,
                first: 0,
                last: u64::MAX,
                level: 1,
            }),
            // One entry, for the number 0 alone.
            Ok(root) => entries.extend(held(root).map(|held| MapleEntry {
                first: 0,
                last: 0,
                held,
            })),
        }
        while let Some(next) = waiting.pop() {
            let part = || format!("{:#x} to {:#x} of {what}", next.first, next.last);
            if let Err(exhausted) = budget.spend(1) {
                gaps.push(part, exhausted);
                break;
            }
            let node = VirtAddr(next.entry & !NODE);
            if !seen.insert(node.0) {
                gaps.push(part, format!("{node} is in it twice"));
                continue;
            }
            if let Err(why) = self.node(space, &next, what, &mut gaps, &mut entries, &mut waiting) {
                gaps.push(part, why);
            }
        }
        let gaps = gaps.of(what);
        Partial {
            value: entries,
            gaps,
        }
    }

    fn node(
        &self,
        space: &AddressSpace<'_>,
        next: &Waiting,
        what: &str,
        gaps: &mut Gaps,
        entries: &mut Vec<MapleEntry>,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), String> {
        let node = VirtAddr(next.entry & !NODE);
        let kind = next.entry >> TYPE_SHIFT & TYPE;
        let shape = match kind {
            LEAF | RANGE => &self.range,
            ARANGE => &self.arange,
            _ => return Err(format!("{node} is of the unknown type {kind}")),
        };
        if next.level > HIGHEST {
            return Err(format!("{node} is deeper than any tree is"));
        }
        let read = shape.read(space, node);
        let (parent, pivots, slots) = read.map_err(|error| error.to_string())?;
        // A node that was taken out is its own parent until it is given back (`ma_dead_node`).
        if parent & !NODE == node.0 {
            return Err(format!("{node} is out of the tree already"));
        }
        // The first node knows its tree by bits of its own.
        if next.level > 1 && parent & !NODE != next.parent {
            let (parent, above) = (VirtAddr(parent & !NODE), VirtAddr(next.parent));
            let why = format!("{node} says that its parent is {parent}, and hangs on {above}");
            gaps.push(|| format!("the order of {what}"), why);
        }
        let is_leaf = kind == LEAF;
        let before = waiting.len();
        let mut first = next.first;
        for (number, slot) in slots.iter().enumerate() {
            // A pivot of 0 but the first, and the end of the array, stand for the end of the range.
            let pivot = match pivots.get(number) {
                Some(0) | None if number > 0 => next.last,
                Some(pivot) => *pivot,
                None => next.last,
            };
            if pivot < first || pivot > next.last {
                waiting.get_mut(before..).unwrap_or_default().reverse();
                let range = format!("{:#x} to {:#x}", next.first, next.last);
                return Err(format!("{node} ends a part of {range} at {pivot:#x}"));
            }
            if is_leaf {
                entries.extend(held(*slot).map(|held| MapleEntry {
                    first,
                    last: pivot,
                    held,
                }));
            } else if is_child(*slot) {
                waiting.push(Waiting {
                    entry: *slot,
                    parent: node.0,
                    first,
                    last: pivot,
                    level: next.level + 1,
                });
            } else {
                let part = || format!("{first:#x} to {pivot:#x} of {what}");
                gaps.push(part, format!("{slot:#x} is no node"));
            }
            if pivot == next.last {
                break;
            }
            first = pivot.saturating_add(1);
        }
        // The first range is taken from the end.
        waiting.get_mut(before..).unwrap_or_default().reverse();
        Ok(())
    }
}

fn is_node(entry: u64) -> bool {
    entry & 3 == 2 && entry > LAST_INTERNAL
}

/// Pointers between nodes lack the mark that the first one has in place of a value.
fn is_child(slot: u64) -> bool {
    slot & 3 == 0 && slot & !NODE != 0
}

fn held(entry: u64) -> Option<u64> {
    match entry {
        0 => None,
        ZERO => Some(0),
        entry => Some(entry),
    }
}
