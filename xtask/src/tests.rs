//! Being built.

/// Runs the chore.
pub fn run(_arguments: &[String]) -> anyhow::Result<()> {
    anyhow::bail!("being built")
}
