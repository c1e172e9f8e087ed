//! Programs of `lab/programs/`: linked statically so that they need nothing in the guest, or with the C library beside
//! them.

use super::Places;
use super::kernels::Kernel;
use super::packages::output;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// Arguments for a program that needs nothing.
const STATIC: &[&str] = &["-static", "-fno-omit-frame-pointer"];
/// Arguments for one that is as most of a distribution's are.
const LINKED: &[&str] = &["-fomit-frame-pointer"];

/// Builds `lab/programs/NAME.c` for a kernel's architecture and returns the program.
pub fn build(places: &Places, name: &str, kernel: &Kernel) -> Result<Vec<u8>> {
    let program = compile(places, name, kernel, name, STATIC)?;
    std::fs::read(&program).with_context(|| format!("reading {}", program.display()))
}

/// The same, to be linked with the C library in the guest: it is called `NAME.linked` there.
pub fn build_linked(places: &Places, name: &str, kernel: &Kernel) -> Result<PathBuf> {
    compile(places, name, kernel, &format!("{name}.linked"), LINKED)
}

fn compile(
    places: &Places,
    name: &str,
    kernel: &Kernel,
    output_name: &str,
    how: &[&str],
) -> Result<PathBuf> {
    let folder = places.work.join("build").join(kernel.name);
    std::fs::create_dir_all(&folder)?;
    let program = folder.join(output_name);
    let Some((_, toolchain)) = kernel
        .headers
        .as_ref()
        .filter(|(_, it)| it.target.is_empty())
    else {
        bail!("there is no C library for programs of '{}'", kernel.name);
    };
    let mut compile = Command::new(toolchain.compiler);
    toolchain.prepare(places, &mut compile)?;
    compile.args(["-O2", "-g"]).args(how).arg("-o");
    compile.arg(&program);
    compile.arg(places.lab.join("programs").join(format!("{name}.c")));
    output(&mut compile)?;
    Ok(program)
}
