//! The laboratory: boots real kernels in virtual machines, makes each fail in one known way, and keeps
//! what its serial console printed.
//!
//! A specimen is a folder of `lab/specimens/` and a line of `lab/specimens/list.txt`. Everything made
//! here (packages, modules, initramfs images, consoles) goes under `target/lab/`; a host is never
//! changed, except that QEMU is installed when it is missing and we are root.

mod btf;
mod console;
mod cpio;
mod dump;
mod hosttools;
mod initramfs;
mod kept;
mod kernels;
mod machine;
mod modules;
mod monitor;
mod objects;
mod packages;
mod programs;
mod specimen;
mod toolchain;
mod tools;

use anyhow::{Context, Result, bail};
use objects::Object;
use specimen::Specimen;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const HELP: &str =
    "usage: cargo xtask lab [NAME... | --all] [--save] [--save-modules] [--vmlinux] [--keep]

  without a name   list the specimens
  NAME...          run these specimens, one virtual machine after the other; of dump-NAME the NAME will do
  --all            run every specimen
  --save           make each console log the example examples/NAME.log
  --save-modules   make the lab's modules that it loaded examples/MODULE.ko.xz
  --vmlinux        fetch the kernel with its debug info, too, and link it beside the console.log
  --keep           keep the initramfs of each run beside its console.log";

/// Where the lab reads and writes.
pub struct Places {
    /// The folder `lab` of the checkout.
    pub lab: PathBuf,
    /// The folder of the saved logs.
    pub examples: PathBuf,
    /// The folder that holds everything the lab makes.
    pub work: PathBuf,
}

impl Places {
    fn of_checkout() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the xtask folder has no parent")?;
        Ok(Self {
            lab: root.join("lab"),
            examples: root.join("examples"),
            work: root.join("target").join("lab"),
        })
    }
}

/// What the command line asks for.
#[derive(Default)]
struct Wish {
    names: Vec<String>,
    all: bool,
    save: bool,
    save_modules: bool,
    vmlinux: bool,
    keep: bool,
}

/// Lists specimens, or runs those named.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut wish = Wish::default();
    for argument in arguments {
        match argument.as_str() {
            "--all" => wish.all = true,
            "--save" => wish.save = true,
            "--save-modules" => wish.save_modules = true,
            "--vmlinux" => wish.vmlinux = true,
            "--keep" => wish.keep = true,
            "-h" | "--help" => {
                println!("{HELP}");
                return Ok(());
            }
            name if !name.starts_with('-') => wish.names.push(name.to_owned()),
            other => bail!("unknown option '{other}'\n{HELP}"),
        }
    }
    let places = Places::of_checkout()?;
    let specimens = specimen::read_all(&places.lab.join("specimens"))?;
    if wish.names.is_empty() && !wish.all {
        for specimen in &specimens {
            println!("{:<24} {}", specimen.name, specimen.summary);
        }
        return Ok(());
    }
    let chosen = choose(&specimens, &wish)?;
    let mut failed = Vec::new();
    for specimen in chosen {
        // What the lab itself cannot do (packages, builds) ends it; a specimen that misbehaves does not.
        let ran = run_one(&places, specimen, &wish)
            .with_context(|| format!("preparing '{}'", specimen.name))?;
        println!("{:<24} {}", specimen.name, ran.line);
        if !ran.as_told {
            failed.push(specimen.name.as_str());
        }
    }
    if !failed.is_empty() {
        bail!(
            "these did not do what their story says: {}",
            failed.join(" ")
        );
    }
    Ok(())
}

fn choose<'a>(specimens: &'a [Specimen], wish: &Wish) -> Result<Vec<&'a Specimen>> {
    if wish.all {
        return Ok(specimens.iter().collect());
    }
    wish.names
        .iter()
        .map(|name| {
            let find = |name: &str| specimens.iter().find(|specimen| specimen.name == name);
            find(name)
                .or_else(|| find(&format!("dump-{name}")))
                .with_context(|| format!("there is no specimen '{name}' in lab/specimens/list.txt"))
        })
        .collect()
}

/// How one specimen went.
struct Ran {
    /// One line for the person who waits.
    line: String,
    /// Whether everything was printed that its script waits for.
    as_told: bool,
}

/// Runs one specimen.
fn run_one(places: &Places, specimen: &Specimen, wish: &Wish) -> Result<Ran> {
    let folder = places.work.join(&specimen.name);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    match &specimen.object {
        Some(object) => run_object(places, specimen, object, &folder, wish),
        None => boot(places, specimen, &folder, wish),
    }
}

