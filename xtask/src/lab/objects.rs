//! Specimens without a machine of their own: a source of `lab/objects/`, built as a module of another
//! architecture would be, and a program that runs its code in QEMU's user mode.

use super::Places;
use super::packages::{self, HOST, output};
use super::specimen::Specimen;
use super::toolchain::Toolchain;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which source, for which architecture (`#: object ARCHITECTURE SOURCE`).
pub struct Object {
    /// The name of an entry of [`FOREIGN`].
    pub architecture: String,
    /// The name of the source without `.c`.
    pub source: String,
}

impl Object {
    /// The two words of the directive.
    pub fn parse(value: &str) -> Result<Self> {
        let Some((architecture, source)) = value.split_once(' ') else {
            bail!("an object needs an architecture and a source, not '{value}'");
        };
        Ok(Self {
            architecture: architecture.to_owned(),
            source: source.trim().to_owned(),
        })
    }
}

/// An architecture and who plays its CPU.
struct Foreign {
    name: &'static str,
    toolchain: Toolchain,
    qemu: &'static str,
    cpu: &'static str,
}

const fn gcc12(target: &'static str) -> Toolchain {
    Toolchain {
        target,
        compiler: "gcc-12",
    }
}

const FOREIGN: &[Foreign] = &[
    Foreign {
        name: "mips64",
        toolchain: gcc12("mips64-linux-gnuabi64"),
        qemu: "qemu-mips64-static",
        cpu: "Octeon68XX",
    },
    Foreign {
        name: "arm64",
        toolchain: gcc12("aarch64-linux-gnu"),
        qemu: "qemu-aarch64-static",
        cpu: "cortex-a57",
    },
    Foreign {
        name: "riscv64",
        toolchain: gcc12("riscv64-linux-gnu"),
        qemu: "qemu-riscv64-static",
        cpu: "rv64",
    },
];

/// Builds and runs the object of a specimen in its folder, and returns what it printed.
pub fn run(places: &Places, object: &Object, folder: &Path) -> Result<Vec<u8>> {
    let name = &object.architecture;
    let foreign = FOREIGN
        .iter()
        .find(|foreign| foreign.name == name)
        .with_context(|| format!("no objects are built for '{name}'"))?;
    packages::need_program("make", "make")?;
    let mut make = Command::new("make");
    make.arg("-s").arg("-C").arg(places.lab.join("objects"));
    make.arg(format!("ARCH={name}"));
    make.arg(format!("OUT={}", folder.display()));
    make.arg(format!("SOURCE={}", object.source));
    foreign.toolchain.prepare(places, &mut make)?;
    make.arg(format!("CROSS_COMPILE={}", foreign.toolchain.prefix()));
    output(&mut make)?;

    let mut qemu = Command::new(program(places, foreign.qemu)?);
    qemu.args(["-cpu", foreign.cpu]);
    output(qemu.arg(folder.join(&object.source))).map(String::into_bytes)
}

/// Makes the object an example beside the log: `NAME.ko`.
pub fn save(places: &Places, specimen: &Specimen, object: &Object, folder: &Path) -> Result<()> {
    let built = folder.join(&object.source).with_extension("ko");
    let example = places.examples.join(format!("{}.ko", specimen.name));
    std::fs::copy(&built, &example).with_context(|| format!("writing {}", example.display()))?;
    Ok(())
}

/// QEMU's program for user mode: the host's, else one unpacked beside the toolchains.
fn program(places: &Places, name: &str) -> Result<PathBuf> {
    if packages::has_program(name) {
        return Ok(name.into());
    }
    let root = places.work.join("toolchains").join("qemu-user");
    HOST.unpack_once(places, &["qemu-user-static".to_owned()], &root)?;
    Ok(root.join("usr/bin").join(name))
}
