//! The kernels a specimen can boot: Debian's packages, downloaded and unpacked under `target/lab/`.

use super::Places;
use super::hosttools;
use super::packages::{self, Archive, HOST};
use super::toolchain::Toolchain;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A kernel of Debian's and the machine that can boot it.
pub struct Kernel {
    /// The word for it in `#: kernel NAME`.
    pub name: &'static str,
    /// Where its packages come from.
    pub archive: Archive,
    /// The package that depends on the newest image.
    pub image: &'static str,
    /// The package that depends on the newest headers, and the compiler, if modules of ours are built.
    pub headers: Option<(&'static str, Toolchain)>,
    /// QEMU's program for it.
    pub qemu: &'static str,
    /// The Debian package with that program.
    pub qemu_package: &'static str,
    /// QEMU's arguments that choose the machine.
    pub machine: &'static [&'static str],
    /// The name of its serial console.
    pub console: &'static str,
}

const fn bookworm(architecture: &'static str) -> Archive {
    Archive {
        suite: "bookworm",
        architecture,
    }
}

const fn gcc12(target: &'static str) -> Toolchain {
    Toolchain {
        target,
        compiler: "gcc-12",
    }
}

/// QEMU 7.2 emulates cmpxchg16b wrongly when two processors run at once: the flags register gets garbage
/// and the guest dies of its host. Without the feature the kernel does not use the instruction.
const PC64: &[&str] = &["-machine", "pc", "-cpu", "qemu64,-cx16"];

/// Every kernel there is; a new one is one entry.
const KERNELS: &[Kernel] = &[
    Kernel {
        name: "amd64",
        archive: bookworm("amd64"),
        image: "linux-image-cloud-amd64",
        headers: Some(("linux-headers-cloud-amd64", gcc12(""))),
        qemu: "qemu-system-x86_64",
        qemu_package: "qemu-system-x86",
        machine: PC64,
        console: "ttyS0,115200",
    },
    Kernel {
        name: "amd64-newer",
        archive: Archive {
            suite: "bookworm-backports",
            architecture: "amd64",
        },
        image: "linux-image-cloud-amd64",
        headers: Some(("linux-headers-cloud-amd64", gcc12(""))),
        qemu: "qemu-system-x86_64",
        qemu_package: "qemu-system-x86",
        machine: PC64,
        console: "ttyS0,115200",
    },
    Kernel {
        name: "amd64-newest",
        archive: Archive {
            suite: "trixie-backports",
            architecture: "amd64",
        },
        image: "linux-image-cloud-amd64",
        headers: Some(("linux-headers-cloud-amd64", gcc12(""))),
        qemu: "qemu-system-x86_64",
        qemu_package: "qemu-system-x86",
        machine: PC64,
        console: "ttyS0,115200",
    },
    Kernel {
        name: "i386",
        archive: bookworm("i386"),
        image: "linux-image-686-pae",
        headers: Some(("linux-headers-686-pae", gcc12(""))),
        qemu: "qemu-system-i386",
        qemu_package: "qemu-system-x86",
        machine: &["-machine", "pc"],
        console: "ttyS0,115200",
    },
    Kernel {
        name: "arm64",
        archive: bookworm("arm64"),
        image: "linux-image-cloud-arm64",
        headers: Some(("linux-headers-cloud-arm64", gcc12("aarch64-linux-gnu"))),
        qemu: "qemu-system-aarch64",
        qemu_package: "qemu-system-arm",
        machine: &["-machine", "virt", "-cpu", "cortex-a57"],
        console: "ttyAMA0",
    },
    Kernel {
        name: "armhf",
        archive: bookworm("armhf"),
        image: "linux-image-armmp",
        headers: Some(("linux-headers-armmp", gcc12("arm-linux-gnueabihf"))),
        qemu: "qemu-system-arm",
        qemu_package: "qemu-system-arm",
        machine: &["-machine", "virt", "-cpu", "cortex-a15"],
        console: "ttyAMA0",
    },
    Kernel {
        name: "ppc64el",
        archive: bookworm("ppc64el"),
        image: "linux-image-powerpc64le",
        headers: Some(("linux-headers-powerpc64le", gcc12("powerpc64le-linux-gnu"))),
        qemu: "qemu-system-ppc64",
        qemu_package: "qemu-system-ppc",
        machine: &[
            "-machine",
            "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken",
            "-cpu",
            "power9",
        ],
        console: "hvc0",
    },
    Kernel {
        name: "s390x",
        archive: bookworm("s390x"),
        image: "linux-image-s390x",
        headers: Some(("linux-headers-s390x", gcc12("s390x-linux-gnu"))),
        qemu: "qemu-system-s390x",
        qemu_package: "qemu-system-misc",
        machine: &["-machine", "s390-ccw-virtio"],
        console: "ttysclp0",
    },
    Kernel {
        name: "mips64el",
        archive: bookworm("mips64el"),
        image: "linux-image-5kc-malta",
        headers: Some(("linux-headers-5kc-malta", gcc12("mips64el-linux-gnuabi64"))),
        qemu: "qemu-system-mips64el",
        qemu_package: "qemu-system-mips",
        machine: &["-machine", "malta", "-cpu", "5KEc"],
        console: "ttyS0",
    },
    Kernel {
        name: "mipsel",
        archive: bookworm("mipsel"),
        image: "linux-image-4kc-malta",
        headers: Some(("linux-headers-4kc-malta", gcc12("mipsel-linux-gnu"))),
        qemu: "qemu-system-mipsel",
        qemu_package: "qemu-system-mips",
        machine: &["-machine", "malta", "-cpu", "24Kc"],
        console: "ttyS0",
    },
    Kernel {
        name: "riscv64",
        archive: Archive {
            suite: "trixie",
            architecture: "riscv64",
        },
        image: "linux-image-riscv64",
        headers: Some(("linux-headers-riscv64", gcc12("riscv64-linux-gnu"))),
        qemu: "qemu-system-riscv64",
        qemu_package: "qemu-system-misc",
        machine: &["-machine", "virt"],
        console: "ttyS0",
    },
];

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
        if root.exists() {
            std::fs::remove_dir_all(&root)?;
        }
        let mut wanted = kernel.archive.newest(places, kernel.image)?;
        if let Some((headers, _)) = &kernel.headers {
            wanted.extend(kernel.archive.newest(places, headers)?);
        }
        wanted.sort();
        wanted.dedup();
        // The tools that build modules run here, not in the guest.
        let (tools, wanted): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .filter(|name| !name.starts_with("linux-compiler-"))
            .partition(|name| name.starts_with("linux-kbuild-"));
        let host = Archive {
            architecture: HOST.architecture,
            suite: kernel.archive.suite,
        };
        host.unpack(places, &tools, &root)?;
        hosttools::adapt(places, kernel.archive.suite, &root)?;
        kernel.archive.unpack(places, &wanted, &root)?;
        make_headers_movable(&root)?;
        std::fs::write(&done, wanted.join("\n"))?;
    }
    let release = only_name(&modules(&root), "")?;
    // Newer packages keep the image beside the modules.
    let boot = Some(root.join("boot"))
        .filter(|boot| boot.exists())
        .unwrap_or_else(|| modules(&root).join(&release));
    Ok(Unpacked {
        image: boot.join(only_name(&boot, "vmlinu")?),
        root,
        release,
    })
}

