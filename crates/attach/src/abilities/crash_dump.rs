//! Whether a crash of this kernel would leave a dump.

use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "kernel crash dumps",
    purpose: "a dump of all memory when this kernel dies",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let reserved = machine.read("/proc/cmdline").is_some_and(|line| {
        line.split_ascii_whitespace()
            .any(|word| word.starts_with("crashkernel="))
    });
    // Newer kernels moved it; both names are kept.
    let loaded = [
        "/sys/kernel/kexec_crash_loaded",
        "/sys/kernel/kexec/crash_loaded",
    ]
    .iter()
    .any(|path| machine.number(path) == Some(1));
    match (reserved, loaded) {
        (_, true) => Answer::yes("a crash kernel is loaded"),
        (true, false) => Answer::partly(
            "memory is reserved (crashkernel=) and no crash kernel is loaded",
            "start the service that loads it: kdump or kdump-tools",
        ),
        (false, false) => Answer::no(
            "no memory is reserved (crashkernel= is not on the kernel's command line)",
            "boot with crashkernel=256M, and install kdump-tools (Debian) or kdump-utils (Fedora)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn reserved_is_half_way() {
        let files = [("/proc/cmdline", "quiet crashkernel=192M\n")];
        let answer = probe(&Machine::made_up("kdump1", &files, &[]));
        assert_eq!(answer.allowed, Allowed::Partly);
        let files = [("/sys/kernel/kexec_crash_loaded", "1\n")];
        let answer = probe(&Machine::made_up("kdump2", &files, &[]));
        assert_eq!(answer.allowed, Allowed::Yes);
    }
}
