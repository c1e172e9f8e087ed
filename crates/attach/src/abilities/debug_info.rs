//! Debug information of the running kernel and of programs.

use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "debug information",
    purpose: "source lines and variables of the kernel and of programs",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let release = machine.release().unwrap_or_default();
    let kernel = [
        format!("/usr/lib/debug/boot/vmlinux-{release}"),
        format!("/usr/lib/debug/lib/modules/{release}/vmlinux"),
        format!("/usr/lib/debug/boot/vmlinux-{release}.debug"),
        format!("/lib/modules/{release}/build/vmlinux"),
    ]
    .into_iter()
    .find(|path| !release.is_empty() && machine.exists(path));
    let programs = machine
        .list("/usr/lib/debug/.build-id")
        .map_or(0, |names| names.len());
    let urls = machine.variable("DEBUGINFOD_URLS");
    let urls = urls.filter(|urls| !urls.trim().is_empty());
    // What distributions set for login shells only.
    let listed = || {
        let names = machine.list("/etc/debuginfod")?;
        let file = names.iter().find(|name| name.ends_with(".urls"))?;
        let path = format!("/etc/debuginfod/{file}");
        let text = machine.read(&path).filter(|text| !text.is_empty())?;
        Some((path, text))
    };
    let listed = if urls.is_some() { None } else { listed() };
    let mut found = Vec::new();
    found.push(match &kernel {
        Some(path) => format!(
            "of the running kernel: {path} (taken where a dump or a log tells its build-id, else: why LOG --debuginfo {path})"
        ),
        None => "of the running kernel: none".to_owned(),
    });
    if programs > 0 {
        found.push(format!(
            "of programs: /usr/lib/debug/.build-id has {programs} groups"
        ));
    }
    found.push(match (&urls, &listed) {
        (Some(urls), _) => format!(
            "debuginfod: {} (asked for builds of which no file is found)",
            words(urls)
        ),
        (None, Some((path, urls))) => format!(
            "debuginfod: DEBUGINFOD_URLS is not set; {path} has {}",
            words(urls)
        ),
        (None, None) => "debuginfod: DEBUGINFOD_URLS is not set".to_owned(),
    });
    let found = found.join("; ");
    let package = "install the kernel's debug package (Debian: linux-image-$(uname -r)-dbg; \
                   Fedora: dnf debuginfo-install kernel)";
    match (kernel, urls, listed) {
        (Some(_), ..) => Answer::yes(found),
        (None, Some(_), _) => Answer::partly(found, package),
        (None, None, Some((path, _))) => Answer::partly(
            found,
            format!(
                "{package}, or have the servers asked: export DEBUGINFOD_URLS=\"$(cat {path})\""
            ),
        ),
        (None, None, None) => Answer::no(
            found,
            format!("{package}, or name a debuginfod server: export DEBUGINFOD_URLS=URL"),
        ),
    }
}

fn words(urls: &str) -> String {
    urls.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn the_running_kernels_file_is_found() {
        let release = ("/proc/sys/kernel/osrelease", "6.1.0-9\n");
        let files = [release, ("/usr/lib/debug/boot/vmlinux-6.1.0-9", "")];
        let answer = probe(&Machine::made_up("debug1", &files, &[]));
        assert_eq!(answer.allowed, Allowed::Yes);
        let option = "--debuginfo /usr/lib/debug/boot/vmlinux-6.1.0-9";
        assert!(answer.found.contains(option), "{}", answer.found);
        let urls = [("DEBUGINFOD_URLS", "https://debuginfod.example")];
        let answer = probe(&Machine::made_up("debug2", &[release], &urls));
        assert_eq!(answer.allowed, Allowed::Partly);
        assert!(answer.found.contains("debuginfod.example (asked for"));
        // A list that no shell has read asks nobody.
        let list = ("/etc/debuginfod/a.urls", "https://debuginfod.example\n");
        let answer = probe(&Machine::made_up("debug3", &[release, list], &[]));
        assert_eq!(answer.allowed, Allowed::Partly);
        assert!(answer.found.contains("DEBUGINFOD_URLS is not set"));
        assert!(answer.get.contains("$(cat /etc/debuginfod/a.urls)"));
        let answer = probe(&Machine::made_up("debug4", &[release], &[]));
        assert_eq!(answer.allowed, Allowed::No);
    }
}
