//! Fuzz targets build, where the tool that builds them is there.

use super::{Counts, Outcome, Suite, cargo, needs, root};
use anyhow::Result;

pub(super) static ENTRY: Suite = Suite {
    name: "fuzz",
    help: "every fuzz target builds (optional: needs cargo-fuzz)",
    needs: &[],
    run,
};

fn run() -> Result<Outcome> {
    if !root()?.join("fuzz/Cargo.toml").exists() {
        return Ok(Outcome::Nothing("there is no fuzz target".to_owned()));
    }
    if !needs::is_here("cargo-fuzz") {
        let why = "left out: cargo-fuzz is not there (cargo install cargo-fuzz --locked)";
        return Ok(Outcome::Nothing(why.to_owned()));
    }
    // Without a sanitizer the pinned stable toolchain can build them.
    let counts = cargo::count(&["fuzz", "build", "--sanitizer", "none", "--dev"])?;
    if counts.failed > 0 {
        return Ok(Outcome::Ran(counts));
    }
    Ok(Outcome::Ran(Counts {
        passed: 1,
        ..Counts::default()
    }))
}
