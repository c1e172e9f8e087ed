//! Types for modules of ours: BTF that counts on from the kernel's, as the kernel's own modules carry it.
//!
//! Kbuild would do it with `vmlinux` at hand, which Debian's headers do not have. The kernel's types are a part of
//! its image, too, so that nothing else has to be fetched.

use super::Places;
use super::kernels::{Kernel, Unpacked};
use super::packages::{need_program, output};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Adds its types to `module`, which has DWARF.
pub fn add(places: &Places, module: &Path, kernel: &Kernel, unpacked: &Unpacked) -> Result<()> {
    need_program("pahole", "pahole")?;
    let base = types_of(places, kernel, unpacked)?;
    let mut pahole = Command::new("pahole");
    pahole.args(["-J", "--btf_gen_floats", "--btf_base"]);
    output(pahole.arg(base).arg(module))?;
    // Pahole succeeds also where there was nothing to describe.
    let mut objcopy = Command::new("objcopy");
    objcopy.args(["-O", "binary", "--only-section=.BTF"]);
    objcopy.args(["--set-section-flags", ".BTF=alloc"]);
    let told = module.with_extension("btf");
    output(objcopy.arg(module).arg(&told))?;
    let size = std::fs::metadata(&told)?.len();
    std::fs::remove_file(&told).ok();
    if size == 0 {
        bail!("pahole found no types in {}", module.display());
    }
    Ok(())
}

/// The kernel as it was linked, with its types and without its debug info, unpacked once.
fn types_of(places: &Places, kernel: &Kernel, unpacked: &Unpacked) -> Result<PathBuf> {
    let name = format!("unpacked-{}", unpacked.release);
    let file = places.work.join("kernels").join(kernel.name).join(name);
    if file.exists() {
        return Ok(file);
    }
    let image = std::fs::read(&unpacked.image)
        .with_context(|| format!("reading {}", unpacked.image.display()))?;
    let packed = payload(&image).context("the kernel's image is no bzImage")?;
    let (program, package) = unpacker(packed).context("nobody knows how the kernel is packed")?;
    need_program(program, package)?;
    let (source, part) = (
        file.with_extension("packed"),
        file.with_extension("unpacked"),
    );
    std::fs::write(&source, packed)?;
    let mut unpack = Command::new(program);
    unpack.arg("-dc").stdin(File::open(&source)?);
    let status = unpack
        .stdout(File::create(&part)?)
        .stderr(Stdio::inherit())
        .status()
        .with_context(|| format!("running {program}"))?;
    std::fs::remove_file(&source).ok();
    if !status.success() {
        bail!("{program} could not unpack {}", unpacked.image.display());
    }
    std::fs::rename(&part, &file).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// The packed kernel within a bzImage (`Documentation/arch/x86/boot.rst`, protocol 2.08 and later), without the
/// four bytes behind it that tell its unpacked size.
fn payload(image: &[u8]) -> Option<&[u8]> {
    let number = |at: usize| {
        let bytes: [u8; 4] = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let setup = match *image.get(0x1f1)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = (setup + 1) * 512 + number(0x248)?;
    image.get(start..start + number(0x24c)?.checked_sub(4)?)
}

/// The program that unpacks it, and its Debian package.
fn unpacker(packed: &[u8]) -> Option<(&'static str, &'static str)> {
    let known: [(&[u8], _, _); 4] = [
        (&[0x02, 0x21, 0x4c, 0x18], "lz4", "lz4"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "zstd"),
        (b"\xfd7zXZ\0", "xz", "xz-utils"),
        (&[0x1f, 0x8b], "gzip", "gzip"),
    ];
    let mut found = known.iter();
    let found = found.find(|(magic, _, _)| packed.starts_with(magic));
    found.map(|(_, program, package)| (*program, *package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packed_kernel_stands_where_the_header_says() {
        let mut image = vec![0; 4096];
        image[0x1f1] = 3;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248..0x24c].copy_from_slice(&16u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&14u32.to_le_bytes());
        image[2048 + 16..2048 + 26].copy_from_slice(b"\x1f\x8b_a_kerne");
        let packed = payload(&image).unwrap();
        assert_eq!(packed, b"\x1f\x8b_a_kerne");
        assert_eq!(unpacker(packed), Some(("gzip", "gzip")));
        image[0x24c..0x250].copy_from_slice(&2u32.to_le_bytes());
        assert_eq!(payload(&image), None);
        image[0x24c..0x250].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(payload(&image), None);
        assert_eq!(payload(b"MZ"), None);
        assert_eq!(unpacker(b"BZh"), None);
    }
}
