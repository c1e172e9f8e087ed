//! Where files are looked for that nobody named: in the places where machines keep them, and at the servers that
//! the environment names. They are known by their build-ids alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use base::Gap;

use super::debuginfod::{Client, Settings, Watch};

/// Whom to ask when nobody names a file.
#[derive(Default)]
pub struct Usual {
    root: Option<PathBuf>,
    servers: Option<Client>,
}

impl Usual {
    /// Nowhere: what is not named is not used.
    pub fn none() -> Usual {
        Usual::default()
    }

    /// The file system that begins at `root`, and the servers that `variable`, the environment, names.
    pub fn of(root: PathBuf, variable: &dyn Fn(&str) -> Option<OsString>) -> Usual {
        Usual {
            root: Some(root),
            servers: Settings::read(variable).map(Client::new),
        }
    }

    /// This machine's environment, and the file system that begins at `root`: `/`, or that of the machine that died.
    pub fn of_this_machine(root: PathBuf) -> Usual {
        Usual::of(root, &|name| std::env::var_os(name))
    }

    /// Has someone hear how far files are that are being fetched.
    pub fn watch(&mut self, watch: Watch) {
        if let Some(servers) = &mut self.servers {
            servers.watch(watch);
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.root.is_none() && self.servers.is_none()
    }

    pub(super) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    pub(super) fn servers(&self) -> Option<&Client> {
        self.servers.as_ref()
    }

    /// What the environment says that cannot be followed.
    pub(super) fn gaps(&self) -> &[Gap] {
        self.servers.as_ref().map_or(&[], Client::gaps)
    }

    #[cfg(test)]
    pub(super) fn made_up(root: Option<PathBuf>, servers: Option<Settings>) -> Usual {
        Usual {
            root,
            servers: servers.map(Client::new),
        }
    }
}
