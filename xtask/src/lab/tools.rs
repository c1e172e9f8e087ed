//! Programs of Debian's for guests, with the libraries that they are linked with.

use super::Places;
use super::kernels::Kernel;
use super::packages::{Archive, output};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program and the packages that it and its libraries come from.
struct Tool {
    name: &'static str,
    /// Below the root of its package.
    program: &'static str,
    packages: &'static [&'static str],
}

const TOOLS: &[Tool] = &[Tool {
    name: "makedumpfile",
    program: "usr/bin/makedumpfile",
    packages: &[
        "makedumpfile",
        "libc6",
        "liblzo2-2",
        "libdw1",
        "libelf1",
        "zlib1g",
        "liblzma5",
        "libbz2-1.0",
    ],
}];

/// A file for a guest.
pub struct File {
    /// Where it goes, without the first slash.
    pub path: String,
    pub content: Vec<u8>,
}

/// The folder of libraries in a guest; the dynamic linker stands where programs look for it.
pub const FOLDERS: [&str; 2] = ["lib64", "lib/x86_64-linux-gnu"];
const LINKER: &str = "ld-linux-x86-64.so.2";

/// What a program needs that is linked with the C library alone.
const LIBRARY: &[&str] = &["libc6"];

/// The files of a tool.
pub fn files(places: &Places, name: &str, kernel: &Kernel) -> Result<Vec<File>> {
    let tool = TOOLS.iter().find(|tool| tool.name == name);
    let tool = tool.with_context(|| format!("nobody knows the packages of '{name}'"))?;
    let root = unpacked(places, name, tool.packages, kernel)?;
    with_libraries(&root, &root.join(tool.program), name)
}

/// The files of a program that was built here and needs nothing but the C library.
pub fn linked(places: &Places, program: &Path, name: &str, kernel: &Kernel) -> Result<Vec<File>> {
    let root = unpacked(places, "libc", LIBRARY, kernel)?;
    with_libraries(&root, program, name)
}

/// The folder with what is in these packages.
fn unpacked(places: &Places, name: &str, packages: &[&str], kernel: &Kernel) -> Result<PathBuf> {
    let Archive {
        suite,
        architecture,
    } = kernel.archive;
    // Backports hold kernels, not this.
    let archive = Archive {
        suite: suite.strip_suffix("-backports").unwrap_or(suite),
        architecture,
    };
    let root = places.work.join("tools").join(archive.name()).join(name);
    let packages: Vec<String> = packages.iter().map(ToString::to_string).collect();
    archive.unpack_once(places, &packages, &root)?;
    Ok(root)
}

/// A program, which is called `name` in the guest, and the libraries that it needs.
fn with_libraries(root: &Path, program: &Path, name: &str) -> Result<Vec<File>> {
    let mut files = vec![file(program, format!("bin/{name}"))?];
    let mut wanted = needed(program)?;
    let mut next = 0;
    while let Some(library) = wanted.get(next).cloned() {
        next += 1;
        let found = find(root, &library).with_context(|| {
            format!("{library}, which {name} needs, is in none of its packages")
        })?;
        let folder = if library == LINKER {
            FOLDERS[0]
        } else {
            FOLDERS[1]
        };
        for more in needed(&found)? {
            if !wanted.contains(&more) {
                wanted.push(more);
            }
        }
        files.push(file(&found, format!("{folder}/{library}"))?);
    }
    Ok(files)
}

fn file(from: &Path, path: String) -> Result<File> {
    let content = std::fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    Ok(File { path, content })
}

fn find(root: &Path, library: &str) -> Option<PathBuf> {
    let folders = [
        "lib/x86_64-linux-gnu",
        "usr/lib/x86_64-linux-gnu",
        "lib64",
        "usr/lib64",
    ];
    let mut paths = folders.iter().map(|folder| root.join(folder).join(library));
    paths.find(|path| path.is_file())
}

/// The libraries that a program or a library is linked with.
fn needed(file: &Path) -> Result<Vec<String>> {
    let told = output(Command::new("objdump").arg("-p").arg(file))?;
    Ok(named(&told))
}

fn named(told: &str) -> Vec<String> {
    let names = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("NEEDED"));
    names.map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn what_is_needed_is_named() {
        let told = "Dynamic Section:\n  NEEDED               libelf.so.1\n  NEEDED   libc.so.6\n  SONAME  x\n";
        assert_eq!(named(told), ["libelf.so.1", "libc.so.6"]);
    }
}
