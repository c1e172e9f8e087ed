//! The guest's whole userland: busybox, the modules, and an init that provokes one failure.

use super::Places;
use super::cpio::Cpio;
use super::kernels::{Kernel, Unpacked};
use super::packages::Archive;
use super::specimen::Specimen;
use super::{btf, modules, programs};
use anyhow::{Context, Result};

/// Builds the initramfs of a specimen.
pub fn build(
    places: &Places,
    specimen: &Specimen,
    kernel: &Kernel,
    unpacked: &Unpacked,
) -> Result<Vec<u8>> {
    let mut archive = Cpio::default();
    for folder in ["bin", "dev", "lib", "proc", "sys", "tmp"] {
        archive.directory(folder);
    }
    archive.character_device("dev/console", 5, 1);
    archive.program("bin/busybox", &busybox(places, kernel)?);
    archive.link("bin/sh", "busybox");

    let mut load = Vec::new();
    for (name, bytes) in modules::load_order(unpacked, &specimen.modules)? {
        archive.program(&format!("lib/{name}.ko"), &bytes);
        load.push(name);
    }
    for name in &specimen.lab_modules {
        let module = modules::build(places, name, kernel, unpacked)?;
        let kept = modules::keep(places, &module, &specimen.name)?;
        if specimen.types.contains(name) {
            btf::add(places, &kept, kernel, unpacked)?;
        }
        modules::keep_debug_info(places, &kept, kernel)?;
        archive.program(&format!("lib/{name}.ko"), &std::fs::read(kept)?);
        load.push(name.clone());
    }
    archive.program("lib/load", load.join(" ").as_bytes());
    for name in &specimen.programs {
        archive.program(
            &format!("bin/{name}"),
            &programs::build(places, name, kernel)?,
        );
    }

    // A script's process is named after its file: the log shows "Comm: provoke". The second word is the
    // module that does it.
    archive.program("bin/provoke", b"#!/bin/sh\necho $1 >/proc/${2:-whyfail}\n");
    let common = places.lab.join("init.sh");
    let common = std::fs::read_to_string(&common)
        .with_context(|| format!("reading {}", common.display()))?;
    archive.program("init", common.as_bytes());
    archive.program("specimen", specimen.script.as_bytes());
    Ok(archive.finish())
}

fn busybox(places: &Places, kernel: &Kernel) -> Result<Vec<u8>> {
    let Archive {
        suite,
        architecture,
    } = kernel.archive;
    // Backports hold kernels, not busybox.
    let archive = Archive {
        suite: suite.strip_suffix("-backports").unwrap_or(suite),
        architecture,
    };
    let root = places.work.join("userland").join(archive.name());
    archive.unpack_once(places, &["busybox-static".to_owned()], &root)?;
    ["bin/busybox", "usr/bin/busybox"]
        .iter()
        .find_map(|path| std::fs::read(root.join(path)).ok())
        .with_context(|| format!("there is no busybox in {}", root.display()))
}
