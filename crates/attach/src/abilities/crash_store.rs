//! What the firmware kept of an earlier crash.

use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "crash store",
    purpose: "why /sys/fs/pstore: the log of a kernel that died and could not write to a disk",
    probe,
};

/// Where records lie, and where systemd moves them at boot.
const FOLDERS: [&str; 2] = ["/sys/fs/pstore", "/var/lib/systemd/pstore"];

fn probe(machine: &Machine) -> Answer {
    let mounted = machine.read("/proc/mounts").is_some_and(|mounts| {
        mounts
            .lines()
            .any(|line| line.split(' ').nth(2) == Some("pstore"))
    });
    let backend = machine
        .read("/sys/module/pstore/parameters/backend")
        .filter(|name| name != "(null)");
    let held: Vec<String> = FOLDERS
        .iter()
        .filter_map(|folder| {
            let n = machine.list(folder)?.len();
            (n > 0).then(|| format!("{folder} holds {n}"))
        })
        .collect();
    let held = if held.is_empty() {
        "no record is held".to_owned()
    } else {
        held.join(", ")
    };
    match (backend, mounted) {
        (Some(name), true) => Answer::yes(format!("pstore writes to {name}; {held}")),
        (Some(name), false) => Answer::partly(
            format!("pstore writes to {name} and is not mounted; {held}"),
            "mount -t pstore pstore /sys/fs/pstore",
        ),
        (None, _) => Answer::no(
            format!("pstore has no back end to write to; {held}"),
            "modprobe ramoops with memory reserved at boot, or modprobe efi_pstore; \
             netconsole and kdump serve the same end",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn a_store_with_a_back_end_is_allowed() {
        let files = [
            ("/proc/mounts", "pstore /sys/fs/pstore pstore rw 0 0\n"),
            ("/sys/module/pstore/parameters/backend", "efi_pstore\n"),
            ("/sys/fs/pstore/dmesg-efi-1", ""),
        ];
        let answer = probe(&Machine::made_up("pstore", &files, &[]));
        assert_eq!(answer.allowed, Allowed::Yes);
        assert_eq!(
            answer.found,
            "pstore writes to efi_pstore; /sys/fs/pstore holds 1"
        );
    }
}
