//! The locks that the tasks of a dump hold, by their code: `cargo run --release -p os --example held vmcore`.
//! Tasks with equal answers are told once. `--all` tells what is not certain too.
#![allow(clippy::print_stdout, reason = "an example is its own renderer")]
#![allow(clippy::unwrap_used, reason = "a program of the laboratory")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use base::VirtAddr;
use code::held::Had;
use debuginfo::Store;
use os::linux::{Kernel, Task};

fn told(kernel: &Kernel<'_>, stack: &unwind::Stack, had: &Had) -> String {
    let name = |address: u64| {
        let name = kernel.name(VirtAddr(address));
        name.map_or_else(|| format!("{address:#x}"), |name| name.to_string())
    };
    let frame = stack.frames.get(had.frame).unwrap();
    let frame = kernel.frame_name(frame).map(|name| name.to_string());
    let lock = match had.address {
        Ok(address) => {
            let word = kernel.space().u64(VirtAddr(address));
            let word = word.map_or_else(|error| error.to_string(), |word| format!("{word:#x}"));
            format!("{} (first word {word})", name(address))
        }
        Err(why) => format!("({why})"),
    };
    let through: Vec<_> = had.through.iter().map(|at| name(*at)).collect();
    format!(
        "{}{} {:?} {lock}{} at {}{} in frame {} {}",
        if had.certain { "" } else { "maybe " },
        had.kind,
        had.mode,
        if had.is_inferred { " (inferred)" } else { "" },
        name(had.taken_at),
        if through.is_empty() {
            String::new()
        } else {
            format!(" through {}", through.join(", "))
        },
        had.frame,
        frame.unwrap_or_default(),
    )
}

fn main() {
    let (mut path, mut all) = (None, false);
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--all") => all = true,
            _ => path = Some(PathBuf::from(argument)),
        }
    }
    let file = std::fs::File::open(path.unwrap()).unwrap();
    // SAFETY: nobody writes to the dump of a laboratory.
    #[allow(unsafe_code, reason = "a mapping is a dump that nobody has to copy")]
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let image = image::Image::open(Box::new(map)).unwrap();
    let store = Store::new();
    let kernel = Kernel::open(&image, &store).unwrap().value;
    let tasks = kernel.tasks().value;
    let stacks: Vec<_> = tasks.iter().map(|task| kernel.stack(task)).collect();
    let start = Instant::now();
    let holdings = kernel.holdings().unwrap();
    let made = start.elapsed();
    let held: Vec<Vec<Had>> = tasks
        .iter()
        .zip(&stacks)
        .map(|(task, stack)| match stack {
            Ok(stack) => kernel.held_by(&holdings, task, stack),
            Err(_) => Vec::new(),
        })
        .collect();
    let took = start.elapsed();
    let mut frames = std::collections::BTreeSet::new();
    for stack in stacks.iter().flatten() {
        frames.extend(stack.frames.iter().map(|frame| (frame.pc, frame.is_exact)));
    }
    println!(
        "{} tasks, {} places in code, names {:.1} ms, in all {:.1} ms",
        tasks.len(),
        frames.len(),
        made.as_secs_f64() * 1e3,
        took.as_secs_f64() * 1e3
    );
    let gaps = frames.iter().flat_map(|(pc, exact)| {
        let held = holdings.at(pc.0, *exact);
        let name = kernel.name(*pc).map(|name| name.to_string());
        let name = name.unwrap_or_default();
        let told = held
            .gaps
            .iter()
            .map(|gap| format!("  gap: {name}: {}: {}", gap.what, gap.why));
        told.collect::<Vec<_>>()
    });
    gaps.for_each(|gap| println!("{gap}"));
    let mut groups: BTreeMap<Vec<String>, Vec<&Task>> = BTreeMap::new();
    for ((task, stack), had) in tasks.iter().zip(&stacks).zip(&held) {
        let Ok(stack) = stack else { continue };
        let lines: Vec<String> = had
            .iter()
            .filter(|had| all || had.certain)
            .map(|had| told(&kernel, stack, had))
            .collect();
        if !lines.is_empty() {
            groups.entry(lines).or_default().push(task);
        }
    }
    for (lines, tasks) in groups {
        let names: Vec<String> = tasks
            .iter()
            .take(6)
            .map(|task| {
                format!(
                    "{} {} {} {}",
                    task.pid,
                    task.comm,
                    task.letter(),
                    task.address
                )
            })
            .collect();
        println!("{} of {}", names.join(", "), tasks.len());
        lines.iter().for_each(|line| println!("    {line}"));
    }
}
