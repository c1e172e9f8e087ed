//! Programs of `lab/programs/`, linked statically so that they need nothing in the guest.

use super::Places;
use super::kernels::Kernel;
use super::packages::output;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Builds `lab/programs/NAME.c` for a kernel's architecture and returns the program.
pub fn build(places: &Places, name: &str, kernel: &Kernel) -> Result<Vec<u8>> {
    let folder = places.work.join("build").join(kernel.name);
    std::fs::create_dir_all(&folder)?;
    let program = folder.join(name);
    let Some((_, toolchain)) = kernel
        .headers
        .as_ref()
        .filter(|(_, it)| it.target.is_empty())
    else {
        bail!("there is no C library for programs of '{}'", kernel.name);
    };
    let mut compile = Command::new(toolchain.compiler);
    toolchain.prepare(places, &mut compile)?;
    compile.args(["-O2", "-g", "-static", "-fno-omit-frame-pointer", "-o"]);
    compile.arg(&program);
    compile.arg(places.lab.join("programs").join(format!("{name}.c")));
    output(&mut compile)?;
    std::fs::read(&program).with_context(|| format!("reading {}", program.display()))
}