/// Runs an object; what it prints is the log.
fn run_object(
    places: &Places,
    specimen: &Specimen,
    object: &Object,
    folder: &Path,
    wish: &Wish,
) -> Result<Ran> {
    let log = objects::run(places, object, folder)?;
    let console = folder.join("console.log");
    std::fs::write(&console, &log).with_context(|| format!("writing {}", console.display()))?;
    let text = String::from_utf8_lossy(&log);
    let missing = specimen.steps.iter().find_map(|step| match step {
        specimen::Step::Until(wanted) if !text.contains(wanted) => Some(wanted),
        _ => None,
    });
    if let Some(wanted) = missing {
        return Ok(never_printed(wanted, &console));
    }
    if wish.save_modules {
        objects::save(places, specimen, object, folder)?;
    }
    save(places, specimen, &log, wish)?;
    let saved = if wish.save { ", saved" } else { "" };
    Ok(Ran {
        line: format!("{:>6} bytes, no machine{saved}", log.len()),
        as_told: true,
    })
}

fn never_printed(text: &str, console: &Path) -> Ran {
    let console = console.display();
    Ran {
        line: format!("FAILED: '{text}' was never printed; see {console}"),
        as_told: false,
    }
}

/// Makes a log an example, if that is wished.
fn save(places: &Places, specimen: &Specimen, log: &[u8], wish: &Wish) -> Result<()> {
    // What a specimen with dumps is for is the dump; its failure has a log of its own already.
    if wish.save && specimen.dumps().next().is_none() {
        let example = places.examples.join(format!("{}.log", specimen.name));
        std::fs::write(&example, log).with_context(|| format!("writing {}", example.display()))?;
    }
    Ok(())
}

/// Boots one specimen.
fn boot(places: &Places, specimen: &Specimen, folder: &Path, wish: &Wish) -> Result<Ran> {
    let kernel = kernels::find(&specimen.kernel)?;
    let unpacked = kernels::unpack(places, kernel)?;
    if wish.vmlinux {
        let vmlinux = kernels::vmlinux(places, kernel, &unpacked)?;
        let link = folder.join("vmlinux");
        std::fs::remove_file(&link).ok();
        std::os::unix::fs::symlink(&vmlinux, &link)
            .with_context(|| format!("linking {}", link.display()))?;
    }
    let initramfs = initramfs::build(places, specimen, kernel, &unpacked)?;
    let image = folder.join("initramfs.cpio");
    std::fs::write(&image, &initramfs).with_context(|| format!("writing {}", image.display()))?;

    let outcome = machine::boot(specimen, kernel, &unpacked.image, &image, folder)?;
    if !wish.keep {
        std::fs::remove_file(&image).ok();
    }
    if let Some(text) = outcome.missing {
        kept::forget(folder);
        return Ok(never_printed(&text, &outcome.console));
    }
    if !specimen.kept.is_empty() {
        kept::take(folder, &specimen.kept)?;
    }
    let bytes = std::fs::read(&outcome.console)?;
    let log = console::from_banner(&bytes);
    save(places, specimen, log, wish)?;
    if wish.save_modules {
        modules::save(places, specimen)?;
    }
    let saved = if wish.save { ", saved" } else { "" };
    let mut line = format!("{:>6} bytes in {:>3} s{saved}", log.len(), outcome.seconds);
    for dump in specimen.dumps() {
        // Writing to a string cannot fail.
        let _ = write!(line, "\n    try: why {}", folder.join(dump).display());
    }
    Ok(Ran {
        line,
        as_told: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_dump_the_name_will_do() {
        let places = Places::of_checkout().unwrap();
        let specimens = specimen::read_all(&places.lab.join("specimens")).unwrap();
        let chosen = |name: &str| {
            let names = vec![name.to_owned()];
            let wish = Wish {
                names,
                ..Wish::default()
            };
            choose(&specimens, &wish).map(|chosen| chosen[0].name.clone())
        };
        assert_eq!(chosen("aggr").unwrap(), "dump-aggr");
        assert_eq!(chosen("dump-aggr").unwrap(), "dump-aggr");
        // A specimen of that very name is meant first.
        assert_eq!(chosen("panic").unwrap(), "panic");
        assert!(chosen("attic").is_err());
    }

    #[test]
    fn every_specimen_can_be_read_and_names_a_kernel() {
        let places = Places::of_checkout().unwrap();
        let specimens = specimen::read_all(&places.lab.join("specimens")).unwrap();
        for specimen in &specimens {
            assert!(kernels::find(&specimen.kernel).is_ok(), "{}", specimen.name);
        }
    }

    #[test]
    fn every_specimen_has_its_log_and_what_is_expected_of_it() {
        let places = Places::of_checkout().unwrap();
        for specimen in specimen::read_all(&places.lab.join("specimens")).unwrap() {
            let name = &specimen.name;
            if specimen.dumps().next().is_some() {
                continue;
            }
            let log = places.examples.join(format!("{name}.log"));
            assert!(log.exists(), "{}", log.display());
            let expected = places.examples.join(format!("{name}.expected.json"));
            let text = std::fs::read_to_string(&expected).unwrap();
            let events: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(!events.as_array().unwrap().is_empty(), "{name}");
        }
    }
}
