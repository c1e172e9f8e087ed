//! Which instructions every way leads over.

use crate::body::Body;

/// Rounds until nothing changes; code that compilers write takes a few.
const MOST_ROUNDS: u32 = 64;

impl Body<'_> {
    /// The instructions from which `to` can be reached, itself included, on ways that do not lead over
    /// `without`.
    pub(crate) fn reaching(&self, to: usize, without: Option<usize>) -> Vec<bool> {
        let mut reaching = vec![false; self.nodes.len()];
        let mut open = vec![to];
        while let Some(at) = open.pop() {
            if Some(at) == without
                || std::mem::replace(reaching.get_mut(at).unwrap_or(&mut true), true)
            {
                continue;
            }
            if let Some(node) = self.nodes.get(at) {
                open.extend(&node.before);
            }
        }
        reaching
    }

    /// Whether `between` may have run since `at` ran last, when control has come to `to`.
    pub fn may_run_between(&self, at: usize, between: usize, to: usize) -> bool {
        let is_in = |reaching: Vec<bool>, at: usize| reaching.get(at).copied().unwrap_or(false);
        between != at
            && is_in(self.reaching(to, Some(at)), between)
            && is_in(self.reaching(between, None), at)
    }

    /// The instructions that lie on every way from the entry to `to`, the last first, without itself.
    ///
    /// What nothing known leads to may be reached from anywhere.
    pub(crate) fn dominators(&self, to: usize) -> Vec<usize> {
        let immediate = self
            .kept
            .dominators
            .get_or_init(|| self.immediate_dominators());
        let root = self.nodes.len();
        let mut chain = Vec::new();
        let mut at = to;
        while let Some(Some(above)) = immediate.get(at).copied() {
            if above == at || above == root || chain.len() > self.nodes.len() {
                break;
            }
            chain.push(above);
            at = above;
        }
        chain
    }

    /// Whether control comes from outside: at the entry, and where nothing leads to.
    fn is_root(&self, at: usize) -> bool {
        self.entry == Some(at)
            || self
                .nodes
                .get(at)
                .is_some_and(|node| node.before.is_empty() && !node.next.is_empty())
    }

    /// Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm", with one more node, the last, that leads to
    /// all roots.
    fn immediate_dominators(&self) -> Vec<Option<usize>> {
        let root = self.nodes.len();
        if self.entry.is_none() {
            return Vec::new();
        }
        let (order, rank) = self.postorder();
        let mut above: Vec<Option<usize>> = vec![None; root + 1];
        if let Some(slot) = above.last_mut() {
            *slot = Some(root);
        }
        let number = |at: usize| rank.get(at).copied().unwrap_or(0);
        let mut changed = true;
        let mut rounds = 0;
        while changed && rounds < MOST_ROUNDS {
            rounds += 1;
            changed = false;
            for &at in order.iter().rev().filter(|at| **at != root) {
                let before = self.nodes.get(at).map(|node| node.before.as_slice());
                let outside = self.is_root(at).then_some(root);
                let mut new: Option<usize> = None;
                for from in before.unwrap_or_default().iter().copied().chain(outside) {
                    if above.get(from).copied().flatten().is_none() {
                        continue;
                    }
                    new = Some(match new {
                        None => from,
                        Some(other) => meet(&above, &number, from, other, root),
                    });
                }
                if let Some(slot) = above.get_mut(at)
                    && *slot != new
                {
                    *slot = new;
                    changed = true;
                }
            }
        }
        if changed {
            // Too tangled: nothing is claimed.
            return Vec::new();
        }
        above
    }

    /// The instructions that can be reached, each behind those it leads to, and the number of each.
    fn postorder(&self) -> (Vec<usize>, Vec<usize>) {
        let root = self.nodes.len();
        let roots: Vec<usize> = (0..root).filter(|at| self.is_root(*at)).collect();
        let mut order = Vec::new();
        let mut rank = vec![0; root + 1];
        let mut seen = vec![false; root + 1];
        let mut open = vec![(root, 0)];
        while let Some((at, child)) = open.last_mut() {
            let next = match self.nodes.get(*at) {
                Some(node) => node.next.get(*child),
                None => roots.get(*child),
            };
            match next.copied() {
                Some(next) => {
                    *child += 1;
                    if !std::mem::replace(seen.get_mut(next).unwrap_or(&mut true), true) {
                        open.push((next, 0));
                    }
                }
                None => {
                    if let Some(slot) = rank.get_mut(*at) {
                        *slot = order.len();
                    }
                    order.push(*at);
                    open.pop();
                }
            }
        }
        (order, rank)
    }
}

/// The nearest node above both.
fn meet(
    above: &[Option<usize>],
    number: &dyn Fn(usize) -> usize,
    mut this: usize,
    mut other: usize,
    root: usize,
) -> usize {
    while this != other {
        let lower = match number(this) < number(other) {
            true => &mut this,
            false => &mut other,
        };
        match above.get(*lower).copied().flatten() {
            Some(up) if up != *lower => *lower = up,
            _ => return root,
        }
    }
    this
}
