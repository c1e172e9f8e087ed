//! Red-black trees (`struct rb_root`, `struct rb_node`).

use std::collections::HashSet;

use base::{Budget, Gap, Partial, VirtAddr};
use value::{AddressSpace, Field, Types};

use super::Gaps;

/// Bits of `__rb_parent_color` that are no address.
const COLOUR: u64 = 3;

/// How a red-black tree lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct RbTree {
    root: Field,
    parent: Field,
    left: Field,
    right: Field,
}

impl RbTree {
    /// The shape that the types of a target tell.
    pub fn new(types: &Types<'_, '_>) -> Result<Self, Gap> {
        let node = types.layout("struct rb_node")?;
        Ok(RbTree {
            root: types.layout("struct rb_root")?.any(&["rb_node"])?,
            parent: node.any(&["__rb_parent_color"])?,
            left: node.any(&["rb_left"])?,
            right: node.any(&["rb_right"])?,
        })
    }

    /// The nodes of the tree whose `struct rb_root` is at `root`, in order. A `struct rb_root_cached` begins with
    /// one.
    ///
    /// A node that does not know its parent is told as a gap, and walked.
    pub fn walk(
        &self,
        space: &AddressSpace<'_>,
        root: VirtAddr,
        what: &str,
        budget: &mut Budget,
    ) -> Partial<Vec<VirtAddr>> {
        let mut gaps = Gaps::default();
        let (mut nodes, mut seen) = (Vec::new(), HashSet::new());
        // Nodes whose left side is being walked, with their right one.
        let mut above: Vec<(VirtAddr, u64)> = Vec::new();
        let mut at = match self.root.read(space, root) {
            Ok(at) => at,
            Err(error) => {
                gaps.push(|| what.to_owned(), error);
                0
            }
        };
        let (mut parent, mut is_spent) = (0, false);
        loop {
            while at != 0 {
                let part = || format!("what hangs on {} in {what}", VirtAddr(at));
                if let Err(exhausted) = budget.spend(1) {
                    if !is_spent {
                        gaps.push(part, exhausted);
                    }
                    is_spent = true;
                    break;
                }
                if !seen.insert(at) {
                    gaps.push(part, "it is in it twice");
                    break;
                }
                let node = VirtAddr(at);
                let read = |field: &Field| field.read(space, node);
                let (colour, left, right) =
                    match (read(&self.parent), read(&self.left), read(&self.right)) {
                        (Ok(colour), Ok(left), Ok(right)) => (colour, left, right),
                        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                            gaps.push(part, error);
                            break;
                        }
                    };
                if colour & !COLOUR != parent {
                    let why = format!(
                        "{node} says that its parent is {}, and hangs on {}",
                        VirtAddr(colour & !COLOUR),
                        VirtAddr(parent)
                    );
                    gaps.push(|| format!("the order of {what}"), why);
                }
                above.push((node, right));
                (parent, at) = (at, left);
            }
            let Some((node, right)) = above.pop() else {
                break;
            };
            nodes.push(node);
            (parent, at) = (node.0, right);
        }
        let gaps = gaps.of(what);
        Partial { value: nodes, gaps }
    }
}
