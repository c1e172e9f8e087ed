//! Project chores. `cargo xtask` lists them; each chore is one module.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who runs it"
)]

mod bench_dump;
mod lab;
mod tests;
mod tidy;

use std::process::ExitCode;

/// One chore: its word on the command line, what it does, and the function.
struct Chore {
    name: &'static str,
    help: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

/// Every chore there is; the help text is this list.
const CHORES: &[Chore] = &[
    Chore {
        name: "test",
        help: "run every test; as root installs the Debian packages they need first",
        run: tests::run,
    },
    Chore {
        name: "tidy",
        help: "check the rules of the house (docs/architecture.md) over the whole tree",
        run: tidy::run,
    },
    Chore {
        name: "lab",
        help: "run specimens in virtual machines and keep what they print",
        run: lab::run,
    },
    Chore {
        name: "bench-dump",
        help: "what dumps of the laboratory cost, side by side with drgn and crash",
        run: bench_dump::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print_help();
        return ExitCode::from(2);
    };
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        eprintln!("xtask: there is no chore '{name}'");
        print_help();
        return ExitCode::from(2);
    };
    match (chore.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_help() {
    eprintln!("usage: cargo xtask CHORE\n");
    for chore in CHORES {
        eprintln!("  {:<10} {}", chore.name, chore.help);
    }
}
