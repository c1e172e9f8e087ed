//! What lies in the folders that are named: kernels, the modules that are wanted, and where build-ids lead.
//!
//! A build tree has a hundred thousand files, a root file system far more: names alone are looked at, and
//! entries are counted.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use base::{Budget, Exhausted};

use super::names::{Role, is_release, role};
use super::needed::Needed;

/// Entries that are looked at, in all folders together.
const ENTRIES: u64 = 400_000;

/// Folders in folders.
const DEEPEST: usize = 32;

/// What there is, in the order it was found.
#[derive(Debug)]
pub(super) struct Index {
    /// Files that are named as a kernel is.
    pub(super) kernels: Vec<PathBuf>,
    /// Files of the modules that are needed, by the plain names of these.
    pub(super) modules: BTreeMap<String, Vec<PathBuf>>,
    /// Folders of links that are named by build-ids.
    pub(super) build_ids: Vec<PathBuf>,
    /// Named folders that hold none of all this, nor a module that is not needed.
    pub(super) useless: Vec<PathBuf>,
    /// Entries that were looked at.
    pub(super) entries: Budget,
    /// Why not all of them were.
    pub(super) stopped: Option<Exhausted>,
}

impl Index {
    /// Looks through `folders`.
    pub(super) fn of(folders: &[PathBuf], needed: &Needed) -> Index {
        Index::within(folders, needed, ENTRIES)
    }

    fn within(folders: &[PathBuf], needed: &Needed, entries: u64) -> Index {
        let mut index = Index {
            kernels: Vec::new(),
            modules: BTreeMap::new(),
            build_ids: Vec::new(),
            useless: Vec::new(),
            entries: Budget::new("entries of folders", entries),
            stopped: None,
        };
        for folder in folders {
            match index.walk(folder, needed) {
                Ok(0) => index.useless.push(folder.clone()),
                Ok(_) => {}
                Err(stopped) => {
                    index.stopped = Some(stopped);
                    break;
                }
            }
        }
        index
    }

    /// Looks through one folder, the nearest first; how much there was that could be of use.
    fn walk(&mut self, folder: &Path, needed: &Needed) -> Result<u64, Exhausted> {
        let mut useful = 0;
        let mut waiting = VecDeque::from([(folder.to_owned(), 0)]);
        // Modules of other kernels come last: there may be many.
        let mut others = Vec::new();
        while let Some((folder, depth)) = waiting.pop_front().or_else(|| others.pop()) {
            if folder.file_name().is_some_and(|name| name == ".build-id") {
                useful += 1;
                self.build_ids.push(folder);
                continue;
            }
            for (name, kind) in self.list(&folder)? {
                let path = folder.join(&name);
                if kind.is_dir() {
                    let is_hidden = name.as_encoded_bytes().starts_with(b".");
                    if depth >= DEEPEST
                        || is_pseudo(&path)
                        || is_hidden && name != ".build-id" && name != ".debug"
                    {
                        continue;
                    }
                    let release = needed.release().filter(|_| is_release(&name));
                    if release.is_some_and(|release| name != release) {
                        others.push((path, depth + 1));
                    } else {
                        waiting.push_back((path, depth + 1));
                    }
                } else if kind.is_file() || kind.is_symlink() {
                    useful += u64::from(self.add(path, needed));
                }
            }
        }
        Ok(useful)
    }

    /// The entries of a folder by name; those of one that may not be read are none. Links to folders are no
    /// folders here, so that no walk goes in circles or leaves what was named.
    fn list(
        &mut self,
        folder: &Path,
    ) -> Result<Vec<(std::ffi::OsString, fs::FileType)>, Exhausted> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            self.entries.spend(1)?;
            if let Ok(kind) = entry.file_type() {
                names.push((entry.file_name(), kind));
            }
        }
        names.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(names)
    }

    /// Notes a file, if its name says that it may be of use; says whether it does.
    fn add(&mut self, path: PathBuf, needed: &Needed) -> bool {
        match path.file_name().and_then(role) {
            None => return false,
            Some(Role::Kernel) => self.kernels.push(path),
            Some(Role::Module(name)) if needed.modules.contains_key(&name) => {
                self.modules.entry(name).or_default().push(path);
            }
            Some(Role::Module(_)) => {}
        }
        true
    }
}

/// What a kernel makes up, and what has no end.
fn is_pseudo(path: &Path) -> bool {
    ["/proc", "/sys", "/dev", "/run"]
        .iter()
        .any(|name| path == Path::new(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::testing::{event, folder, put};
    use super::*;

    fn needed() -> Needed {
        Needed::of(&[event("6.1.0-test", &[("snd-pcm", None)])])
    }

    #[test]
    fn what_is_needed_is_found_and_no_more() {
        let root = folder("walk-found");
        for name in [
            "boot/vmlinux-6.1.0-test",
            "lib/modules/6.1.0-test/kernel/sound/snd-pcm.ko.xz",
            "lib/modules/5.9.1/kernel/sound/snd-pcm.ko",
            "lib/modules/6.1.0-test/kernel/net/bonding.ko",
            ".build-id/12/34.debug",
            ".git/snd-pcm.ko",
        ] {
            put(&root.join(name), b"x");
        }
        let index = Index::of(std::slice::from_ref(&root), &needed());
        assert_eq!(index.kernels, [root.join("boot/vmlinux-6.1.0-test")]);
        assert_eq!(index.build_ids, [root.join(".build-id")]);
        let found = &index.modules["snd_pcm"];
        assert_eq!(index.modules.len(), 1);
        // That of the release comes before that of another.
        assert_eq!(
            found,
            &[
                root.join("lib/modules/6.1.0-test/kernel/sound/snd-pcm.ko.xz"),
                root.join("lib/modules/5.9.1/kernel/sound/snd-pcm.ko"),
            ]
        );
        assert!(index.useless.is_empty() && index.stopped.is_none());
    }

    #[test]
    fn links_do_not_lead_in_circles_or_outside() {
        let root = folder("walk-links");
        let outside = folder("walk-outside");
        put(&outside.join("vmlinux"), b"x");
        put(&root.join("a/b/snd_pcm.ko"), b"x");
        symlink(&root, root.join("a/b/again")).unwrap();
        symlink(&outside, root.join("a/outside")).unwrap();
        symlink(root.join("a/b/snd_pcm.ko"), root.join("snd-pcm.ko")).unwrap();
        let index = Index::of(std::slice::from_ref(&root), &needed());
        assert!(index.kernels.is_empty());
        // A link to a file is a file.
        assert_eq!(index.modules["snd_pcm"].len(), 2);
        assert_eq!(index.entries.used(), 6);
    }

    #[test]
    fn entries_are_counted() {
        let root = folder("walk-counted");
        for n in 0..50 {
            put(&root.join(format!("{n}/file")), b"x");
        }
        let index = Index::within(std::slice::from_ref(&root), &needed(), 60);
        assert_eq!(index.entries.used(), 61);
        assert!(index.stopped.is_some());
        assert!(index.useless.is_empty(), "nobody knows what it holds");
        let index = Index::of(std::slice::from_ref(&root), &needed());
        assert_eq!((index.entries.used(), index.useless), (100, vec![root]));
    }
}
