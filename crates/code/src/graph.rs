//! Which instructions every way leads over.

use crate::body::Body;

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

    /// The instructions that lie on every way from the entry to `to`, the last first, without itself: the ways
    /// are followed back as far as there is one.
    pub(crate) fn dominators(&self, to: usize) -> Vec<usize> {
        let Some(entry) = self.entry else {
            return Vec::new();
        };
        let immediate = self.immediate_dominators(entry);
        let mut chain = Vec::new();
        let mut at = to;
        while let Some(Some(above)) = immediate.get(at).copied() {
            if above == at || chain.len() > self.nodes.len() {
                break;
            }
            chain.push(above);
            at = above;
        }
        chain
    }

    /// Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm".
    fn immediate_dominators(&self, entry: usize) -> Vec<Option<usize>> {
        let (order, rank) = self.postorder(entry);
        let mut above: Vec<Option<usize>> = vec![None; self.nodes.len()];
        if let Some(slot) = above.get_mut(entry) {
            *slot = Some(entry);
        }
        let number = |at: usize| rank.get(at).copied().unwrap_or(0);
        let mut changed = true;
        while changed {
            changed = false;
            for &at in order.iter().rev().filter(|at| **at != entry) {
                let before = self.nodes.get(at).map(|node| node.before.as_slice());
                let mut new: Option<usize> = None;
                for &from in before.unwrap_or_default() {
                    if above.get(from).copied().flatten().is_none() {
                        continue;
                    }
                    new = Some(match new {
                        None => from,
                        Some(mut other) => {
                            let mut this = from;
                            while this != other {
                                while number(this) < number(other) {
                                    match above.get(this).copied().flatten() {
                                        Some(up) if up != this => this = up,
                                        _ => return above,
                                    }
                                }
                                while number(other) < number(this) {
                                    match above.get(other).copied().flatten() {
                                        Some(up) if up != other => other = up,
                                        _ => return above,
                                    }
                                }
                            }
                            this
                        }
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
        above
    }

    /// The instructions that can be reached, each behind those it leads to, and the number of each.
    fn postorder(&self, entry: usize) -> (Vec<usize>, Vec<usize>) {
        let mut order = Vec::new();
        let mut rank = vec![0; self.nodes.len()];
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![(entry, 0)];
        if let Some(slot) = seen.get_mut(entry) {
            *slot = true;
        }
        while let Some((at, child)) = open.last_mut() {
            let next = self.nodes.get(*at).and_then(|node| node.next.get(*child));
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
