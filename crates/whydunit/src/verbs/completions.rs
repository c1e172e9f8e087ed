//! `why completions SHELL`: what a shell needs to complete our arguments.

use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

use super::Entry;
use crate::cli::root;
use crate::exit::Exit;
use crate::output::Output;

pub(super) static ENTRY: Entry = Entry {
    name: "completions",
    about: "Print the completions for a shell",
    define: |command: Command| {
        command.arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(clap::value_parser!(Shell))
                .help("The shell that is to complete arguments of 'why'"),
        )
    },
    run,
};

fn run(matches: &ArgMatches, output: &mut Output) -> Exit {
    let Some(shell) = matches.get_one::<Shell>("shell").copied() else {
        return Exit::Unusable;
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut root(), "why", &mut script);
    output.write(&String::from_utf8_lossy(&script));
    if output.finish() {
        Exit::Fine
    } else {
        Exit::Unusable
    }
}
