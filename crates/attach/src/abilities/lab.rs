//! Making kernels die on purpose, in a virtual machine.

use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "laboratory (QEMU)",
    purpose: "making real crash logs in a virtual machine, for the tests",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let Some(qemu) = machine.program("qemu-system-x86_64") else {
        return Answer::no(
            "qemu-system-x86_64 is not on the search path",
            "install qemu-system-x86",
        );
    };
    match machine.opens_for_writing("/dev/kvm") {
        Ok(()) => Answer::yes(format!("{qemu}, with /dev/kvm")),
        Err(_) => Answer::yes(format!(
            "{qemu}, without /dev/kvm: a boot takes some seconds"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn the_search_path_is_searched() {
        let files = [("/opt/bin/qemu-system-x86_64", "")];
        let path = [("PATH", "/usr/bin:/opt/bin")];
        let answer = probe(&Machine::made_up("lab", &files, &path));
        assert_eq!(answer.allowed, Allowed::Yes);
        assert!(answer.found.starts_with("/opt/bin/qemu"));
    }
}
