//! Benchmarks, each tried once: one that no longer builds or stops half-way measures nothing.

use super::{Outcome, Suite, cargo};

pub(super) static ENTRY: Suite = Suite {
    name: "benches",
    help: "every benchmark builds and runs once",
    needs: &[],
    // Without `--bench` behind `--` criterion tries and does not measure, so the test profile will do.
    run: || {
        let counts = cargo::count(&["test", "--workspace", "--bench", "*"])?;
        Ok(Outcome::Ran(counts))
    },
};
