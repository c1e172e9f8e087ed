//! The machine that is asked: its files and environment, or a made-up one in tests.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where the questions go.
pub struct Machine {
    root: PathBuf,
    environment: Environment,
}

enum Environment {
    Own,
    #[cfg(test)]
    MadeUp(Vec<(String, String)>),
}

/// Linux capabilities that abilities need, by their bit.
#[derive(Clone, Copy)]
pub(super) enum Capability {
    SysPtrace = 19,
    SysAdmin = 21,
    Syslog = 34,
    Perfmon = 38,
    Bpf = 39,
}

impl Machine {
    /// The machine that this program runs on.
    pub fn this() -> Self {
        Machine {
            root: PathBuf::from("/"),
            environment: Environment::Own,
        }
    }

    /// Whether system calls answer for it, not only files.
    pub(super) fn is_this(&self) -> bool {
        self.root == Path::new("/")
    }

    fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// A small file of `/proc` or `/sys`, without the line end.
    pub(super) fn read(&self, absolute: &str) -> Option<String> {
        let bytes = fs::read(self.path(absolute)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// The beginning of a file that is long and slow to make.
    pub(super) fn first_bytes(&self, absolute: &str) -> Option<String> {
        let mut bytes = Vec::new();
        let file = File::open(self.path(absolute)).ok()?;
        file.take(4096).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file that holds one number.
    pub(super) fn number(&self, absolute: &str) -> Option<i64> {
        self.read(absolute)?.parse().ok()
    }

    pub(super) fn exists(&self, absolute: &str) -> bool {
        self.path(absolute).exists()
    }

    /// Opens and closes a file: the only sure answer to whether this user may.
    pub(super) fn opens(&self, absolute: &str) -> io::Result<()> {
        let opened: io::Result<File> = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(self.path(absolute));
        opened.map(drop)
    }

    /// Opens a device for reading and writing, and closes it.
    pub(super) fn opens_for_writing(&self, absolute: &str) -> io::Result<()> {
        let opened: io::Result<File> = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(self.path(absolute));
        opened.map(drop)
    }

    /// Names in a folder, in order; `None` when it cannot be listed.
    pub(super) fn list(&self, absolute: &str) -> Option<Vec<String>> {
        let mut names: Vec<String> = fs::read_dir(self.path(absolute))
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        Some(names)
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let value = match &self.environment {
            Environment::Own => std::env::var(name).ok(),
            #[cfg(test)]
            Environment::MadeUp(pairs) => pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone()),
        };
        value.filter(|value| !value.is_empty())
    }

    /// Whether the effective set of this process has a capability.
    pub(super) fn may(&self, capability: Capability) -> bool {
        self.read("/proc/self/status")
            .and_then(|status| {
                let line = status
                    .lines()
                    .find_map(|line| line.strip_prefix("CapEff:"))?;
                u64::from_str_radix(line.trim(), 16).ok()
            })
            .is_some_and(|set| set >> capability as u32 & 1 == 1)
    }

    /// The release of the running kernel.
    pub(super) fn release(&self) -> Option<String> {
        self.read("/proc/sys/kernel/osrelease")
    }

    /// Where a program lies on the search path.
    pub(super) fn program(&self, name: &str) -> Option<String> {
        self.variable("PATH")?
            .split(':')
            .map(|folder| format!("{folder}/{name}"))
            .find(|path| self.path(path).is_file())
    }

    /// Whether the kernel is locked down so far that its memory may not be read.
    pub(super) fn confidential(&self) -> bool {
        self.read("/sys/kernel/security/lockdown")
            .is_some_and(|modes| modes.contains("[confidentiality]"))
    }

    /// A machine that consists of the files and variables given.
    #[cfg(test)]
    pub(super) fn made_up(name: &str, files: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("why-machine-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for (path, text) in files {
            let path = root.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Machine {
            root,
            environment: Environment::MadeUp(
                variables
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
        }
    }
}

#[cfg(test)]
impl Drop for Machine {
    fn drop(&mut self) {
        if !self.is_this() {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}
