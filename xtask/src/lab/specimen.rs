//! What a specimen is: the folder `lab/specimens/NAME` with its story and its `init.sh`.
//!
//! Lines of `init.sh` that begin with `#:` tell the runner how to boot; the rest is run in the guest by
//! its init after `lab/init.sh`.

use super::dump::Dump;
use super::objects::Object;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// One known way to fail, read from its folder.
pub struct Specimen {
    /// The name of its folder.
    pub name: String,
    /// The first heading of its `story.md`.
    pub summary: String,
    /// The name of a kernel in [`super::kernels`] (`#: kernel NAME`).
    pub kernel: String,
    /// An object that is run instead of a kernel (`#: object ARCHITECTURE SOURCE`).
    pub object: Option<Object>,
    /// Words for the kernel's command line (`#: append WORDS`).
    pub append: Vec<String>,
    /// Modules of the kernel's own to load at first (`#: modules NAMES`).
    pub modules: Vec<String>,
    /// Modules of `lab/modules/` (`#: lab-modules NAMES`); `whyfail` unless told otherwise.
    pub lab_modules: Vec<String>,
    /// Those of them that carry their types (`#: types NAMES`), as the kernel's own modules do.
    pub types: Vec<String>,
    /// Programs of `lab/programs/` to put into `/bin` (`#: programs NAMES`).
    pub programs: Vec<String>,
    /// Programs of the same that are linked with the C library (`#: linked NAMES`), as `NAME.linked`.
    pub linked: Vec<String>,
    /// Programs of Debian's to put there with their libraries (`#: tools NAMES`).
    pub tools: Vec<String>,
    /// Files that a kernel which is started after a panic leaves (`#: crash-kernel FILES`). The guest has that kernel
    /// as `/boot/image` and `/boot/initramfs`; the tools are in there, and the script runs again with `AFTER_PANIC`
    /// set, in a folder of which all is kept.
    pub kept: Vec<String>,
    /// Further arguments for QEMU (`#: qemu WORDS`).
    pub qemu: Vec<String>,
    /// Processors of the guest (`#: cpus N`).
    pub cpus: u32,
    /// Memory of the guest in MiB (`#: memory N`).
    pub memory: u32,
    /// QEMU has the device that the guest hands its VMCOREINFO to (`#: dump` without `no-vmcoreinfo`).
    pub vmcoreinfo: bool,
    /// What happens, in order (`#: until TEXT`, `#: pause SECONDS`, `#: monitor COMMAND`,
    /// `#: dump elf|zlib [no-vmcoreinfo]`).
    pub steps: Vec<Step>,
    /// Seconds the guest goes on after the last step (`#: grace N`).
    pub grace: u64,
    /// Seconds after which the guest is stopped in any case (`#: deadline N`).
    pub deadline: u64,
    /// The whole `init.sh`.
    pub script: String,
}

/// One step of a run.
pub enum Step {
    /// Wait until this text is on the console.
    Until(String),
    /// Let the guest go on for so many seconds.
    Pause(u64),
    /// Give this command to QEMU's monitor.
    Monitor(String),
    /// Write the guest's memory to a file.
    Dump(Dump),
}

impl Specimen {
    /// The files of the dumps that are made of it.
    pub fn dumps(&self) -> impl Iterator<Item = &str> {
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Dump(dump) => Some(dump.file),
            _ => None,
        });
        steps.chain(self.kept.iter().map(String::as_str))
    }
}

/// Reads every specimen that `list.txt` names, in its order.
pub fn read_all(folder: &Path) -> Result<Vec<Specimen>> {
    let list = folder.join("list.txt");
    let text =
        std::fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    let names: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() && !names.iter().any(|listed| name == **listed) {
            bail!("{} is not in {}", entry.path().display(), list.display());
        }
    }
    names
        .iter()
        .map(|name| read(name, &folder.join(name)))
        .collect()
}

fn read(name: &str, folder: &Path) -> Result<Specimen> {
    let open = |file: &str| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let story = open("story.md")?;
    let script = open("init.sh")?;
    parse(name, &story, &script).with_context(|| format!("in lab/specimens/{name}/init.sh"))
}

