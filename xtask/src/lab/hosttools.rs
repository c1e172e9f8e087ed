//! The programs that build modules come with the headers, made for the host of *their* suite. When that
//! suite is newer than our host, each is run by the C library it was made for.

use super::Places;
use super::packages::{Archive, HOST};
use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What those programs are linked with.
const LIBRARIES: [&str; 4] = ["libc6", "libelf1t64", "zlib1g", "libzstd1"];

/// Makes the programs below `root` (an unpacked `linux-kbuild`) run on this host.
pub fn adapt(places: &Places, suite: &'static str, root: &Path) -> Result<()> {
    let release = suite.strip_suffix("-backports").unwrap_or(suite);
    if release == HOST.suite {
        return Ok(());
    }
    let archive = Archive {
        suite: release,
        architecture: HOST.architecture,
    };
    let libraries = places.work.join("libraries").join(release);
    archive.unpack_once(places, &LIBRARIES.map(str::to_owned), &libraries)?;
    wrap_all(root, &libraries.join("usr/lib/x86_64-linux-gnu"))
}

fn wrap_all(folder: &Path, libraries: &Path) -> Result<()> {
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?
    {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            wrap_all(&path, libraries)?;
        } else if entry.file_type()?.is_file() && is_program(&path)? {
            wrap(&path, libraries)?;
        }
    }
    Ok(())
}

fn is_program(path: &Path) -> Result<bool> {
    let executable = path.metadata()?.permissions().mode() & 0o111 != 0;
    Ok(executable && std::fs::read(path)?.starts_with(b"\x7fELF"))
}

/// Puts a script in the place of a program, which runs it by its own dynamic linker.
fn wrap(program: &Path, libraries: &Path) -> Result<()> {
    let name = program.file_name().context("a program without a name")?;
    let real = program.with_file_name(format!(".{}", name.display()));
    std::fs::rename(program, &real)?;
    let libraries = libraries.display();
    // Debian's modpost finds a second program beside itself by its own name.
    let script = format!(
        "#!/bin/sh\nexec {libraries}/ld-linux-x86-64.so.2 --argv0 \"$0\" --library-path {libraries} {} \"$@\"\n",
        real.display()
    );
    std::fs::write(program, script)?;
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
