//! Kernel modules: our own, built against a kernel's headers, and the kernel's own with what they need.

use super::Places;
use super::kernels::{self, Kernel, Unpacked};
use super::packages::output;
use super::specimen::Specimen;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `lab/modules/NAME` for a kernel and returns the module.
pub fn build(places: &Places, name: &str, kernel: &Kernel, unpacked: &Unpacked) -> Result<PathBuf> {
    let Some((_, toolchain)) = &kernel.headers else {
        bail!(
            "the kernel '{}' has no headers to build '{name}' with",
            kernel.name
        );
    };
    let source = places.lab.join("modules").join(name);
    let folder = places.work.join("build").join(kernel.name).join(name);
    copy_sources(&source, &folder)?;
    generate(&places.lab.join("modules"), name, &folder)?;
    let mut make = Command::new("make");
    make.arg("-s").arg("-C").arg(kernels::headers(unpacked));
    make.arg(format!("M={}", folder.display()));
    toolchain.prepare(places, &mut make)?;
    make.arg(format!("CROSS_COMPILE={}", toolchain.prefix()));
    let compiler = toolchain.compiler;
    make.arg(format!("CC={}{compiler}", toolchain.prefix()));
    // An option that only compilers newer than ours know.
    make.arg("CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=");
    // BTF is ours to add (`btf.rs`): kbuild would need vmlinux in the folder of the headers.
    make.arg("CONFIG_DEBUG_INFO_BTF_MODULES=");
    // Paths as on a machine that has the headers installed: the module is the same in every checkout.
    let built = places.work.join("build").join(kernel.name);
    make.arg(format!(
        "KCFLAGS=-ffile-prefix-map={}= -ffile-prefix-map={}/=",
        unpacked.root.display(),
        built.display()
    ));
    output(make.arg("modules"))?;
    Ok(folder.join(format!("{name}.ko")))
}

/// Keeps a module of ours beside the console of a specimen, as it was built: `NAME.ko`.
pub fn keep(places: &Places, module: &Path, specimen: &str) -> Result<PathBuf> {
    let name = module.file_name().context("a module has no name")?;
    let kept = places.work.join(specimen).join(name);
    std::fs::copy(module, &kept).with_context(|| format!("writing {}", kept.display()))?;
    Ok(kept)
}

/// Keeps the debug info of such a module alone (`NAME.ko.debug`): whoever reads the log later can ask it for names
/// and lines.
pub fn keep_debug_info(places: &Places, kept: &Path, kernel: &Kernel) -> Result<()> {
    let Some((_, toolchain)) = &kernel.headers else {
        return Ok(());
    };
    let mut objcopy = Command::new(format!("{}objcopy", toolchain.prefix()));
    toolchain.prepare(places, &mut objcopy)?;
    objcopy.arg("--only-keep-debug").arg(kept);
    output(objcopy.arg(kept.with_extension("ko.debug")))?;
    Ok(())
}

/// Makes the modules that lie beside the console of a specimen examples, compressed: `NAME.ko.xz`.
pub fn save(places: &Places, specimen: &Specimen) -> Result<()> {
    for name in &specimen.lab_modules {
        let kept = places.work.join(&specimen.name).join(format!("{name}.ko"));
        let mut xz = Command::new("xz");
        // One thread and the check that kernels know: the same bytes everywhere.
        xz.args(["-9e", "-T1", "--check=crc32", "--stdout"]);
        let result = xz.arg(&kept).output().context("running xz")?;
        if !result.status.success() {
            bail!("xz: {}", String::from_utf8_lossy(&result.stderr));
        }
        let example = places.examples.join(format!("{name}.ko.xz"));
        std::fs::write(&example, result.stdout)
            .with_context(|| format!("writing {}", example.display()))?;
    }
    Ok(())
}

/// Copies what changed, so that `make` builds only that.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_sources(&entry.path(), &target)?;
            continue;
        }
        write_changed(&target, &std::fs::read(entry.path())?)?;
    }
    Ok(())
}

/// Makes `generated/failures.h` from `failures.list`, if the module has such a list, and the `main.c` which runs what
/// is named there: it is the same for all such modules but for the name.
fn generate(modules: &Path, name: &str, folder: &Path) -> Result<()> {
    let Ok(list) = std::fs::read_to_string(folder.join("failures.list")) else {
        return Ok(());
    };
    let header: String = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|name| format!("FAILURE({name})\n"))
        .collect();
    let dispatcher = modules.join("dispatcher.c");
    let main = std::fs::read_to_string(&dispatcher)
        .with_context(|| format!("reading {}", dispatcher.display()))?;
    std::fs::create_dir_all(folder.join("generated"))?;
    write_changed(&folder.join("generated/failures.h"), header.as_bytes())?;
    write_changed(
        &folder.join("main.c"),
        main.replace("@NAME@", name).as_bytes(),
    )
}

/// Writes a file unless it has these bytes already, so that `make` builds only what changed.
fn write_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).ok().as_deref() != Some(bytes) {
        std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// A module of the kernel's own and before it those it depends on, each once: name and bytes.
pub fn load_order(unpacked: &Unpacked, names: &[String]) -> Result<Vec<(String, Vec<u8>)>> {
    let tree = kernels::modules(&unpacked.root).join(&unpacked.release);
    let mut files = Vec::new();
    list_files(&tree, &mut files)?;
    let mut order = Vec::new();
    for name in names {
        add(&files, name, &mut order, 0)?;
    }
    Ok(order)
}

fn add(
    files: &[PathBuf],
    name: &str,
    order: &mut Vec<(String, Vec<u8>)>,
    depth: usize,
) -> Result<()> {
    if depth > 32 || order.iter().any(|(known, _)| known == name) {
        return Ok(());
    }
    let path = files
        .iter()
        .find(|path| module_name(path).as_deref() == Some(name))
        .with_context(|| format!("the kernel has no module '{name}'"))?;
    let bytes = if path.extension().is_some_and(|extension| extension == "xz") {
        let result = Command::new("xz").arg("-dc").arg(path).output()?;
        result.stdout
    } else {
        std::fs::read(path)?
    };
    for needed in depends(&bytes) {
        add(files, &needed, order, depth + 1)?;
    }
    order.push((name.to_owned(), bytes));
    Ok(())
}

/// `virtio_net` of `virtio-net.ko` or `virtio_net.ko.xz`.
fn module_name(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let stem = file.strip_suffix(".xz").unwrap_or(file);
    Some(stem.strip_suffix(".ko")?.replace('-', "_"))
}

/// The names in a module's own `depends=` note.
fn depends(module: &[u8]) -> Vec<String> {
    const NOTE: &[u8] = b"\0depends=";
    let Some(start) = module.windows(NOTE.len()).position(|window| window == NOTE) else {
        return Vec::new();
    };
    let names = module.get(start + NOTE.len()..).unwrap_or_default();
    let end = names.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(names.get(..end).unwrap_or_default())
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

fn list_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list_files(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_depends_on_is_in_its_bytes() {
        assert_eq!(
            depends(b"x\0depends=net-failover,y\0"),
            ["net_failover", "y"]
        );
        assert!(depends(b"x\0depends=\0").is_empty());
        assert!(depends(b"nothing").is_empty());
    }

    #[test]
    fn a_module_is_named_without_its_suffixes() {
        let name = module_name(Path::new("a/virtio-net.ko.xz"));
        assert_eq!(name.as_deref(), Some("virtio_net"));
        assert_eq!(module_name(Path::new("modules.order")), None);
    }
}
