//! Structures that the whole kernel is built of: lists, trees and maps. Each is a small value made once of the
//! types, and then walks as many as are asked for.
//!
//! Whatever the memory holds, a walk ends: no node is visited twice, and each costs a step of a budget. A node
//! that is wrong costs what hangs on it, with a gap, and not what stands beside it.

pub(crate) mod hlist;
pub(crate) mod idr;
pub(crate) mod maple;
pub(crate) mod rbtree;
pub(crate) mod xarray;

use base::Gap;

/// Gaps of one walk that are told one by one.
const MOST: usize = 16;

/// The gaps of one walk: the first ones in words, the others by their number, as a damaged structure may have
/// as many as it has nodes.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    told: Vec<Gap>,
    more: u64,
}

impl Gaps {
    pub(crate) fn push(&mut self, what: impl FnOnce() -> String, why: impl std::fmt::Display) {
        if self.told.len() < MOST {
            self.told.push(Gap::new(what(), why.to_string()));
        } else {
            self.more += 1;
        }
    }

    /// All of them, where they are those of `what`.
    pub(crate) fn of(mut self, what: &str) -> Vec<Gap> {
        if self.more > 0 {
            let why = format!("{} more like these", self.more);
            self.told.push(Gap::new(format!("parts of {what}"), why));
        }
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_gaps_the_first_are_told_and_the_others_counted() {
        let mut gaps = Gaps::default();
        for number in 0..1000 {
            gaps.push(|| format!("node {number}"), "it is not there");
        }
        let told = gaps.of("a tree");
        assert_eq!(told.len(), MOST + 1);
        let last = told.last().unwrap();
        assert_eq!(
            (last.what.as_str(), last.why.as_str()),
            ("parts of a tree", "984 more like these")
        );
        assert!(Gaps::default().of("a tree").is_empty());
    }
}
