//! The binary `why`: arguments, verbs and exit codes; nothing clever.
//!
//! One file per verb stands in `verbs/`. Everything that a verb does is done
//! by the crates below; a verb reads targets through `attach`, and what it
//! prints comes from `report`.

mod cli;
mod code;
mod dump;
mod exit;
mod follow;
mod memory;
mod output;
mod parallel;
mod progress;
mod reading;
mod store;
mod table;
mod verbs;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    cli::run(&arguments).into()
}
