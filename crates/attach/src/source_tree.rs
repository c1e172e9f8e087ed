//! Lines of source text, for the paths that debug information names.
//!
//! A compiler wrote down where the sources lay when it ran, which is seldom
//! where they lie now: the longest end of such a path that exists below one of
//! the folders is taken. The paths are foreign: none leads out of a folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;
use crate::resolve::open_regular;

/// Bytes of a source file; generated ones that are larger are not worth a line.
const LARGEST: u64 = 8 << 20;

/// Bytes of files that are kept.
const KEPT: usize = 64 << 20;

/// Paths that are remembered, also those that lead nowhere.
const PATHS: usize = 4096;

/// Parts of a path that are tried as its start.
const DEEPEST: usize = 48;

/// Bytes of a line that are shown.
const LONGEST: usize = 400;

/// Folders with sources.
#[derive(Debug, Default)]
pub struct SourceTree {
    folders: Vec<PathBuf>,
    kept: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    files: BTreeMap<String, Option<Arc<[u8]>>>,
    bytes: usize,
}

impl SourceTree {
    /// Takes the folders that were named, and says which are none.
    pub fn new(paths: &[OsString]) -> (SourceTree, Vec<Error>) {
        let mut tree = SourceTree::default();
        let mut errors = Vec::new();
        for path in paths {
            let doing = "find sources in";
            match fs::canonicalize(path).and_then(|real| Ok((fs::metadata(&real)?, real))) {
                Ok((meta, real)) if meta.is_dir() => tree.folders.push(real),
                Ok(_) => errors.push(
                    Error::new(doing, path, "it is no folder")
                        .next("name the folder that the sources were unpacked in"),
                ),
                Err(error) => errors.push(
                    Error::io(doing, path, &error)
                        .next("name the folder that the sources were unpacked in"),
                ),
            }
        }
        (tree, errors)
    }

    /// The text of a line, counted from 1, of the file that debug information calls `path`.
    pub fn line(&self, path: &str, line: u32) -> Option<String> {
        let file = self.file(path)?;
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        let line = file.split(|byte| *byte == b'\n').nth(index)?;
        let line = line.get(..LONGEST).unwrap_or(line);
        Some(String::from_utf8_lossy(line).trim_end().to_owned())
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.files.get(path) {
            return known.clone();
        }
        let file = self.read(path);
        let size = file.as_ref().map_or(0, |file| file.len());
        if kept.bytes + size > KEPT || kept.files.len() >= PATHS {
            *kept = Cache::default();
        }
        kept.bytes += size;
        kept.files.insert(path.to_owned(), file.clone());
        file
    }

    fn read(&self, path: &str) -> Option<Arc<[u8]>> {
        let parts = parts(path);
        let starts = parts.len().saturating_sub(DEEPEST)..parts.len();
        let ends = starts.filter_map(|start| parts.get(start..));
        ends.flat_map(|end| self.folders.iter().map(move |folder| (folder, end)))
            .find_map(|(folder, end)| {
                let path = end
                    .iter()
                    .fold(folder.clone(), |path, part| path.join(part));
                // A link may lead out of the folder.
                let real = fs::canonicalize(path).ok()?;
                real.starts_with(folder).then(|| whole(&real))?
            })
    }
}

/// The parts of a path without `.` and `..`: what lies above the first part is the same.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

fn whole(path: &Path) -> Option<Arc<[u8]>> {
    let file = open_regular(path).ok()?;
    if file.metadata().ok()?.len() > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::testing::{folder, put};

    fn tree(folders: &[&Path]) -> SourceTree {
        let paths: Vec<OsString> = folders.iter().map(|path| path.into()).collect();
        let (tree, errors) = SourceTree::new(&paths);
        assert!(errors.is_empty());
        tree
    }

    #[test]
    fn the_longest_end_of_a_path_that_exists_is_taken() {
        let root = folder("source-longest");
        put(&root.join("drivers/net/main.c"), b"one\n\ttwo \r\nthree");
        put(&root.join("main.c"), b"other\n");
        let tree = tree(&[&root]);
        let line = |path, line| tree.line(path, line);
        for path in [
            "/build/linux-6.1/drivers/net/main.c",
            "./drivers/net/main.c",
            "/build/linux-6.1/drivers/net/bonding/../main.c",
        ] {
            assert_eq!(line(path, 2).as_deref(), Some("\ttwo"), "{path}");
        }
        assert_eq!(line("/elsewhere/main.c", 1).as_deref(), Some("other"));
        let net = "drivers/net/main.c";
        assert_eq!(line(net, 3).as_deref(), Some("three"));
        assert_eq!((line(net, 0), line(net, 4)), (None, None));
        assert_eq!(line("/build/drivers/absent.c", 1), None);
    }

    #[test]
    fn folders_are_asked_in_their_order() {
        let (first, second) = (folder("source-first"), folder("source-second"));
        put(&first.join("main.c"), b"first\n");
        put(&second.join("net/main.c"), b"second\n");
        let tree = tree(&[&first, &second]);
        assert_eq!(tree.line("/x/net/main.c", 1).as_deref(), Some("second"));
        assert_eq!(tree.line("/x/main.c", 1).as_deref(), Some("first"));
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let root = folder("source-inside/tree");
        let outside = root.parent().unwrap().join("secret.c");
        put(&outside, b"secret\n");
        symlink(&outside, root.join("link.c")).unwrap();
        let tree = tree(&[&root]);
        for path in ["../secret.c", "a/../../secret.c", "link.c", "/../secret.c"] {
            assert_eq!(tree.line(path, 1), None, "{path}");
        }
        assert_eq!(tree.line(&outside.to_string_lossy(), 1), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let root = folder("source-bounded");
        put(&root.join("large.c"), &vec![b'\n'; LARGEST as usize + 1]);
        let tree = tree(&[&root]);
        assert_eq!(tree.line("large.c", 1), None);
        for n in 0..=PATHS {
            assert_eq!(tree.line(&format!("absent{n}.c"), 1), None);
        }
        assert!(tree.kept.lock().unwrap().files.len() < PATHS);
    }

    #[test]
    fn what_is_no_folder_is_said() {
        let root = folder("source-none");
        put(&root.join("main.c"), b"x\n");
        let (_, errors) = SourceTree::new(&[root.join("main.c").into(), root.join("no").into()]);
        assert_eq!(errors.len(), 2);
        assert!(errors[0].to_string().contains("it is no folder"));
        assert!(errors[1].to_string().contains("no such file"));
    }
}
