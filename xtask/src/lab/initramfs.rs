//! The guest's whole userland: busybox, the modules, and an init that provokes one failure.

use super::Places;
use super::cpio::Cpio;
use super::kernels::{Kernel, Unpacked};
use super::packages::Archive;
use super::specimen::Specimen;
use super::{btf, modules, programs, tools};
use anyhow::{Context, Result};

/// Builds the initramfs of a specimen.
pub fn build(
    places: &Places,
    specimen: &Specimen,
    kernel: &Kernel,
    unpacked: &Unpacked,
) -> Result<Vec<u8>> {
    let mut archive = Cpio::default();
    start(&mut archive, places, kernel)?;

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
    archive.program("init", script(places, "init.sh")?.as_bytes());
    archive.program("specimen", specimen.script.as_bytes());
    if specimen.kept.is_empty() {
        add_tools(&mut archive, places, specimen, kernel)?;
    } else {
        archive.directory("boot");
        let image = std::fs::read(&unpacked.image)
            .with_context(|| format!("reading {}", unpacked.image.display()))?;
        archive.program("boot/image", &image);
        archive.program("boot/initramfs", &after_panic(places, specimen, kernel)?);
    }
    Ok(archive.finish())
}

/// The userland of the kernel that runs after a panic.
fn after_panic(places: &Places, specimen: &Specimen, kernel: &Kernel) -> Result<Vec<u8>> {
    let mut archive = Cpio::default();
    start(&mut archive, places, kernel)?;
    add_tools(&mut archive, places, specimen, kernel)?;
    archive.program("init", script(places, "after-panic.sh")?.as_bytes());
    archive.program("specimen", specimen.script.as_bytes());
    Ok(archive.finish())
}

/// What every userland has.
fn start(archive: &mut Cpio, places: &Places, kernel: &Kernel) -> Result<()> {
    for folder in ["bin", "dev", "lib", "proc", "sys", "tmp"] {
        archive.directory(folder);
    }
    archive.character_device("dev/console", 5, 1);
    archive.program("bin/busybox", &busybox(places, kernel)?);
    archive.link("bin/sh", "busybox");
    Ok(())
}

fn add_tools(
    archive: &mut Cpio,
    places: &Places,
    specimen: &Specimen,
    kernel: &Kernel,
) -> Result<()> {
    if specimen.tools.is_empty() && specimen.linked.is_empty() {
        return Ok(());
    }
    for folder in tools::FOLDERS {
        archive.directory(folder);
    }
    let mut files = Vec::new();
    for name in &specimen.tools {
        files.extend(tools::files(places, name, kernel)?);
    }
    for name in &specimen.linked {
        let program = programs::build_linked(places, name, kernel)?;
        let name = format!("{name}.linked");
        files.extend(tools::linked(places, &program, &name, kernel)?);
    }
    for file in files {
        archive.program(&file.path, &file.content);
    }
    Ok(())
}

/// A script of the laboratory's.
fn script(places: &Places, name: &str) -> Result<String> {
    let path = places.lab.join(name);
    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
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
