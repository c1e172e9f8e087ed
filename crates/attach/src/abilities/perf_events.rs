//! Counting and sampling events of the CPU and of the kernel.

use super::machine::Capability;
use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "perf events",
    purpose: "sampling stacks and counting events",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let Some(paranoid) = machine.number("/proc/sys/kernel/perf_event_paranoid") else {
        return Answer::no(
            "perf_event_paranoid does not exist: this kernel has no perf events",
            "a kernel with CONFIG_PERF_EVENTS",
        );
    };
    let found = format!("perf_event_paranoid is {paranoid}");
    if machine.may(Capability::SysAdmin) || machine.may(Capability::Perfmon) {
        return Answer::yes(format!("CAP_PERFMON is held; {found}"));
    }
    match paranoid {
        ..=-1 => Answer::yes(format!("{found}: everything, for every user")),
        0 | 1 => Answer::yes(format!("{found}: own processes, in the kernel too")),
        2 => Answer::partly(
            format!("{found}: own processes, outside the kernel only"),
            "sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON",
        ),
        // A patch of Debian and Android.
        _ => Answer::no(
            format!("{found}: nothing without CAP_PERFMON"),
            "sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn the_setting_decides_without_capabilities() {
        for (value, allowed) in [
            ("-1", Allowed::Yes),
            ("1", Allowed::Yes),
            ("2", Allowed::Partly),
            ("3", Allowed::No),
        ] {
            let files = [("/proc/sys/kernel/perf_event_paranoid", value)];
            let answer = probe(&Machine::made_up(&format!("perf{value}"), &files, &[]));
            assert_eq!(answer.allowed, allowed, "{value}");
        }
    }
}
