//! What is read from dumps alone against what drgn reads from them with vmlinux: tasks, every stack frame by
//! frame, modules, CPUs, and the log.

use super::needs::Need;
use super::python_drgn::{check, modules_of, python};
use super::{Counts, Outcome, Suite, cargo, root};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

pub(super) static ENTRY: Suite = Suite {
    name: "drgn",
    help: "tasks, stacks, modules and logs of dumps agree with what drgn makes of them; damaged ones end",
    needs: &[
        Need::new("qemu-system-x86_64", "qemu-system-x86"),
        Need::new("gcc-12", "gcc-12"),
        Need::new("make", "make"),
        Need::new("xz", "xz-utils"),
        Need::new("pahole", "pahole"),
        Need::new("lz4", "lz4"),
        // The kernel's objtool looks at every module that is built.
        Need::new("libelf.so.1", "libelf1"),
        Need::new("python3", "python3 python3-venv"),
    ],
    run,
};

/// A kernel that panicked, one that lived on, one without a VMCOREINFO note, and one with tasks that wait for each
/// other.
const SPECIMENS: &[&str] = &["dump-panic", "dump-survived", "dump-bare", "dump-aggr"];

/// A dump that a specimen leaves, and the same moment in a form that drgn reads.
const DUMPS: &[(&str, &str)] = &[("vmcore.elf", "vmcore.elf"), ("vmcore.flat", "vmcore.elf")];

fn run() -> Result<Outcome> {
    let python = python()?;
    let mut arguments = vec!["--vmlinux".to_owned()];
    arguments.extend(SPECIMENS.iter().map(ToString::to_string));
    crate::lab::run(&arguments)?;
    let mut counts = Counts::default();
    for specimen in SPECIMENS {
        let folder = root()?.join("target/lab").join(specimen);
        for (dump, same) in DUMPS {
            if !folder.join(dump).exists() {
                continue;
            }
            println!("{specimen}/{dump}:");
            if compare(&python, &folder, dump, same)? {
                counts.passed += 1;
            } else {
                counts.failed += 1;
            }
        }
    }
    let dump = root()?.join("target/lab/dump-panic/vmcore.elf");
    check(example("torture")?.arg(dump))?;
    counts.passed += 1;
    Ok(Outcome::Ran(counts))
}

/// A program among the examples of the crate that reads dumps.
pub(super) fn example(name: &str) -> Result<Command> {
    let arguments = [
        "run",
        "--quiet",
        "--release",
        "-p",
        "os",
        "--example",
        name,
        "--",
    ];
    cargo::command(&arguments)
}

/// Whether both agree on a dump; the script prints in what they do not.
fn compare(python: &Path, folder: &Path, dump: &str, same: &str) -> Result<bool> {
    let facts = example("facts")?.arg(folder.join(dump)).output();
    let facts = facts.context("reading the dump")?;
    if !facts.status.success() {
        bail!(
            "reading the dump: {}",
            String::from_utf8_lossy(&facts.stderr)
        );
    }
    let file = folder.join("facts.json");
    std::fs::write(&file, &facts.stdout)?;
    let mut command = Command::new(python);
    command.arg(root()?.join("lab/drgn/compare.py")).arg(file);
    command.arg(folder.join(same)).arg(folder.join("vmlinux"));
    command.args(modules_of(folder)?);
    Ok(command.status().context("running drgn")?.success())
}
