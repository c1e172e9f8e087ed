//! What tests need of the machine: programs, and the Debian packages that have them.

use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// A program that a suite starts, or a library (`NAME.so.N`) that such a program is linked with.
pub struct Need {
    pub program: &'static str,
    /// One package or several, as a command line names them.
    pub package: &'static str,
}

impl Need {
    pub const fn new(program: &'static str, package: &'static str) -> Self {
        Self { program, package }
    }
}

/// What the laboratory needs to build modules and to run kernels.
pub const LAB: &[Need] = &[
    Need::new("qemu-system-x86_64", "qemu-system-x86"),
    Need::new("gcc-12", "gcc-12"),
    Need::new("make", "make"),
    Need::new("xz", "xz-utils"),
    Need::new("pahole", "pahole"),
    Need::new("lz4", "lz4"),
    // The kernel's objtool looks at every module that is built.
    Need::new("libelf.so.1", "libelf1"),
];

/// As root installs what is missing; otherwise says what to install. What is then still missing is
/// told by the suites that need it.
pub fn install(needs: &[&Need]) {
    let mut packages: Vec<&str> = needs
        .iter()
        .filter(|need| !is_here(need.program))
        .flat_map(|need| need.package.split(' '))
        .collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return;
    }
    let list = packages.join(" ");
    if !is_root() {
        println!("missing Debian packages: {list}");
        println!("as root: {}", command(&list));
        return;
    }
    println!("installing Debian packages: {list}");
    // A fresh machine has no package lists at all.
    let updated = apt_get(&["update"]);
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(packages);
    if !updated || !apt_get(&install) {
        println!("could not install: {}", command(&list));
    }
}

/// An error that names the programs which are missing.
pub fn check<'n>(needs: impl IntoIterator<Item = &'n Need>) -> Result<()> {
    let missing = needs.into_iter().filter(|need| !is_here(need.program));
    let missing: Vec<&Need> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    let programs: Vec<&str> = missing.iter().map(|need| need.program).collect();
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    bail!(
        "could not run without {}; as root: {}",
        programs.join(", "),
        command(&packages.join(" "))
    )
}

/// Where Debian has its libraries; the guests' tools are made for this architecture only.
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu:/usr/lib:/lib";

/// Whether a program is on the search path, a library among the others.
pub fn is_here(program: &str) -> bool {
    let path = if program.contains(".so.") {
        LIBRARIES.into()
    } else {
        std::env::var_os("PATH").unwrap_or_default()
    };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn command(packages: &str) -> String {
    format!("apt-get update && apt-get install --no-install-recommends {packages}")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn apt_get(arguments: &[&str]) -> bool {
    let status = Command::new("apt-get")
        .arg("-qq")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        assert!(check(&[Need::new("sh", "dash")]).is_ok());
        assert!(check(&[Need::new("libno-such.so.1", "libno-such1")]).is_err());
        let needs = [
            Need::new("sh", "dash"),
            Need::new("no-such-program", "its-package"),
        ];
        let error = check(&needs).unwrap_err().to_string();
        assert!(error.contains("without no-such-program;"));
        assert!(error.ends_with("--no-install-recommends its-package"));
    }
}
