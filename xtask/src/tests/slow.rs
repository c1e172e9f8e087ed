//! Tests marked `#[ignore]`: too slow without optimisation, so they run in a release build.

use super::{Outcome, Suite, cargo};
use anyhow::Result;

pub(super) static ENTRY: Suite = Suite {
    name: "slow",
    help: "tests marked #[ignore], in a release build",
    needs: &[],
    run,
};

fn run() -> Result<Outcome> {
    let crates = crate::tidy::crates_with("#[ignore")?;
    if crates.is_empty() {
        return Ok(Outcome::Nothing("no test is marked #[ignore]".to_owned()));
    }
    let mut arguments = vec!["test", "--release", "--no-fail-fast", "--tests"];
    for name in &crates {
        arguments.extend(["-p", name]);
    }
    arguments.extend(["--", "--ignored"]);
    Ok(Outcome::Ran(cargo::count(&arguments)?))
}
