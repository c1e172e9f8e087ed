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
    let urls = machine.variable("DEBUGINFOD_URLS").or_else(|| {
        // What distributions set for login shells only.
        let names = machine.list("/etc/debuginfod")?;
        let file = names.iter().find(|name| name.ends_with(".urls"))?;
        machine
            .read(&format!("/etc/debuginfod/{file}"))
            .filter(|text| !text.is_empty())
    });
    let mut found = Vec::new();
    found.push(match &kernel {
        Some(path) => format!("of the running kernel: {path} (why LOG --debuginfo {path})"),
        None => "of the running kernel: none".to_owned(),
    });
    if programs > 0 {
        found.push(format!(
            "of programs: /usr/lib/debug/.build-id has {programs} groups"
        ));
    }
    found.push(match &urls {
        Some(urls) => format!(
            "debuginfod: {} (not asked by this version)",
            urls.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
        None => "debuginfod: not set".to_owned(),
    });
    let found = found.join("; ");
    let package = "install the kernel's debug package (Debian: linux-image-$(uname -r)-dbg; \
                   Fedora: dnf debuginfo-install kernel)";
    match (kernel, urls) {
        (Some(_), _) => Answer::yes(found),
        (None, Some(_)) => Answer::partly(
            found,
            format!("{package}, or fetch the file: debuginfod-find debuginfo BUILD-ID"),
        ),
        (None, None) => Answer::no(found, package),
    }
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
    }
}
