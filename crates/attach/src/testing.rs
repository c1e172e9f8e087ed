//! Folders and files for tests.

use std::fs;
use std::path::{Path, PathBuf};

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir()
        .join(format!("why-{}", std::process::id()))
        .join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path.canonicalize().unwrap()
}

/// Writes a file, with the folders that it lies in.
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