/// The kernel as it was linked, with its debug info, out of the package that Debian has of it (`-dbg`).
pub fn vmlinux(places: &Places, kernel: &Kernel, unpacked: &Unpacked) -> Result<PathBuf> {
    let name = format!("vmlinux-{}", unpacked.release);
    let file = places.work.join("kernels").join(kernel.name).join(&name);
    if !file.exists() {
        let package = format!("linux-image-{}-dbg", unpacked.release);
        let member = format!("usr/lib/debug/boot/{name}");
        kernel
            .archive
            .unpack_file(places, &package, &member, &file)?;
    }
    Ok(file)
}

/// Debian's headers name each other by absolute paths under `/usr/src`.
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
        let mut moved = text.clone();
        for before in ["include ", "KBUILD_OUTPUT="] {
            moved = moved.replace(
                &format!("{before}/usr/src/"),
                &format!("{before}{}/", sources.display()),
            );
        }
        if moved != text {
            std::fs::write(&makefile, moved)?;
        }
    }
    Ok(())
}

/// The folder of the kernel's own modules, one for each release: newer packages have no `/lib`.
pub fn modules(root: &Path) -> PathBuf {
    let older = root.join("lib/modules");
    if older.exists() {
        return older;
    }
    root.join("usr/lib/modules")
}

/// Debian's own build folder for modules of this kernel.
pub fn headers(unpacked: &Unpacked) -> PathBuf {
    let name = format!("linux-headers-{}", unpacked.release);
    unpacked.root.join("usr/src").join(name)
}

/// The name of the one file in `folder` which begins with `prefix`.
fn only_name(folder: &Path, prefix: &str) -> Result<String> {
    std::fs::read_dir(folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with(prefix))
        .with_context(|| format!("there is no {prefix}* in {}", folder.display()))
}
