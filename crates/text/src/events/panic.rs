//! The kernel gave up: `panic()` without another report before it.

use crate::naming::{Details, Entry, Naming, Reading, into_crash, says};
use crate::plumbing::Names;
use crate::stack::{Choice, Recipe};

/// kernel/panic.c, `panic`.
pub static ENTRY: Entry = Entry {
    name: "panic",
    meaning: "the kernel stopped the machine on purpose",
    crash: true,
    anchors: &["Kernel panic - "],
    starts: |text| says(text, "Kernel panic - not syncing"),
    folds: into_crash,
    describe,
    details,
};

const MARK: &str = "Kernel panic - not syncing: ";

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head_from("Kernel panic");
    let Some(what) = head.strip_prefix(MARK) else {
        return Naming::plain(head.to_owned()).class("DoS");
    };
    let named =
        if let Some(place) = what.strip_prefix("stack-protector: Kernel stack is corrupted in: ") {
            match crate::frames::symbol(place) {
                Some(symbol) if symbol.offset.is_some() || symbol.name.contains('.') => {
                    let name = symbol.name.split('.').next().unwrap_or_default();
                    Naming::plain(format!("kernel panic: stack is corrupted in {name}"))
                }
                _ => {
                    let recipe = Recipe::TRACE.skipping(Names::containing(&["stack_chk"]));
                    Naming::located(
                        "kernel panic: stack is corrupted",
                        reading.responsible(&recipe),
                    )
                }
            }
        } else if what.starts_with("corrupted stack end detected inside scheduler") {
            let recipe = Recipe::TRACE
                .skipping(Names::containing(&["schedule", "retint_kernel"]))
                .choosing(Choice::BeforeDispatch);
            Naming::located(
                "kernel panic: corrupted stack end",
                reading.responsible(&recipe),
            )
            .also("stack-overflow")
        } else if what.starts_with("Attempted to kill init!") {
            Naming::with_stack("kernel panic: Attempted to kill init!")
        } else if what.starts_with("Couldn't open N_TTY ldisc for ") {
            Naming::with_stack("kernel panic: Couldn't open N_TTY ldisc")
        } else {
            // These end another report; alone they show that it is missing.
            let ends = [
                "Fatal exception",
                "panic_on_warn set",
                "hung_task: blocked tasks",
            ];
            match ends.into_iter().find(|end| what.starts_with(end)) {
                Some(end) => Naming::plain(format!("kernel panic: {end}"))
                    .untrusted("the report that led to the panic is missing"),
                None => Naming::with_stack(format!("kernel panic: {what}")),
            }
        };
    named.class("DoS")
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    if let Some(message) = reading.after(MARK) {
        let line = reading.lines.first().map_or(0, |line| line.number);
        details.push(base::Detail {
            name: "message".to_owned(),
            value: message.to_owned(),
            line,
        });
    }
}
