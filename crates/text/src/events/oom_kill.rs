//! The kernel ran out of memory and killed a process.

use crate::naming::{Details, Entry, Naming, Reading, opens, says};

/// mm/oom_kill.c, `dump_header`, `oom_kill_process`. A note: the kernel did what it should.
pub static ENTRY: Entry = Entry {
    name: "oom_kill",
    meaning: "memory ran out, of the machine or of a control group, and the kernel killed a process to get some back",
    crash: false,
    anchors: &[
        "invoked oom-killer",
        "Out of memory: ",
        "Memory cgroup out of memory",
    ],
    starts: |text| {
        says(text, "invoked oom-killer")
            || opens(text, "Out of memory: ")
            || opens(text, "Memory cgroup out of memory")
    },
    folds: |text, open| open.kind == "oom_kill" && !text.contains("invoked oom-killer"),
    describe,
    details,
};

/// `Killed process 93 (leaky) total-vm:…`: the name by which the same kill is known again.
fn describe(reading: &Reading<'_>) -> Naming {
    let victim = reading.first(|text| {
        let (_, rest) = text
            .split_once("Kill")
            .filter(|_| text.contains(" process "))?;
        let (_, rest) = rest.split_once('(')?;
        rest.split_once(')').map(|(comm, _)| comm)
    });
    match victim {
        Some(comm) => Naming::plain(format!("out of memory: killed {comm}")),
        None => Naming::plain("out of memory"),
    }
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    for line in reading.lines {
        let text = line.text.trim();
        let name = if text.contains("invoked oom-killer") {
            "asked by"
        } else if text.starts_with("oom-kill:") {
            "constraint"
        } else if opens(text, "Out of memory: ") || opens(text, "Memory cgroup out of memory") {
            "killed"
        } else if text.starts_with("oom_reaper: ") {
            "reaped"
        } else if text.starts_with("memory: usage ") {
            "group"
        } else {
            continue;
        };
        if details.len() < 32 {
            details.push(base::Detail {
                name: name.to_owned(),
                value: text.to_owned(),
                line: line.number,
            });
        }
    }
}
