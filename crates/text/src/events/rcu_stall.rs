//! RCU waited too long for a CPU or a task.

use crate::Line;
use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::plumbing::Names;
use crate::stack::{Choice, Recipe, Seen, Step, program_counter, responsible};

/// kernel/rcu/tree_stall.h, `print_other_cpu_stall`, `print_cpu_stall`.
pub static ENTRY: Entry = Entry {
    name: "rcu_stall",
    meaning: "a CPU or task kept RCU from finishing a grace period: it looped, or kept interrupts or preemption off",
    crash: true,
    anchors: &["INFO:"],
    starts: |text| {
        FLAVOURS.iter().any(|flavour| {
            text.split_once(flavour).is_some_and(|(_, rest)| {
                let rest = rest.strip_prefix(' ').unwrap_or(rest);
                let rest = rest.strip_prefix("self-").unwrap_or(rest);
                rest.starts_with("detected stall") || rest.starts_with("detected expedited stall")
            })
        }) && says(text, "INFO: rcu_")
    },
    folds: never,
    describe,
    details,
};

const FLAVOURS: &[&str] = &[
    "INFO: rcu_preempt",
    "INFO: rcu_sched",
    "INFO: rcu_bh",
    "INFO: rcu_tasks",
];

/// The interrupt that printed the report stands on the stack of the stalled code.
const INTERRUPTED: Recipe = Recipe {
    steps: &[Step::Seek(timer), Step::Seek(program_counter), Step::Trace],
    or: &[Step::Seek(interrupt), Step::Trace],
    skip: Names::containing(&["apic_timer_interrupt", "rcu"]),
    choose: Choice::BeforeDispatch,
};

fn timer(text: &str) -> Seen<'_> {
    if text.contains("apic_timer_interrupt") {
        Seen::Here
    } else {
        Seen::No
    }
}

fn interrupt(text: &str) -> Seen<'_> {
    let known = ["apic_timer_interrupt", "Exception stack", "el1h_64_irq"];
    if known.iter().any(|mark| text.contains(mark)) {
        Seen::Here
    } else {
        Seen::No
    }
}

/// Registers and stack of the code that runs, without the interrupt above it.
const RUNNING: Recipe = Recipe::FAULT
    .skipping(Names::containing(&["rcu"]))
    .choosing(Choice::BeforeDispatch);

/// A task that sleeps inside a read side section.
const ASLEEP: Recipe = Recipe::TRACE
    .skipping(Names::containing(&["rcu"]))
    .choosing(Choice::CallerOfWait);

fn describe(reading: &Reading<'_>) -> Naming {
    let function = reading
        .responsible(&INTERRUPTED)
        .or_else(|| responsible(stalled(reading)?, &RUNNING))
        .or_else(|| {
            let blocked = reading.behind(|text| text.contains("Tasks blocked on level-"))?;
            responsible(blocked, &ASLEEP)
        });
    Naming::located("INFO: rcu detected stall", function)
        .also("stall")
        .class("HANG")
}

/// The lines that show a CPU which is itself reported as stalled: the CPU
/// that found it out prints its own registers at once, another one by NMI.
fn stalled<'a>(reading: &Reading<'a>) -> Option<&'a [Line]> {
    if reading.head().contains("self-detected") {
        let counter = |line: &Line| matches!(program_counter(&line.text), Seen::Function(_));
        let registers = reading.lines.iter().position(counter)?;
        let before = reading.lines.get(..registers)?;
        let above = before.iter().any(|line| line.opens_stack);
        return if above {
            None
        } else {
            reading.lines.get(registers..)
        };
    }
    let cpus: Vec<&str> = reading
        .lines
        .iter()
        .filter(|line| line.text.contains("ticks this GP") || line.text.contains("GPs behind"))
        .filter_map(|line| {
            line.text
                .trim_start()
                .trim_start_matches("rcu:")
                .trim_start()
                .split('-')
                .next()
        })
        .collect();
    let of_stalled = |text: &str| {
        text.split_once("NMI backtrace for cpu ")
            .is_some_and(|(_, rest)| cpus.contains(&rest.split(' ').next().unwrap_or_default()))
    };
    reading.behind(of_stalled)
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    for line in reading.lines.iter().take(24) {
        let text = line.text.trim();
        let name = if text.contains("ticks this GP") || text.contains("GPs behind") {
            "stalled CPU"
        } else if text.starts_with("Tasks blocked on") {
            "blocked tasks"
        } else if text.starts_with("(detected by") || text.starts_with("(t=") {
            "detected"
        } else if text.contains("kthread starved for") {
            "starved"
        } else {
            continue;
        };
        details.push(base::Detail {
            name: name.to_owned(),
            value: text.to_owned(),
            line: line.number,
        });
    }
}
