//! Whether a process that dies leaves a core file, and where.

use super::{Answer, Entry, Machine};

pub(super) static ENTRY: Entry = Entry {
    name: "core files",
    purpose: "the memory of a process that died",
    probe,
};

fn probe(machine: &Machine) -> Answer {
    let Some(pattern) = machine.read("/proc/sys/kernel/core_pattern") else {
        return Answer::no(
            "/proc/sys/kernel/core_pattern cannot be read",
            "mount /proc",
        );
    };
    if let Some(handler) = pattern.strip_prefix('|') {
        let program = handler.split(' ').next().unwrap_or_default();
        return Answer::yes(if program.ends_with("systemd-coredump") {
            "systemd-coredump keeps them: coredumpctl list".to_owned()
        } else {
            format!("they are piped to {program}")
        });
    }
    if pattern.is_empty() {
        return Answer::no(
            "core_pattern is empty: none is written",
            "sysctl kernel.core_pattern=core.%e.%p",
        );
    }
    let limit = machine.read("/proc/self/limits").and_then(|limits| {
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max core file size"))?;
        line.split_ascii_whitespace().next().map(str::to_owned)
    });
    match limit.as_deref() {
        Some("0") => Answer::no(
            format!("core_pattern is '{pattern}', and the limit of this shell is 0"),
            "ulimit -c unlimited, before the program is started",
        ),
        Some(limit) => Answer::yes(format!("written to '{pattern}', at most {limit} bytes")),
        None => Answer::partly(
            format!("written to '{pattern}'; the limit is unknown"),
            "ulimit -c unlimited, before the program is started",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allowed;
    use super::*;

    #[test]
    fn the_limit_decides_where_no_handler_does() {
        let limits = "Max core file size        0          unlimited            bytes\n";
        let files = [
            ("/proc/sys/kernel/core_pattern", "core\n"),
            ("/proc/self/limits", limits),
        ];
        let answer = probe(&Machine::made_up("core1", &files, &[]));
        assert_eq!(answer.allowed, Allowed::No);
        let handler = "|/usr/lib/systemd/systemd-coredump %P\n";
        let files = [
            ("/proc/sys/kernel/core_pattern", handler),
            ("/proc/self/limits", limits),
        ];
        let answer = probe(&Machine::made_up("core2", &files, &[]));
        assert_eq!(answer.allowed, Allowed::Yes);
    }
}
