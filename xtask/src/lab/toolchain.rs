//! The compilers for the guests' architectures: Debian's cross compilers, unpacked under `target/lab/`.

use super::Places;
use super::packages::{self, HOST};
use anyhow::Result;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// A compiler that a kernel's modules are built with.
pub struct Toolchain {
    /// The GNU name of the target, such as `aarch64-linux-gnu`; empty for the host's own compiler.
    pub target: &'static str,
    /// The name of the compiler without the target, which the kernel itself was built with.
    pub compiler: &'static str,
}

impl Toolchain {
    /// Sees to it that the compiler is there, and gives a command what it needs to find it.
    pub fn prepare(&self, places: &Places, command: &mut Command) -> Result<()> {
        if self.target.is_empty() {
            return packages::need_program(self.compiler, self.compiler);
        }
        let root = self.root(places);
        let Self { target, compiler } = self;
        let version = compiler.trim_start_matches("gcc");
        let wanted = [
            format!("{compiler}-{target}"),
            format!("cpp{version}-{target}"),
            format!("binutils-{target}"),
        ];
        HOST.unpack_once(places, &wanted, &root)?;
        let mut folders = vec![root.join("usr/bin")];
        let path = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders)?);
        command.env("LD_LIBRARY_PATH", libraries(root));
        Ok(())
    }

    /// The prefix of its programs, such as `aarch64-linux-gnu-`.
    pub fn prefix(&self) -> String {
        if self.target.is_empty() {
            return String::new();
        }
        format!("{}-", self.target)
    }

    fn root(&self, places: &Places) -> PathBuf {
        places.work.join("toolchains").join(self.target)
    }
}

fn libraries(root: PathBuf) -> OsString {
    root.join("usr/lib/x86_64-linux-gnu").into_os_string()
}
