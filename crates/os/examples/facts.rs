//! What a dump tells, as JSON: for `lab/drgn/compare.py`, which holds it against what drgn says.
#![allow(clippy::print_stdout, reason = "an example is its own renderer")]
#![allow(clippy::unwrap_used, reason = "a program of the laboratory")]

use std::path::PathBuf;
use std::time::Instant;

use debuginfo::Store;
use os::linux::Kernel;
use serde_json::{Value, json};

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().unwrap());
    let started = Instant::now();
    let file = std::fs::File::open(path).unwrap();
    // SAFETY: nobody writes to the dump of a laboratory.
    #[allow(unsafe_code, reason = "a mapping is a dump that nobody has to copy")]
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let image = image::Image::open(Box::new(map)).unwrap();
    eprintln_time("image", started);
    let store = Store::new();
    let started = Instant::now();
    let opened = Kernel::open(&image, &store).unwrap();
    let (kernel, mut gaps) = (opened.value, opened.gaps);
    eprintln_time("open", started);
    let started = Instant::now();
    let tasks = kernel.tasks();
    eprintln_time("tasks", started);
    gaps.extend(tasks.gaps.clone());
    let started = Instant::now();
    let stacks: Vec<_> = tasks.value.iter().map(|task| kernel.stack(task)).collect();
    eprintln_time("stacks", started);
    let mut list = Vec::new();
    for (task, stack) in tasks.value.iter().zip(stacks) {
        let frames = stack.as_ref().map_or_else(
            |gap| json!(format!("{}: {}", gap.what, gap.why)),
            |stack| {
                let frame = |frame: &unwind::Frame| {
                    let name = kernel.frame_name(frame);
                    json!([
                        frame.pc.0,
                        name.as_ref().map(|name| name.symbol.clone()),
                        name.as_ref().map(ToString::to_string),
                        frame.rule.words(),
                        frame.is_guess,
                    ])
                };
                Value::Array(stack.frames.iter().map(frame).collect())
            },
        );
        let end = stack.map_or_else(
            |_| String::new(),
            |stack| match stack.end {
                unwind::End::Bottom => "bottom".to_owned(),
                unwind::End::NotRunYet => "not run yet".to_owned(),
                unwind::End::User(_) => "user".to_owned(),
                unwind::End::Lost(why) => format!("lost: {why}"),
            },
        );
        list.push(json!({
            "pid": task.pid, "tgid": task.tgid, "comm": task.comm, "state": task.letter().to_string(),
            "address": task.address.0, "cpu": task.cpu, "stack": frames, "end": end,
        }));
    }
    let modules = kernel.modules();
    gaps.extend(modules.gaps.clone());
    let modules = modules
        .value
        .iter()
        .map(|m| json!([m.name, m.base().0, m.size()]));
    let started = Instant::now();
    let log = kernel.log_text();
    eprintln_time("log", started);
    gaps.extend(log.gaps);
    let current = kernel.cpus().value.iter().map(|cpu| {
        let task = kernel
            .task(cpu.current)
            .map_or(Value::Null, |task| json!(task.pid));
        json!([cpu.number, task, cpu.is_online])
    });
    let (types, more) = kernel
        .all_types()
        .map_or((0, vec![]), |(info, gaps)| (info.objects().count(), gaps));
    gaps.extend(more);
    let facts = json!({
        "found": format!("{:?}", kernel.found()),
        "vmcoreinfo": kernel.vmcoreinfo().ok(),
        "banner": kernel.banner().ok(),
        "tasks": list,
        "modules": modules.collect::<Vec<_>>(),
        "current": current.collect::<Vec<_>>(),
        "panic": kernel.panic_task().and_then(Result::ok).map(|task| task.pid),
        "described": types,
        "log": log.value.lines().collect::<Vec<_>>(),
        "gaps": gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect::<Vec<_>>(),
    });
    println!("{}", serde_json::to_string_pretty(&facts).unwrap());
}

#[allow(clippy::print_stderr, reason = "figures go beside the facts")]
fn eprintln_time(what: &str, started: Instant) {
    eprintln!("{what}: {:.1} ms", started.elapsed().as_secs_f64() * 1000.0);
}