fn parse(name: &str, story: &str, script: &str) -> Result<Specimen> {
    let summary = story
        .lines()
        .find_map(|line| line.strip_prefix("# "))
        .context("story.md has no heading")?;
    let mut specimen = Specimen {
        name: name.to_owned(),
        summary: summary.to_owned(),
        kernel: "amd64".to_owned(),
        object: None,
        append: Vec::new(),
        modules: Vec::new(),
        lab_modules: vec!["whyfail".to_owned()],
        types: Vec::new(),
        programs: Vec::new(),
        linked: Vec::new(),
        tools: Vec::new(),
        kept: Vec::new(),
        qemu: Vec::new(),
        cpus: 2,
        memory: 256,
        vmcoreinfo: false,
        steps: Vec::new(),
        grace: 2,
        deadline: 120,
        script: script.to_owned(),
    };
    for line in script.lines().filter_map(|line| line.strip_prefix("#: ")) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let value = value.trim();
        let words = || value.split_whitespace().map(str::to_owned);
        match key {
            "kernel" => specimen.kernel = value.to_owned(),
            "object" => specimen.object = Some(Object::parse(value)?),
            "append" => specimen.append.extend(words()),
            "modules" => specimen.modules.extend(words()),
            "lab-modules" => specimen.lab_modules = words().collect(),
            "types" => specimen.types.extend(words()),
            "programs" => specimen.programs.extend(words()),
            "linked" => specimen.linked.extend(words()),
            "tools" => specimen.tools.extend(words()),
            "crash-kernel" => specimen.kept.extend(words()),
            "qemu" => specimen.qemu.extend(words()),
            "cpus" => specimen.cpus = value.parse()?,
            "memory" => specimen.memory = value.parse()?,
            "until" => specimen.steps.push(Step::Until(value.to_owned())),
            "pause" => specimen.steps.push(Step::Pause(value.parse()?)),
            "monitor" => specimen.steps.push(Step::Monitor(value.to_owned())),
            "dump" => {
                let (dump, vmcoreinfo) = Dump::parse(value)?;
                specimen.vmcoreinfo |= vmcoreinfo;
                specimen.steps.push(Step::Dump(dump));
            }
            "grace" => specimen.grace = value.parse()?,
            "deadline" => specimen.deadline = value.parse()?,
            _ => bail!("'#: {key}' means nothing to the runner"),
        }
    }
    let unknown = |name: &&String| !specimen.lab_modules.contains(name);
    if let Some(name) = specimen.types.iter().find(unknown) {
        bail!("'#: types {name}' is of no module that is loaded");
    }
    if specimen.steps.is_empty() {
        bail!("there is no '#: until TEXT', so nobody knows when it is over");
    }
    Ok(specimen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_and_the_rest_is_script() {
        let script = "#: append a=1 b\n#: until end trace\n#: monitor nmi\nprovoke x\n";
        let specimen = parse("x", "# A summary\n", script).unwrap();
        assert_eq!(specimen.summary, "A summary");
        assert_eq!(specimen.append, ["a=1", "b"]);
        assert_eq!(specimen.steps.len(), 2);
        assert!(specimen.object.is_none() && specimen.dumps().next().is_none());
        let object = parse("x", "# A\n", "#: object mips64 y\n#: until z\n").unwrap();
        assert_eq!(object.object.unwrap().source, "y");
        let dumps = parse("x", "# A\n", "#: until z\n#: dump elf\n#: dump zlib\n").unwrap();
        assert!(dumps.vmcoreinfo && dumps.dumps().eq(["vmcore.elf", "vmcore.flat"]));
        assert!(parse("x", "# A\n", "#: types whyfail\n#: until z\n").is_ok());
        assert!(parse("x", "# A\n", "#: types other\n#: until z\n").is_err());
        assert!(parse("x", "# A\n", "#: object y\n").is_err());
        assert!(parse("x", "# A\n", "#: bogus\n").is_err());
        assert!(parse("x", "# A\n", "provoke x\n").is_err());
    }
}
