//! Counted budgets: every walk over foreign bytes ends by arithmetic, not by a clock.

use std::fmt;

/// A number of steps that a walk may take; tests assert how many it took.
#[derive(Clone, Debug)]
pub struct Budget {
    what: &'static str,
    limit: u64,
    used: u64,
}

impl Budget {
    /// A budget of `limit` steps of the kind named by `what` (`lines of one event`).
    pub fn new(what: &'static str, limit: u64) -> Self {
        Budget {
            what,
            limit,
            used: 0,
        }
    }

    /// Takes `steps`; fails, and stays spent, when fewer are left.
    pub fn spend(&mut self, steps: u64) -> Result<(), Exhausted> {
        self.used = self.used.saturating_add(steps);
        if self.used > self.limit {
            Err(Exhausted {
                what: self.what,
                limit: self.limit,
            })
        } else {
            Ok(())
        }
    }

    /// How many steps have been asked for so far.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Makes the whole budget available again.
    pub fn reset(&mut self) {
        self.used = 0;
    }
}

/// A budget ran out; what was read until then stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// What was counted.
    pub what: &'static str,
    /// How many were allowed.
    pub limit: u64,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped after {} {}", self.limit, self.what)
    }
}

impl std::error::Error for Exhausted {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_stays_spent() {
        let mut budget = Budget::new("lines", 2);
        assert!(budget.spend(2).is_ok());
        assert_eq!(
            budget.spend(1),
            Err(Exhausted {
                what: "lines",
                limit: 2
            })
        );
        assert_eq!(
            budget.spend(0),
            Err(Exhausted {
                what: "lines",
                limit: 2
            })
        );
        budget.reset();
        assert!(budget.spend(1).is_ok());
        assert_eq!(budget.used(), 1);
    }
}
