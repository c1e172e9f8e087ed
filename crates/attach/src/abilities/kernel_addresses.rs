//! Whether the kernel shows where its functions lie.

use super::machine::Capability;
use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "kernel addresses",
    purpose: "naming the functions of the running kernel",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let restrict = machine.number("/proc/sys/kernel/kptr_restrict");
    let Some(symbols) = machine.first_bytes("/proc/kallsyms") else {
        return Answer::no(
            "/proc/kallsyms cannot be read",
            "a kernel with CONFIG_KALLSYMS, outside of a container that hides it",
        );
    };
    let shown = symbols
        .lines()
        .filter_map(|line| line.split(' ').next())
        .any(|address| address.bytes().any(|digit| digit != b'0'));
    let restrict = restrict.map_or("unknown".to_owned(), |value| value.to_string());
    if shown {
        return Answer::yes(format!(
            "/proc/kallsyms shows addresses; kptr_restrict is {restrict}"
        ));
    }
    let privileged = machine.may(Capability::Syslog);
    Answer::no(
        format!("/proc/kallsyms shows zeros; kptr_restrict is {restrict}"),
        if privileged {
            "sysctl kernel.kptr_restrict=0"
        } else {
            "run as root; if zeros remain: sysctl kernel.kptr_restrict=1"
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn zeros_are_no_addresses() {
        let files = [("/proc/kallsyms", "0000000000000000 T startup_64\n")];
        let answer = probe(&Machine::made_up("kallsyms1", &files, &[]));
        assert_eq!(answer.allowed, Allowed::No);
        let files = [("/proc/kallsyms", "ffffffff81000000 T startup_64\n")];
        let answer = probe(&Machine::made_up("kallsyms2", &files, &[]));
        assert_eq!(answer.allowed, Allowed::Yes);
    }
}
