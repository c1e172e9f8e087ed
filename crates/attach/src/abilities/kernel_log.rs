//! Reading the running kernel's log.

use super::machine::Capability;
use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "live kernel log",
    purpose: "why /dev/kmsg: explain what this kernel printed, and follow it",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let restricted = match machine.number("/proc/sys/kernel/dmesg_restrict") {
        Some(0) => "dmesg_restrict is 0: every user may",
        Some(_) => "dmesg_restrict is 1: only with CAP_SYSLOG",
        None => "dmesg_restrict is unknown",
    };
    match machine.opens("/dev/kmsg") {
        Ok(()) => Answer::yes(format!("/dev/kmsg opens; {restricted}")),
        Err(error) => Answer::no(
            format!("/dev/kmsg does not open ({error}); {restricted}"),
            if machine.may(Capability::Syslog) || !machine.exists("/dev/kmsg") {
                "outside of a container the device exists; 'journalctl -k | why -' reads the journal"
            } else {
                "sudo why /dev/kmsg, or 'dmesg | why -' where dmesg is allowed"
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn a_log_that_opens_is_allowed() {
        let files = [
            ("/dev/kmsg", ""),
            ("/proc/sys/kernel/dmesg_restrict", "0\n"),
        ];
        let answer = probe(&Machine::made_up("kmsg", &files, &[]));
        assert_eq!(answer.allowed, Allowed::Yes);
        assert!(answer.found.contains("every user"));
    }
}
