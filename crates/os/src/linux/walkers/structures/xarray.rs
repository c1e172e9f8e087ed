//! XArrays (`struct xarray`): from numbers to pointers or small numbers. Since kernel commit f8d5d0cc145c
//! ("xarray: Add definition of struct xarray", 4.20) radix trees are the same under another name; what was
//! before is not read.

use std::collections::HashSet;

use base::{Budget, Gap, Partial, ReadError, VirtAddr};
use value::{AddressSpace, Field, Types};

use super::Gaps;

/// Slots of a node, where its type tells more; `XA_CHUNK_SHIFT` is 6 or 4.
const MOST_SLOTS: u64 = 64;

/// Marks of an entry (`XA_MAX_MARKS`).
const MARKS: u64 = 3;

/// The last of the small internal entries, of which no address is one.
const LAST_INTERNAL: u64 = 4096;

/// `XA_RETRY_ENTRY` and `XA_ZERO_ENTRY`: internal entries 256 and 257.
const RETRY: u64 = 256 << 2 | 2;
const ZERO: u64 = 257 << 2 | 2;

/// What an entry of an XArray holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A pointer; its lowest bits may be a tag.
    Pointer(u64),
    /// A number that stands for itself (`xa_mk_value`).
    Value(u64),
    /// A place that is kept free for somebody (`XA_ZERO_ENTRY`).
    Reserved,
}

/// An entry of an XArray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XaEntry {
    /// The first number that leads to it.
    pub first: u64,
    /// The last one; entries of several numbers are of a power of two.
    pub last: u64,
    /// What it holds.
    pub held: Held,
    /// Its marks, mark 0 the lowest bit; none where a node has no place for them.
    pub marks: u8,
}

/// How an XArray lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct XArray {
    head: Field,
    shift: Field,
    offset: Field,
    parent: Field,
    slots: Field,
    count: u64,
    /// Where the marks begin, and bytes of the bits of one mark.
    marks: Option<(Field, u64)>,
}

/// A node that is being walked.
struct Level {
    node: VirtAddr,
    /// The number of its first slot.
    base: u64,
    shift: u32,
    slots: Vec<u64>,
    marks: [u64; MARKS as usize],
    next: usize,
}

impl XArray {
    /// The shape that the types of a target tell.
    pub fn new(types: &Types<'_, '_>) -> Result<Self, Gap> {
        let node = types.layout("struct xa_node")?;
        let count = node.count("slots").unwrap_or(0);
        if !count.is_power_of_two() || count > MOST_SLOTS {
            let why = format!("{count} are no number of slots that a node can have");
            return Err(Gap::new("slots of struct xa_node", why));
        }
        let marks = node.any(&["marks"]).ok();
        Ok(XArray {
            head: types.layout("struct xarray")?.any(&["xa_head"])?,
            shift: node.any(&["shift"])?,
            offset: node.any(&["offset"])?,
            parent: node.any(&["parent"])?,
            slots: node.any(&["slots"])?,
            count,
            marks: marks.map(|field| (field, field.size / MARKS)),
        })
    }

    /// The entries of the `struct xarray` at `xa`, in the order of their numbers. A step of the budget is a node.
    ///
    /// A node whose shift is not the one that its place asks for is not walked; one that does not know its parent
    /// is told as a gap, and walked.
    pub fn walk(
        &self,
        space: &AddressSpace<'_>,
        xa: VirtAddr,
        what: &str,
        budget: &mut Budget,
    ) -> Partial<Vec<XaEntry>> {
        let mut gaps = Gaps::default();
        let mut entries = Vec::new();
        match self.head.read(space, xa) {
            Err(error) => gaps.push(|| what.to_owned(), error),
            Ok(head) => match node(head) {
                Some(first) => {
                    let top = self.enter(space, first, 0, None, what, &mut gaps);
                    if let (Some(top), Ok(())) = (top, budget.spend(1)) {
                        let mut walk = Walk {
                            seen: HashSet::from([first.0]),
                            above: vec![top],
                            gaps: &mut gaps,
                            entries: &mut entries,
                        };
                        self.go(space, &mut walk, what, budget);
                    }
                }
                None => match held(head) {
                    Some(Some(held)) => entries.push(XaEntry {
                        first: 0,
                        last: 0,
                        held,
                        marks: 0,
                    }),
                    Some(None) => {}
                    None => gaps.push(|| what.to_owned(), format!("{head:#x} is no entry")),
                },
            },
        }
        Partial {
            value: entries,
            gaps: gaps.of(what),
        }
    }

