//! The kernels a specimen can boot: Debian's packages, downloaded and unpacked under `target/lab/`.

use super::Places;
use super::packages::{self, Archive};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kernel of Debian's and the machine that can boot it.
pub struct Kernel {
    /// The word for it in `#: kernel NAME`.
    pub name: &'static str,
    /// Where its packages come from.
    pub archive: Archive,
    /// The package that depends on the newest image.
    pub image: &'static str,
    /// The package that depends on the newest headers, if modules of ours are built for it.
    pub headers: Option<&'static str>,
    /// The prefix of the compiler for its modules and programs, such as `aarch64-linux-gnu-`.
    pub compiler: &'static str,
    /// QEMU's program for it.
    pub qemu: &'static str,
    /// The Debian package with that program.
    pub qemu_package: &'static str,
    /// QEMU's arguments that choose the machine.
    pub machine: &'static [&'static str],
    /// The name of its serial console.
    pub console: &'static str,
}

/// Every kernel there is; a new one is one entry.
const KERNELS: &[Kernel] = &[Kernel {
    name: "amd64",
    archive: Archive {
        suite: "bookworm",
        architecture: "amd64",
    },
    image: "linux-image-cloud-amd64",
    headers: Some("linux-headers-cloud-amd64"),
    compiler: "",
    qemu: "qemu-system-x86_64",
    qemu_package: "qemu-system-x86",
    machine: &["-machine", "pc"],
    console: "ttyS0,115200",
}];

/// The files of an unpacked kernel.
pub struct Unpacked {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// The file that QEMU boots.
    pub image: PathBuf,
    /// The release, such as `6.1.0-56-cloud-amd64`.
    pub release: String,
}

/// The kernel of that name.
pub fn find(name: &str) -> Result<&'static Kernel> {
    KERNELS
        .iter()
        .find(|kernel| kernel.name == name)
        .with_context(|| format!("there is no kernel '{name}'"))
}

/// Sees to it that the kernel and its machine are there.
pub fn unpack(places: &Places, kernel: &Kernel) -> Result<Unpacked> {
    packages::need_program(kernel.qemu, kernel.qemu_package)?;
    let folder = places.work.join("kernels").join(kernel.name);
    let root = folder.join("root");
    let done = folder.join("done");
    if !done.exists() {
        let image = kernel.archive.newest(places, kernel.image)?;
        let mut wanted = vec![image];
        if let Some(headers) = kernel.headers {
            let headers = kernel.archive.newest(places, headers)?;
            wanted.extend(kernel.archive.depends(places, &headers)?);
            wanted.push(headers);
        }
        kernel.archive.unpack(places, &wanted, &root)?;
        make_headers_movable(&root)?;
        std::fs::write(&done, wanted.join("\n"))?;
    }
    let release = only_name(&root.join("lib/modules"), "")?;
    let image = only_name(&root.join("boot"), "vmlinu")?;
    Ok(Unpacked {
        image: root.join("boot").join(image),
        root,
        release,
    })
}

/// Debian's headers include each other by absolute paths under `/usr/src`.
fn make_headers_movable(root: &Path) -> Result<()> {
    let sources = root.join("usr/src");
    if !sources.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(&sources)? {
        let makefile = entry?.path().join("Makefile");
        let Ok(text) = std::fs::read_to_string(&makefile) else {
            continue;
        };
        let moved = text.replace(
            "include /usr/src/",
            &format!("include {}/", sources.display()),
        );
        if moved != text {
            std::fs::write(&makefile, moved)?;
        }
    }
    Ok(())
}

/// Debian's own build folder for modules of this kernel.
pub fn headers(unpacked: &Unpacked) -> PathBuf {
    let name = format!("linux-headers-{}", unpacked.release);
    unpacked.root.join("usr/src").join(name)
}

/// Adds what a build needs to know to a call of `make`.
pub fn cross(command: &mut Command, kernel: &Kernel) {
    if !kernel.compiler.is_empty() {
        command.arg(format!("CROSS_COMPILE={}", kernel.compiler));
    }
}

/// The name of the one file in `folder` which begins with `prefix`.
fn only_name(folder: &Path, prefix: &str) -> Result<String> {
    std::fs::read_dir(folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with(prefix))
        .with_context(|| format!("there is no {prefix}* in {}", folder.display()))
}
