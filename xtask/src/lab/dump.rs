//! Dumps of a guest's memory by the monitor: `#: dump elf` and `#: dump zlib`.

use super::monitor::Monitor;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::path::Path;

/// The device through which the guest's kernel hands its VMCOREINFO to QEMU (`docs/specs/vmcoreinfo`); the
/// guest needs the module `qemu_fw_cfg` for it.
pub const DEVICE: [&str; 2] = ["-device", "vmcoreinfo"];

/// What QEMU writes (`dump/dump.c`). Its lzo and snappy are not built into Debian's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dump {
    /// The word for it in `#: dump`.
    pub name: &'static str,
    /// QEMU's word for it.
    format: &'static str,
    /// The file in the folder of the run.
    pub file: &'static str,
}

const DUMPS: &[Dump] = &[
    Dump {
        name: "elf",
        format: "elf",
        file: "vmcore.elf",
    },
    // Flattened: QEMU writes it as for a pipe.
    Dump {
        name: "zlib",
        format: "kdump-zlib",
        file: "vmcore.flat",
    },
];

impl Dump {
    /// Reads `elf [no-vmcoreinfo]`; the second answer is whether the guest has the device.
    pub fn parse(text: &str) -> Result<(Dump, bool)> {
        let (name, with) = match text.split_once(' ') {
            None => (text, true),
            Some((name, "no-vmcoreinfo")) => (name, false),
            Some((_, other)) => bail!("'{other}' is not 'no-vmcoreinfo'"),
        };
        let dump = DUMPS.iter().find(|dump| dump.name == name);
        let dump = dump.with_context(|| format!("QEMU writes no dump '{name}'"))?;
        Ok((*dump, with))
    }

    /// Stops the guest and writes the dump, and what the processors hold as QEMU tells it, which is the truth for
    /// tests. The guest stays stopped, so that another dump is of the same moment.
    pub fn write(&self, socket: &Path, folder: &Path) -> Result<()> {
        let mut monitor = Monitor::connect(socket)?;
        monitor.execute("stop", &json!({}))?;
        let registers = monitor.ask("info registers -a")?;
        std::fs::write(folder.join("registers.txt"), registers)?;
        let file = folder.join(self.file);
        // QEMU makes it readable only, so that it could not write it a second time.
        std::fs::remove_file(&file).ok();
        let arguments = json!({
            "paging": false,
            "protocol": format!("file:{}", file.display()),
            "format": self.format,
        });
        monitor.execute("dump-guest-memory", &arguments)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_named_by_its_words() {
        let (dump, with) = Dump::parse("zlib").unwrap();
        assert!((dump.file, with) == ("vmcore.flat", true));
        assert!(!Dump::parse("elf no-vmcoreinfo").unwrap().1);
        assert!(Dump::parse("lzo").is_err() && Dump::parse("elf bogus").is_err());
    }
}
