//! A disk on which the kernel that runs after a panic leaves files, as one tar archive without a file system.

use super::packages::output;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of the disk; a file on the host with holes.
const SIZE: u64 = 512 << 20;

fn image(folder: &Path) -> PathBuf {
    folder.join("disk.img")
}

/// Makes the disk, and QEMU's arguments for it. Debian's kernels for clouds have NVMe built in, and virtio as module.
pub fn disk(folder: &Path) -> Result<Vec<OsString>> {
    let image = image(folder);
    let file = File::create(&image).with_context(|| format!("making {}", image.display()))?;
    file.set_len(SIZE)?;
    let mut drive = OsString::from("if=none,id=kept,format=raw,cache=unsafe,file=");
    drive.push(&image);
    let device = "nvme,drive=kept,serial=kept".into();
    Ok(vec!["-drive".into(), drive, "-device".into(), device])
}

/// Takes the files from the disk into the folder and removes the disk.
pub fn take(folder: &Path, files: &[String]) -> Result<()> {
    for name in files {
        std::fs::remove_file(folder.join(name)).ok();
    }
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(image(folder)).arg("-C").arg(folder);
    let taken = output(tar.args(files));
    forget(folder);
    taken?;
    if let Some(name) = files.iter().find(|name| !folder.join(name).is_file()) {
        bail!("the guest left no {name} on its disk");
    }
    Ok(())
}

/// Removes the disk.
pub fn forget(folder: &Path) {
    std::fs::remove_file(image(folder)).ok();
}