    fn go(&self, space: &AddressSpace<'_>, walk: &mut Walk<'_>, what: &str, budget: &mut Budget) {
        while let Some(level) = walk.above.last_mut() {
            let slot = level.next;
            let Some(entry) = level.slots.get(slot).copied() else {
                walk.above.pop();
                continue;
            };
            level.next += 1;
            // The highest level has more slots than there are numbers.
            let within = (slot as u64) << level.shift;
            if within >> level.shift != slot as u64 {
                if entry != 0 {
                    let part = || format!("what is behind the last number of {what}");
                    walk.gaps
                        .push(part, format!("slot {slot} of {}", level.node));
                }
                continue;
            }
            let first = level.base.wrapping_add(within);
            let part = || format!("what is at {first:#x} of {what}");
            if let Some(child) = node(entry) {
                // Each level lies lower, so a chain of nodes ends.
                let bits = self.count.trailing_zeros();
                let Some(shift) = level.shift.checked_sub(bits) else {
                    walk.gaps.push(part, "a node hangs where entries do");
                    continue;
                };
                if !walk.seen.insert(child.0) {
                    walk.gaps.push(part, format!("{child} is in it twice"));
                    continue;
                }
                if let Err(exhausted) = budget.spend(1) {
                    walk.gaps.push(part, exhausted);
                    return;
                }
                let place = Some((level.node, slot as u64, shift));
                if let Some(next) = self.enter(space, child, first, place, what, walk.gaps) {
                    walk.above.push(next);
                }
                continue;
            }
            let held = match held(entry) {
                Some(Some(held)) => held,
                Some(None) => continue,
                None if is_sibling(entry, self.count) => {
                    // Those of an entry before it were passed with it.
                    walk.gaps
                        .push(part, "it belongs to an entry that is not before it");
                    continue;
                }
                None => {
                    walk.gaps.push(part, format!("{entry:#x} is no entry"));
                    continue;
                }
            };
            // Slots behind it that say so belong to it.
            let own = (slot as u64) << 2 | 2;
            let rest = level.slots.get(slot + 1..).unwrap_or_default();
            let siblings = rest.iter().take_while(|entry| **entry == own).count();
            level.next += siblings;
            let marks = level.marks.iter().enumerate();
            let marks = marks.map(|(mark, bits)| ((bits >> slot & 1) as u8) << mark);
            // At the highest level there are fewer numbers than slots.
            let count = (siblings as u128 + 1) << level.shift;
            let last = u64::try_from(u128::from(first) + (count - 1));
            walk.entries.push(XaEntry {
                first,
                last: last.unwrap_or(u64::MAX),
                held,
                marks: marks.sum(),
            });
        }
    }

    /// A node to walk; `place` is its parent, the slot there and the shift that it must have.
    fn enter(
        &self,
        space: &AddressSpace<'_>,
        node: VirtAddr,
        base: u64,
        place: Option<(VirtAddr, u64, u32)>,
        what: &str,
        gaps: &mut Gaps,
    ) -> Option<Level> {
        let part = || format!("what is from {base:#x} on of {what}");
        let read = || -> Result<_, ReadError> {
            let shift = self.shift.read(space, node)?;
            let offset = self.offset.read(space, node)?;
            let parent = self.parent.pointer(space, node)?;
            let slots = space.bytes(self.slots.at(node), 8 * self.count)?;
            let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
            let slots: Vec<u64> = slots.chunks_exact(8).map(word).collect();
            let mut marks = [0; MARKS as usize];
            if let Some((field, size)) = &self.marks {
                for (mark, into) in (0_u64..).zip(marks.iter_mut()) {
                    let at = field.at(node).0.wrapping_add(mark.wrapping_mul(*size));
                    *into = space.number(VirtAddr(at), *size)?;
                }
            }
            Ok((shift, offset, parent, slots, marks))
        };
        let (shift, offset, parent, slots, marks) = match read() {
            Ok(read) => read,
            Err(error) => {
                gaps.push(part, error);
                return None;
            }
        };
        let bits = u64::from(self.count.trailing_zeros());
        let (wanted, above) = match place {
            Some((above, slot, shift)) => (u64::from(shift), Some((above, slot))),
            // The first node may be of any level.
            None => (shift, None),
        };
        if shift != wanted || shift >= 64 || !shift.is_multiple_of(bits.max(1)) {
            let why = format!("the node at {node} says that it is of level {shift}");
            gaps.push(part, why);
            return None;
        }
        if let Some((above, slot)) = above
            && (parent != above || offset != slot)
        {
            let why = format!(
                "{node} says that it is slot {offset} of {parent}, and is {slot} of {above}"
            );
            gaps.push(|| format!("the order of {what}"), why);
        }
        Some(Level {
            node,
            base,
            shift: shift as u32,
            slots,
            marks,
            next: 0,
        })
    }
}

struct Walk<'w> {
    seen: HashSet<u64>,
    above: Vec<Level>,
    gaps: &'w mut Gaps,
    entries: &'w mut Vec<XaEntry>,
}

/// The node that an entry leads to (`xa_is_node`).
fn node(entry: u64) -> Option<VirtAddr> {
    (entry & 3 == 2 && entry > LAST_INTERNAL).then(|| VirtAddr(entry - 2))
}

fn is_sibling(entry: u64, count: u64) -> bool {
    entry & 3 == 2 && entry >> 2 < count
}

/// What an entry that leads to no node holds: some where it is one, `None` inside where it stands for nothing.
#[allow(
    clippy::option_option,
    reason = "no entry, an empty one, and what one holds"
)]
fn held(entry: u64) -> Option<Option<Held>> {
    match entry {
        0 | RETRY => Some(None),
        ZERO => Some(Some(Held::Reserved)),
        _ if entry & 1 != 0 => Some(Some(Held::Value(entry >> 1))),
        _ if entry & 3 == 2 => None,
        _ => Some(Some(Held::Pointer(entry))),
    }
}
