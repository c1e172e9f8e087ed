//! Where the right files could come from, in words.

use super::names::Role;
use super::needed::Needed;

/// What would fit: files of the release, the package that a distribution has them in, and how a debuginfod server
/// is asked for the build-id.
pub(super) fn fitting(needed: &Needed, role: Option<&Role>) -> String {
    let mut ways = files(needed, role);
    if let Some(id) = role.map_or_else(|| needed.kernel_ids.first(), |role| needed.id(role)) {
        ways.push(format!(
            "a debuginfod server may have it (DEBUGINFOD_URLS): URL/buildid/{id}/debuginfo"
        ));
    }
    ways.join("; ")
}

/// The same where debuginfod servers have been asked.
pub(super) fn elsewhere(needed: &Needed, role: &Role) -> String {
    files(needed, Some(role)).join("; ")
}

fn files(needed: &Needed, role: Option<&Role>) -> Vec<String> {
    let Some(release) = needed.release() else {
        return vec!["the files of the kernel that died (--debuginfo)".to_owned()];
    };
    let mut ways = vec![format!("the files of kernel {release} (--debuginfo)")];
    // Debian's kernels say so behind their release, and keep debug info in a package named after it.
    if needed.version.contains("Debian") {
        let whose = match role {
            Some(Role::Module(_)) => "if it is one of Debian's own, the",
            _ => "Debian's",
        };
        ways.push(format!(
            "{whose} package linux-image-{release}-dbg should have it"
        ));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::super::needed::CodeThatRan;
    use super::super::testing::{ID, event};
    use super::*;

    #[test]
    fn ways_to_the_right_file_are_named() {
        let mut needed = Needed::of(&[event("6.1.0-9-amd64", &[])]);
        let plainly = "the files of kernel 6.1.0-9-amd64 (--debuginfo)";
        assert_eq!(fitting(&needed, None), plainly);
        let other = "ab".repeat(20);
        needed.add_dump(&CodeThatRan {
            arch: None,
            banner:
                "Linux version 6.1.0-10-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.1"
                    .to_owned(),
            build_id: Some(ID.to_owned()),
            modules: vec![("snd-pcm".to_owned(), Some(other.clone()))],
            has_stacks: true,
        });
        // The memory of a dump is surer than what a log prints.
        assert_eq!(
            fitting(&needed, Some(&Role::Kernel)),
            format!(
                "the files of kernel 6.1.0-10-amd64 (--debuginfo); Debian's package linux-image-6.1.0-10-amd64-dbg should have \
                 it; a debuginfod server may have it (DEBUGINFOD_URLS): URL/buildid/{ID}/debuginfo"
            )
        );
        let of_module = fitting(&needed, Some(&Role::Module("snd_pcm".to_owned())));
        assert!(of_module.ends_with(&format!("/buildid/{other}/debuginfo")));
    }
}
