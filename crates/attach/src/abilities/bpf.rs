//! Loading BPF programs.

use super::machine::Capability;
use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "BPF programs",
    purpose: "tracing the running kernel without changing it",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let setting = match machine.number("/proc/sys/kernel/unprivileged_bpf_disabled") {
        Some(0) => "unprivileged_bpf_disabled is 0",
        Some(1) => "unprivileged_bpf_disabled is 1 (until reboot)",
        Some(_) => "unprivileged_bpf_disabled is 2",
        None => "unprivileged_bpf_disabled is unknown",
    };
    let root = machine.may(Capability::SysAdmin);
    let loads = root || machine.may(Capability::Bpf);
    let traces = root || machine.may(Capability::Perfmon);
    if machine.confidential() {
        return Answer::no(
            "the kernel is locked down (confidentiality): BPF may not read its memory",
            "boot without lockdown=confidentiality",
        );
    }
    match (loads, traces) {
        (true, true) => Answer::yes(format!("CAP_BPF and CAP_PERFMON are held; {setting}")),
        (true, false) => Answer::partly(
            format!("CAP_BPF is held, CAP_PERFMON is not; {setting}"),
            "add CAP_PERFMON, or run as root",
        ),
        (false, _) => Answer::no(
            format!("CAP_BPF is not held; {setting}"),
            "run as root, or with CAP_BPF and CAP_PERFMON: programs that trace need both",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    fn with_capabilities(name: &str, set: u64) -> Answer {
        let status = format!("Name:\twhy\nCapEff:\t{set:016x}\n");
        probe(&Machine::made_up(
            name,
            &[("/proc/self/status", &status)],
            &[],
        ))
    }

    #[test]
    fn capabilities_decide() {
        assert_eq!(with_capabilities("bpf1", 0).allowed, Allowed::No);
        assert_eq!(with_capabilities("bpf2", 1 << 39).allowed, Allowed::Partly);
        assert_eq!(
            with_capabilities("bpf3", 1 << 39 | 1 << 38).allowed,
            Allowed::Yes
        );
        assert_eq!(with_capabilities("bpf4", 1 << 21).allowed, Allowed::Yes);
    }
}
