//! Walks over the structures of dumps against what the kernel itself said of them, and against what drgn finds in
//! them with vmlinux: slab caches and their objects, pages, trees, maps and lists, and each number in some large
//! structures.

use super::drgn::example;
use super::needs::{self, Need};
use super::python_drgn::{check, python};
use super::{Outcome, Suite, cargo, root};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

pub(super) static ENTRY: Suite = Suite {
    name: "structures",
    help: "what is in the structures of dumps agrees with /proc and with what drgn makes of them",
    needs: &[needs::LAB, &[Need::new("python3", "python3 python3-venv")]],
    run,
};

/// The newest kernel, whose debug information is too large to be fetched for this: it is held against what it said
/// alone.
const NEWEST: &str = "dump-structures-newest";

/// Programs that wait in user space, and said where each of their functions returns to.
const USER: &str = "dump-user";

/// A kernel whose threads wait for events of every kind.
const WAITS: &[&str] = &["hang-waits"];

/// A kernel that panicked, and said before what its structures hold; and one that lived on.
const SPECIMENS: &[&str] = &["dump-structures", "dump-survived"];

fn run() -> Result<Outcome> {
    let python = python()?;
    let mut arguments = vec!["--vmlinux".to_owned()];
    arguments.extend(SPECIMENS.iter().map(ToString::to_string));
    crate::lab::run(&arguments)?;
    crate::lab::run(&[NEWEST.to_owned()])?;
    crate::lab::run(&["--vmlinux", USER].map(str::to_owned))?;
    let waits: Vec<String> = WAITS.iter().map(ToString::to_string).collect();
    crate::lab::run(&waits)?;
    let tests = ["--test", "lab", "--test", "user", "--test", "waits"];
    let mut counts = cargo::count(&[&["test", "--release", "-p", "os"], &tests[..]].concat())?;
    for specimen in SPECIMENS {
        println!("{specimen}:");
        let folder = root()?.join("target/lab").join(specimen);
        if compare(&python, &folder)? {
            counts.passed += 1;
        } else {
            counts.failed += 1;
        }
    }
    Ok(Outcome::Ran(counts))
}

/// Whether both agree on a dump; the script prints in what they do not.
fn compare(python: &Path, folder: &Path) -> Result<bool> {
    check(
        example("structures")?
            .arg(folder.join("vmcore.elf"))
            .stdout(
                std::fs::File::create(folder.join("structures.json"))
                    .context("creating the facts")?,
            ),
    )?;
    let mut command = Command::new(python);
    command
        .arg(root()?.join("lab/drgn/structures.py"))
        .arg(folder.join("structures.json"))
        .arg(folder.join("vmcore.elf"))
        .arg(folder.join("vmlinux"))
        .arg(folder.join("whyfail.ko"));
    let status = command.status().context("running drgn")?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => bail!("{command:?} failed with {status}"),
    }
}
