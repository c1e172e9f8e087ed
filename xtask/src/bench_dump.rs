//! What the questions that are asked of every dump cost, side by side with drgn (PyPI) and Debian's crash: one run
//! of each in turn, so that a machine that is slow for a while is so for all.

use crate::tests::{cargo, needs, python_drgn, root};
use anyhow::{Context, Result, bail};
use needs::Need;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const HELP: &str = "usage: cargo xtask bench-dump [--rounds N] [SPECIMEN...]

  SPECIMEN...   specimens that leave a vmcore.elf, made if it is not there; dump-panic and dump-threads without
  --rounds N    how often each program is run, after one run that is not counted (3)

Whole processes that know nothing, over a dump that is in memory already: all tasks, all frames of their stacks
with names; then a word in all memory.";

const SPECIMENS: [&str; 2] = ["dump-panic", "dump-threads"];

/// What crash is asked for.
const CRASH: &str = "set scroll off\nforeach bt\nquit\n";

/// A program that is measured.
struct Rival {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Option<(&'static str, PathBuf)>,
}

/// Measures.
pub fn run(arguments: &[String]) -> Result<()> {
    let (mut rounds, mut names) = (3, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => {
                println!("{HELP}");
                return Ok(());
            }
            "--rounds" => rounds = words.next().context("--rounds takes a number")?.parse()?,
            name if !name.starts_with('-') => names.push(name),
            other => bail!("unknown option '{other}'\n{HELP}"),
        }
    }
    if names.is_empty() {
        names.extend(SPECIMENS);
    }
    let crash = Need::new("crash", "crash");
    needs::install(&[&crash]);
    needs::check([&crash])?;
    let python = python_drgn::python()?;
    let (stacks, search) = (bench("os", "stacks")?, bench("image", "words")?);
    for name in names {
        let folder = root()?.join("target/lab").join(name);
        let has = |file: &str| folder.join(file).exists();
        if !has("vmcore.elf") || !has("vmlinux") {
            crate::lab::run(&["--vmlinux".to_owned(), name.to_owned()])?;
        }
        println!("\n{name}: all stacks");
        measure(&rivals(&folder, &stacks, &python, "stacks")?, rounds)?;
        println!("\n{name}: a word in all memory");
        measure(&rivals(&folder, &search, &python, "search")?, rounds)?;
    }
    Ok(())
}

/// Us, drgn, and crash where it is asked for stacks.
fn rivals(folder: &Path, ours: &Path, python: &Path, what: &str) -> Result<Vec<Rival>> {
    let (dump, vmlinux) = (folder.join("vmcore.elf"), folder.join("vmlinux"));
    let mut drgn = vec![
        root()?.join("lab/drgn/stacks.py").into(),
        what.into(),
        dump.clone().into(),
        vmlinux.clone().into(),
    ];
    let modules = python_drgn::modules_of(folder)?;
    drgn.extend(modules.into_iter().map(OsString::from));
    let mut rivals = vec![
        Rival {
            name: "ours",
            program: ours.to_owned(),
            arguments: vec!["--bench".into()],
            environment: Some(("WHY_DUMP", dump.clone())),
        },
        Rival {
            name: "drgn",
            program: python.to_owned(),
            arguments: drgn,
            environment: None,
        },
    ];
    if what == "stacks" {
        let script = folder.join("crash.txt");
        std::fs::write(&script, CRASH)?;
        rivals.push(Rival {
            name: "crash",
            program: "crash".into(),
            arguments: vec![
                "-s".into(),
                "-i".into(),
                script.into(),
                vmlinux.into(),
                dump.into(),
            ],
            environment: None,
        });
    }
    Ok(rivals)
}

fn measure(rivals: &[Rival], rounds: usize) -> Result<()> {
    let mut times = vec![Vec::new(); rivals.len()];
    let mut told = vec![String::new(); rivals.len()];
    for round in 0..=rounds {
        for ((rival, times), told) in rivals.iter().zip(&mut times).zip(&mut told) {
            let mut command = Command::new(&rival.program);
            command.args(&rival.arguments).stdin(Stdio::null());
            command.envs(rival.environment.clone());
            let start = Instant::now();
            let result = command.output();
            let took = start.elapsed().as_secs_f64();
            let result = result.with_context(|| format!("running {}", rival.name))?;
            let text = String::from_utf8_lossy(&result.stdout).into_owned();
            // Crash says of many a dump that it failed and has told what it could.
            if !result.status.success() && rival.name != "crash" {
                bail!(
                    "{}: {}",
                    rival.name,
                    String::from_utf8_lossy(&result.stderr)
                );
            }
            *told = match rival.name {
                "crash" => {
                    let stacks = text.lines().filter(|line| line.starts_with("PID: "));
                    format!("{} tasks\n", stacks.count())
                }
                _ => text,
            };
            // The first run brings the dump into memory.
            if round > 0 {
                times.push(took);
            }
        }
    }
    for ((rival, times), told) in rivals.iter().zip(times).zip(told) {
        println!("  {:<6} {}, whole process", rival.name, spread(times));
        for line in told.lines() {
            println!("         {}", line.trim());
        }
    }
    Ok(())
}

/// The median of some times in seconds (the lower one of two), with the least and the greatest.
fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(f64::NAN);
    let last = times.len().saturating_sub(1);
    format!("{:.3} s ({:.3}–{:.3})", at(last / 2), at(0), at(last))
}

/// Builds a benchmark and says where it is.
fn bench(of: &str, name: &str) -> Result<PathBuf> {
    let mut command = cargo::command(&["bench", "--no-run", "-p", of, "--bench", name])?;
    let result = command.output().context("running cargo")?;
    let told = String::from_utf8_lossy(&result.stderr).into_owned();
    let file = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("Executable ")?.split_once('('));
    let file = file.with_context(|| format!("cargo built no {name}: {told}"))?;
    Ok(root()?.join(file.1.trim_end_matches(')')))
}

#[cfg(test)]
mod times {
    use super::spread;

    #[test]
    fn the_median_stands_between_the_ends() {
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), "2.000 s (1.000–3.000)");
        assert_eq!(spread(vec![]), "NaN s (NaN–NaN)");
    }
}
