//! The kernel gave up, and said why in its panic alone.

use base::{Confidence, Gap, LogEvent, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Panics that no oops in the log precedes.
pub const ENTRY: Detector = Detector {
    name: "panic_without_oops",
    sees: "a panic whose message is all that the log tells",
    needs: "the panic's message",
    false_friends: "a panic that follows from an oops which the log lost",
    nature: |event| (event.kind == "panic").then_some(Nature::Panic),
    explain,
};

/// What a message means.
struct Meaning {
    /// Words of the message.
    says: &'static str,
    /// The verdict; the place is added to one without a full stop.
    verdict: &'static str,
    /// Whether that is the cause.
    named: bool,
    /// What to do.
    next: &'static str,
}

const MEANINGS: &[Meaning] = &[
    Meaning {
        says: "Unable to mount root fs",
        verdict: "The kernel found no root file system to mount.",
        named: true,
        next: "Check root= on the kernel's command line, the driver of the disk, and that the initramfs belongs to this kernel.",
    },
    Meaning {
        says: "No working init found",
        verdict: "The root file system holds no program that the kernel could start as the first process.",
        named: true,
        next: "Check init= on the kernel's command line and the program's interpreter and architecture.",
    },
    Meaning {
        says: "Requested init",
        verdict: "The program named by init= could not be started.",
        named: true,
        next: "Check the path, the permissions and the architecture of the program.",
    },
    Meaning {
        says: "sysrq triggered crash",
        verdict: "Somebody crashed the system on purpose with SysRq c.",
        named: true,
        next: "Nothing is wrong with the kernel; look for who wrote to /proc/sysrq-trigger.",
    },
    Meaning {
        says: "corrupted stack end",
        verdict: "The kernel stack of a task ran out and overwrote its end mark.",
        named: false,
        next: "Look for large variables or deep recursion on the path of the trace; a kernel with CONFIG_VMAP_STACK stops at the place itself.",
    },
    Meaning {
        says: "stack is corrupted",
        verdict: "Something wrote past a variable on the stack: the stack protector's mark was overwritten",
        named: true,
        next: "Look for a copy into a local array in the function that the message names, and its length.",
    },
    Meaning {
        says: "hung_task",
        verdict: "The kernel gave up because a task hung too long (hung_task_panic).",
        named: false,
        next: "The report of the hung task stands before the panic, if the log holds it.",
    },
    Meaning {
        says: "panic_on_warn",
        verdict: "The kernel gave up at a warning (panic_on_warn).",
        named: false,
        next: "The warning stands before the panic, if the log holds it.",
    },
    Meaning {
        says: "Fatal exception",
        verdict: "The kernel gave up after a fatal exception whose report is not in the log.",
        named: false,
        next: "Find the beginning of the log: the oops stands before the panic.",
    },
    Meaning {
        says: "idle task",
        verdict: "The idle task of a CPU died; its own report is not in the log.",
        named: false,
        next: "Find the beginning of the log: the oops stands before the panic.",
    },
    Meaning {
        says: "NMI: Not continuing",
        verdict: "The kernel stopped at an interrupt that cannot be masked and that nothing claimed.",
        named: false,
        next: "Look at the board's event log: a button, a watchdog, or a hardware error sent it.",
    },
    Meaning {
        says: "IO-APIC + timer",
        verdict: "The kernel found no timer interrupt that works.",
        named: false,
        next: "Update the firmware, or try the option that the message names.",
    },
];

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "panic" {
        return None;
    }
    let message = message(event);
    if clues::says(message, "attempted to kill init") {
        return Some(init(event, message));
    }
    let draft = Draft::new(event).call_path(event);
    let Some(known) = MEANINGS
        .iter()
        .find(|known| clues::says(message, known.says))
    else {
        return Some(
            draft
                .verdict(format!(
                    "The kernel gave up{}: \"{}\".",
                    clues::in_place(event),
                    message.trim_end_matches('.')
                ))
                .confidence(Confidence::Low)
                .gap(
                    Gap::new("what led to the panic", "the log holds no report before it")
                        .supply("the lines before the panic"),
                ),
        );
    };
    let verdict = match known.verdict.strip_suffix('.') {
        Some(_) => known.verdict.to_owned(),
        None => format!("{}{}.", known.verdict, clues::in_place(event)),
    };
    let draft = draft.verdict(verdict).next(known.next);
    Some(if known.named {
        draft.cause_named(Confidence::Medium)
    } else {
        draft.confidence(Confidence::Medium)
    })
}

fn message(event: &LogEvent) -> &str {
    event
        .panic
        .as_deref()
        .or_else(|| event.detail("message"))
        .unwrap_or(&event.headline)
}

/// The first process ended: its exit code tells how.
fn init(event: &LogEvent, message: &str) -> Draft {
    let code = message.split_once("exitcode=0x").and_then(|(_, digits)| {
        u32::from_str_radix(digits.get(..8).unwrap_or(digits).trim(), 16).ok()
    });
    let how = match code {
        Some(code) if code & 0x7f != 0 => format!("signal {} killed it", code & 0x7f),
        Some(code) => format!("it ended by itself with status {}", (code >> 8) & 0xff),
        None => "the message does not say how".to_owned(),
    };
    let mut draft = Draft::new(event)
        .verdict(format!("The first process (init) died, and no system runs without it: {how}."))
        .confidence(Confidence::High)
        .call_path(event)
        .gap(
            Gap::new("why init ended", "the kernel sees only that it did")
                .supply("the output of init itself, or its core file"),
        )
        .next("Check the initramfs and the libraries and interpreter of init on the root file system.");
    if let Some(code) = code {
        draft = draft.says(
            format!("The exit code {code:#010x} means that {how}"),
            Trust::Computed,
            None,
        );
    }
    draft
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding};

    fn told(message: &str) -> base::Finding {
        let mut panic = event("panic", 1);
        panic.panic = Some(message.into());
        finding(panic)
    }

    #[test]
    fn known_messages_are_explained() {
        assert!(told("VFS: Unable to mount root fs on unknown-block(0,0)").cause_named);
        assert!(!told("Fatal exception in interrupt").cause_named);
        assert!(told("out of coffee").verdict.contains("\"out of coffee\""));
    }

    #[test]
    fn the_exit_code_of_init_is_read() {
        assert!(
            told("Attempted to kill init! exitcode=0x0000000b")
                .verdict
                .contains("signal 11 killed it")
        );
        assert!(
            told("Attempted to kill init! exitcode=0x00000100")
                .verdict
                .contains("with status 1")
        );
    }
}
