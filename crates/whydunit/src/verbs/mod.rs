//! The verbs, one file each.

use clap::{ArgMatches, Command};

use crate::exit::Exit;
use crate::output::Output;

/// One verb.
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Adds its arguments to a command.
    pub define: fn(Command) -> Command,
    /// Does it.
    pub run: fn(&ArgMatches, &mut Output) -> Exit,
}

base::registry! {
    /// Every verb, in the order of the help.
    pub static VERBS: [Entry] = [explain, stacks, doctor, completions, man];
}

/// Verbs whose names are reserved for what later versions do.
pub const NOT_YET: [&str; 8] = [
    "shell",
    "check",
    "outliers",
    "scan",
    "trace",
    "watch",
    "serve",
    "core-handler",
];
