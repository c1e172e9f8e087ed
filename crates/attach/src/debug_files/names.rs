//! What the name of a file says it may be.

use std::ffi::OsStr;

/// Endings that say how a file is compressed; what it is is decided by its first bytes.
const COMPRESSED: [&str; 3] = [".xz", ".zst", ".gz"];

/// What a file may be, told by its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A kernel: `vmlinux`, `vmlinux-6.1.0-9-amd64`, `vmlinux.debug`.
    Kernel,
    /// The module of this name, in its plain form: `snd-pcm.ko.debug.xz` is `snd_pcm`.
    Module(String),
}

/// What the name says.
pub(super) fn role(name: &OsStr) -> Option<Role> {
    let name = name.to_str()?;
    let name = COMPRESSED
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name);
    let name = name.strip_suffix(".debug").unwrap_or(name);
    if let Some(module) = name.strip_suffix(".ko").filter(|name| !name.is_empty()) {
        return Some(Role::Module(plain(module)));
    }
    let rest = name.strip_prefix("vmlinux")?;
    (rest.is_empty() || rest.starts_with('-')).then_some(Role::Kernel)
}

/// The name of a module as logs print it: `-` and `_` are the same.
pub(super) fn plain(module: &str) -> String {
    module.replace('-', "_")
}

/// Whether a folder is named as modules of a kernel's release are kept: `6.1.0-9-amd64`.
pub(super) fn is_release(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.first().is_some_and(u8::is_ascii_digit) && name.contains(&b'.')
}

/// Whether a release can be a part of a path. It is printed by whoever wrote the log: it must not lead elsewhere.
pub(super) fn harmless(release: &str) -> bool {
    !release.is_empty() && !release.contains('/') && !release.starts_with('.')
}

/// Where packages put the kernel of a release, below a folder that is named.
pub(super) fn usual_kernels(release: Option<&str>) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(release) = release.filter(|release| harmless(release)) {
        for form in [
            "vmlinux-R",
            "boot/vmlinux-R",
            "lib/modules/R/vmlinux",
            "usr/lib/debug/boot/vmlinux-R",
            "usr/lib/debug/lib/modules/R/vmlinux",
            "usr/lib/debug/usr/lib/modules/R/vmlinux",
            "R/vmlinux",
            "vmlinux-R.debug",
            "boot/vmlinux-R.debug",
            "usr/lib/debug/boot/vmlinux-R.debug",
            "lib/modules/R/build/vmlinux",
        ] {
            names.push(form.replace('R', release));
        }
    }
    names.extend(["vmlinux", "vmlinux.debug", "build/vmlinux"].map(str::to_owned));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_kernels_and_modules() {
        let told = |name: &str| role(OsStr::new(name));
        let module = |name: &str| Some(Role::Module(name.to_owned()));
        for name in [
            "vmlinux",
            "vmlinux.debug",
            "vmlinux-6.1.0-9-amd64",
            "vmlinux-6.1.0-9-amd64.debug",
            "vmlinux.xz",
        ] {
            assert_eq!(told(name), Some(Role::Kernel), "{name}");
        }
        assert_eq!(told("snd-pcm.ko"), module("snd_pcm"));
        assert_eq!(told("snd_pcm.ko.debug"), module("snd_pcm"));
        assert_eq!(told("snd-pcm.ko.zst"), module("snd_pcm"));
        assert_eq!(told("snd-pcm.ko.debug.xz"), module("snd_pcm"));
        for name in [
            "vmlinuz",
            "vmlinux.o",
            "vmlinuxes",
            ".ko",
            "a.ko.c",
            "oops.log",
        ] {
            assert_eq!(told(name), None, "{name}");
        }
    }

    #[test]
    fn folders_of_releases_are_known() {
        assert!(is_release(OsStr::new("6.1.0-9-amd64")));
        assert!(!is_release(OsStr::new("kernel")) && !is_release(OsStr::new("80211")));
    }

    #[test]
    fn a_release_cannot_lead_out_of_the_folder() {
        for release in ["../../etc", "..", "."] {
            assert_eq!(usual_kernels(Some(release)), usual_kernels(None));
        }
        let names = usual_kernels(Some("6.1.0"));
        assert!(names.iter().any(|name| name == "lib/modules/6.1.0/vmlinux"));
    }
}
