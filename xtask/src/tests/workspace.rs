//! The tests of every crate, and the examples in their documentation.

use super::needs::Need;
use super::{Outcome, Suite, cargo};

pub(super) static ENTRY: Suite = Suite {
    name: "workspace",
    help: "unit, integration and documentation tests of every crate",
    // Compression libraries are built from C.
    needs: &[&[Need::new("cc", "gcc libc6-dev")]],
    run: || {
        let counts = cargo::count(&["test", "--workspace", "--no-fail-fast"])?;
        Ok(Outcome::Ran(counts))
    },
};
