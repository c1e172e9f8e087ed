//! A dump that somebody asked for.

use crate::naming::{Details, Entry, Naming, Reading, never, opens};

/// drivers/tty/sysrq.c, `__handle_sysrq`: `sysrq: Show State`, before 4.20 `SysRq : Show State`. A note.
pub static ENTRY: Entry = Entry {
    name: "sysrq",
    meaning: "somebody asked the kernel for this dump with the SysRq key or /proc/sysrq-trigger",
    crash: false,
    anchors: &["sysrq: ", "SysRq : "],
    starts: |text| {
        command(text).is_some_and(|what| WORDS.iter().any(|word| what.starts_with(word)))
    },
    folds: never,
    describe: |reading: &Reading<'_>| {
        Naming::plain(format!(
            "sysrq: {}",
            command(reading.head()).unwrap_or_default()
        ))
    },
    details,
};

/// The commands that dump something (drivers/tty/sysrq.c, `action_msg`).
const WORDS: &[&str] = &[
    "Show ",
    "Trigger a crash",
    "Dump ",
    "HELP :",
    "Changing Loglevel",
];

fn command(text: &str) -> Option<&str> {
    if opens(text, "sysrq: ") {
        return text
            .split_once("sysrq: ")
            .map(|(_, what)| what.trim_start_matches("SysRq : "));
    }
    opens(text, "SysRq : ").then(|| text.split_once("SysRq : ").map(|(_, what)| what))?
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let blocked = reading
        .lines
        .iter()
        .filter(|line| line.text.trim_start().starts_with("task:"))
        .take(512);
    for line in blocked {
        details.push(base::Detail {
            name: "task".to_owned(),
            value: line.text.trim().to_owned(),
            line: line.number,
        });
    }
}
