//! What is read from dumps alone against what drgn reads from them with vmlinux: tasks, every stack frame by
//! frame, modules, CPUs, and the log.

use super::needs::{self, Need};
use super::python_drgn::{check, modules_of, python};
use super::{Counts, Outcome, Suite, cargo, root};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

pub(super) static ENTRY: Suite = Suite {
    name: "drgn",
    help: "tasks, stacks, modules and logs of dumps agree with what drgn makes of them; damaged ones end",
    needs: &[needs::LAB, &[Need::new("python3", "python3 python3-venv")]],
    run,
};

/// A specimen, and what must be on the stack of a task that runs, the innermost function first, between others.
struct Specimen {
    name: &'static str,
    running: &'static [&'static str],
}

const fn specimen(name: &'static str, running: &'static [&'static str]) -> Specimen {
    Specimen { name, running }
}

/// A kernel that panicked, one that lived on, one without a VMCOREINFO note, one with tasks that wait for each other;
/// panics on other stacks than the task's: of a timer's interrupt, of an NMI, and of a fault in an interrupt; and one
/// that dumped itself.
const SPECIMENS: &[Specimen] = &[
    specimen(
        "dump-panic",
        &["panic", "customer_discount", "order_price", "vfs_write"],
    ),
    specimen("dump-survived", &[]),
    specimen("dump-bare", &[]),
    specimen("dump-aggr", &[]),
    specimen(
        "dump-lockup",
        &[
            "panic",
            "hrtimer_interrupt",
            "drum_wait",
            "drum_turn",
            "vfs_write",
        ],
    ),
    specimen(
        "dump-nmi",
        &[
            "panic",
            "exc_nmi",
            "pump_wait_for_pressure",
            "pump_start",
            "vfs_write",
        ],
    ),
    specimen(
        "dump-irq",
        &[
            "panic",
            "port_errors",
            "modem_watch",
            "run_timer_softirq",
            "do_idle",
        ],
    ),
    specimen(
        "dump-kexec",
        &["customer_discount", "order_price", "vfs_write"],
    ),
];

/// The dumps that specimens leave, and others of the same moment, of which the first is one that drgn reads.
const DUMPS: &[(&str, &[&str])] = &[
    ("vmcore.elf", &["vmcore.elf"]),
    ("vmcore.zlib", &["vmcore.zlib"]),
    ("vmcore.lzo", &["vmcore.lzo"]),
    ("vmcore.flat", &["vmcore.elf", "vmcore.zlib"]),
];

fn run() -> Result<Outcome> {
    let python = python()?;
    let mut arguments = vec!["--vmlinux".to_owned()];
    arguments.extend(SPECIMENS.iter().map(|specimen| specimen.name.to_owned()));
    crate::lab::run(&arguments)?;
    let mut counts = Counts::default();
    for Specimen { name, running } in SPECIMENS {
        let folder = root()?.join("target/lab").join(name);
        for (dump, same) in DUMPS {
            if !folder.join(dump).exists() {
                continue;
            }
            let mut same = same.iter().filter(|same| folder.join(same).exists());
            let same = same.next().context("there is no dump for drgn")?;
            println!("{name}/{dump}:");
            let agree = compare(&python, &folder, dump, same)?;
            let facts = std::fs::read_to_string(folder.join("facts.json"))?;
            let whole = crosses(&serde_json::from_str(&facts)?, running)?;
            if agree && whole {
                counts.passed += 1;
            } else {
                counts.failed += 1;
            }
        }
    }
    let dump = root()?.join("target/lab/dump-panic/vmcore.elf");
    // Five rounds of each rarity; single pages are the test's.
    check(example("torture")?.arg(dump).arg("25"))?;
    counts.passed += 1;
    let damaged = ["test", "--release", "-p", "os", "--test", "damage"];
    counts.add(cargo::count(&damaged)?);
    Ok(Outcome::Ran(counts))
}

/// A program among the examples of the crate that reads dumps.
pub(super) fn example(name: &str) -> Result<Command> {
    let arguments = [
        "run",
        "--quiet",
        "--release",
        "-p",
        "os",
        "--example",
        name,
        "--",
    ];
    cargo::command(&arguments)
}

/// Whether both agree on a dump; the script prints in what they do not.
fn compare(python: &Path, folder: &Path, dump: &str, same: &str) -> Result<bool> {
    let facts = example("facts")?.arg(folder.join(dump)).output();
    let facts = facts.context("reading the dump")?;
    if !facts.status.success() {
        bail!(
            "reading the dump: {}",
            String::from_utf8_lossy(&facts.stderr)
        );
    }
    let file = folder.join("facts.json");
    std::fs::write(&file, &facts.stdout)?;
    let mut command = Command::new(python);
    command.arg(root()?.join("lab/drgn/compare.py")).arg(file);
    command.arg(folder.join(same)).arg(folder.join("vmlinux"));
    command.args(modules_of(folder)?);
    Ok(command.status().context("running drgn")?.success())
}

/// Whether the stack of a task that ran has these functions in this order, and no frame of it is a guess. Both could
/// agree and stop short of them.
fn crosses(facts: &Value, functions: &[&str]) -> Result<bool> {
    let tasks = facts.get("tasks").and_then(Value::as_array);
    let tasks = tasks.context("there are no tasks among the facts")?;
    let ran = tasks
        .iter()
        .filter(|task| task.get("cpu").is_some_and(Value::is_u64));
    let stacks: Vec<_> = ran
        .filter_map(|task| task.get("stack")?.as_array())
        .collect();
    let goes = |stack: &Vec<Value>| {
        let part = |frame: &Value, at: usize| frame.get(at).cloned().unwrap_or_default();
        let sure = stack
            .iter()
            .all(|frame| part(frame, 4) == Value::Bool(false));
        let mut names = stack.iter().map(|frame| part(frame, 1));
        sure && functions
            .iter()
            .all(|wanted| names.any(|name| name == *wanted))
    };
    let found = functions.is_empty() || stacks.iter().any(|stack| goes(stack));
    if !found {
        println!(
            "no task that ran has all of this on its stack: {}",
            functions.join(" ")
        );
    }
    Ok(found)
}

#[cfg(test)]
mod stacks {
    use super::*;
    use serde_json::json;

    #[test]
    fn functions_stand_in_order_on_one_stack() {
        let frame = |name: &str, guess: bool| json!([1, name, "", "", guess]);
        let tasks = |guess| {
            json!({"tasks": [
                {"cpu": null, "stack": [frame("c", false)]},
                {"cpu": 1, "stack": "no registers"},
                {"cpu": 0, "stack": [frame("a", false), frame("x", false), frame("b", guess)]},
            ]})
        };
        let goes = |guess, functions: &[&str]| crosses(&tasks(guess), functions).unwrap();
        assert!(goes(false, &["a", "b"]) && goes(true, &[]));
        assert!(!goes(false, &["b", "a"]) && !goes(false, &["c"]) && !goes(true, &["a", "b"]));
    }
}
