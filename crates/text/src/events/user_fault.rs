//! A user process died of a fault of its own.

use crate::naming::{Details, Entry, Naming, Reading, never, says};

/// arch/x86/mm/fault.c `show_signal_msg`, arch/x86/kernel/traps.c `show_signal`,
/// arch/arm64/kernel/traps.c `arm64_show_signal` (`unhandled exception`). A note.
pub static ENTRY: Entry = Entry {
    name: "user_fault",
    meaning: "a user process accessed memory that it may not, and was killed by a signal",
    crash: false,
    anchors: &[
        " segfault at ",
        "traps: ",
        "unhandled exception: ",
        "unhandled signal ",
    ],
    starts: |text| {
        text.contains("]: segfault at ") && text.contains(" ip ")
            || says(text, "traps: ") && text.contains(" ip:") && text.contains(" sp:")
            || text.contains("]: unhandled exception: ")
            || text.contains("]: unhandled signal ")
            || text.contains("]: bad frame in ")
    },
    folds: never,
    describe: |reading: &Reading<'_>| {
        let head = reading.head();
        let what = if head.contains(" segfault at ") {
            "segfault"
        } else if head.contains("general protection") {
            "general protection fault"
        } else if head.contains("invalid opcode") {
            "invalid opcode"
        } else if head.contains("divide error") {
            "divide error"
        } else {
            "unhandled fault"
        };
        match process(head) {
            Some(comm) => Naming::plain(format!("{what} in {comm}")),
            None => Naming::plain(format!("{what} in a user process")),
        }
    },
    details,
};

/// The name in `comm[123]: …` or `traps: comm[123] …`; a comm may hold anything.
fn process(head: &str) -> Option<&str> {
    let head = head.trim_start().strip_prefix("traps: ").unwrap_or(head);
    let (comm, rest) = head
        .rsplit_once('[')
        .filter(|(_, rest)| is_pid(rest))
        .or_else(|| {
            let end = head.find("]: ").or_else(|| head.find("] "))?;
            head.get(..end + 1)?.rsplit_once('[')
        })?;
    is_pid(rest).then(|| comm.trim())
}

fn is_pid(text: &str) -> bool {
    text.split_once(']')
        .is_some_and(|(pid, _)| !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()))
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let Some(line) = reading.lines.first() else {
        return;
    };
    let text = line.text.trim();
    details.push(base::Detail {
        name: "fault".to_owned(),
        value: text.to_owned(),
        line: line.number,
    });
    if let Some((_, object)) = text.rsplit_once(" in ") {
        // 5.16: "likely on CPU 1 (core 1, socket 0)".
        let object = object.split(" likely on CPU").next().unwrap_or(object);
        details.push(base::Detail {
            name: "object".to_owned(),
            value: object.to_owned(),
            line: line.number,
        });
    }
}
