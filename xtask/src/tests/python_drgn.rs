//! drgn, which dumps are held against: a Python that has it.

use super::root;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// From PyPI; the version that the scripts were written for.
const DRGN: &str = "drgn==0.3.0";

/// A Python with drgn, in a folder of its own.
pub fn python() -> Result<PathBuf> {
    let folder = root()?.join("target/tools/drgn");
    let python = folder.join("bin/python");
    let has = |python: &Path| {
        let mut command = Command::new(python);
        let status = command.args(["-c", "import drgn"]).status();
        status.is_ok_and(|status| status.success())
    };
    if !has(&python) {
        check(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        check(Command::new(&python).args(["-m", "pip", "install", "--quiet", DRGN]))?;
    }
    Ok(python)
}

/// Runs a command that must succeed.
pub fn check(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("running {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed with {status}");
    }
    Ok(())
}

/// The modules of ours that were loaded, as the run of a specimen left them.
pub fn modules_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut modules: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ko"))
        .collect();
    modules.sort();
    Ok(modules)
}
