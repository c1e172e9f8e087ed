//! Where machines keep debug information and code, below the root of a file system: the paths that debuggers look
//! at too (gdb's `debug-file-directory`; the kernels of drgn's `find_standard_debug_info`).

use std::path::{Path, PathBuf};

use super::names::harmless;

/// Links that are named by build-ids: of debug packages, and of the files themselves.
const LINKS: [&str; 2] = ["usr/lib/debug/.build-id", "usr/lib/.build-id"];

/// Kernels of the release `R`.
const KERNELS: [&str; 9] = [
    "usr/lib/debug/boot/vmlinux-R",
    "usr/lib/debug/lib/modules/R/vmlinux",
    "usr/lib/debug/usr/lib/modules/R/vmlinux",
    "usr/lib/debug/boot/vmlinux-R.debug",
    "boot/vmlinux-R",
    "lib/modules/R/build/vmlinux",
    "lib/modules/R/vmlinux",
    "usr/lib/modules/R/build/vmlinux",
    "usr/lib/modules/R/vmlinux",
];

/// Folders with the modules of the release `R`.
const MODULES: [&str; 4] = [
    "usr/lib/debug/lib/modules/R",
    "usr/lib/debug/usr/lib/modules/R",
    "lib/modules/R",
    "usr/lib/modules/R",
];

/// Where links to the files of a build may lie.
pub(super) fn links(root: &Path, build_id: &str) -> Vec<PathBuf> {
    let Some((group, rest)) = build_id.split_at_checked(2) else {
        return Vec::new();
    };
    let names = [format!("{group}/{rest}.debug"), format!("{group}/{rest}")];
    let folders = LINKS.iter().map(|folder| root.join(folder));
    folders
        .flat_map(|folder| names.clone().map(|name| folder.join(name)))
        .collect()
}

/// Where the kernel of a release may lie.
pub(super) fn kernels(root: &Path, release: Option<&str>) -> Vec<PathBuf> {
    of_release(root, &KERNELS, release)
}

/// The folders with the modules of a release.
pub(super) fn modules(root: &Path, release: Option<&str>) -> Vec<PathBuf> {
    of_release(root, &MODULES, release)
}

fn of_release(root: &Path, forms: &[&str], release: Option<&str>) -> Vec<PathBuf> {
    let Some(release) = release.filter(|release| harmless(release)) else {
        return Vec::new();
    };
    let paths = forms.iter();
    paths
        .map(|form| root.join(form.replace('R', release)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        let root = Path::new("/sysroot");
        assert_eq!(
            links(root, "abcdef"),
            [
                "/sysroot/usr/lib/debug/.build-id/ab/cdef.debug",
                "/sysroot/usr/lib/debug/.build-id/ab/cdef",
                "/sysroot/usr/lib/.build-id/ab/cdef.debug",
                "/sysroot/usr/lib/.build-id/ab/cdef",
            ]
            .map(PathBuf::from)
        );
        assert!(links(root, "a").is_empty());
        let kernels = kernels(root, Some("6.1.0"));
        assert!(kernels.contains(&PathBuf::from("/sysroot/usr/lib/debug/boot/vmlinux-6.1.0")));
        for release in [None, Some("../.."), Some(".."), Some("")] {
            assert!(modules(root, release).is_empty(), "{release:?}");
        }
    }
}
