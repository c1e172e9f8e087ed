//! Attaching to processes.

use super::machine::Capability;
use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "process inspection (ptrace)",
    purpose: "reading the registers and memory of live processes",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    if !machine.exists("/proc/self/status") {
        return Answer::no("/proc is not mounted", "mount /proc");
    }
    if machine.may(Capability::SysPtrace) {
        return Answer::yes("CAP_SYS_PTRACE is held: every process");
    }
    match machine.number("/proc/sys/kernel/yama/ptrace_scope") {
        None => Answer::yes("no Yama: processes of the same user"),
        Some(0) => Answer::yes("ptrace_scope is 0: processes of the same user"),
        Some(1) => Answer::partly(
            "ptrace_scope is 1: own children only",
            "run as root, or sysctl kernel.yama.ptrace_scope=0",
        ),
        Some(2) => Answer::no("ptrace_scope is 2: only with CAP_SYS_PTRACE", "run as root"),
        Some(_) => Answer::no(
            "ptrace_scope is 3: nobody, until reboot",
            "reboot with less",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn the_scope_decides_without_capabilities() {
        let status = ("/proc/self/status", "CapEff:\t0000000000000000\n");
        for (value, allowed) in [
            ("0", Allowed::Yes),
            ("1", Allowed::Partly),
            ("3", Allowed::No),
        ] {
            let files = [status, ("/proc/sys/kernel/yama/ptrace_scope", value)];
            let answer = probe(&Machine::made_up(&format!("ptrace{value}"), &files, &[]));
            assert_eq!(answer.allowed, allowed, "{value}");
        }
    }
}
