//! `why doctor`: what this machine allows, what is missing and how to get it.

use attach::abilities::{ABILITIES, Allowed, Answer, Machine};
use clap::{ArgMatches, Command};
use serde::Serialize;

use super::Entry;
use crate::exit::Exit;
use crate::output::Output;
use crate::table::{Mark, Row, render};

pub(super) static ENTRY: Entry = Entry {
    name: "doctor",
    about: "Say what this machine allows, what is missing and how to get it",
    define: |command: Command| command,
    run,
};

/// One ability, as JSON shows it.
#[derive(Serialize)]
struct Told {
    name: &'static str,
    purpose: &'static str,
    #[serde(flatten)]
    answer: Answer,
}

fn run(matches: &ArgMatches, output: &mut Output) -> Exit {
    let machine = Machine::this();
    let told: Vec<Told> = ABILITIES
        .iter()
        .map(|ability| Told {
            name: ability.name,
            purpose: ability.purpose,
            answer: ability.ask(&machine),
        })
        .collect();
    if matches.get_flag("json") {
        // Plain data with string keys: this cannot fail.
        let json = serde_json::to_string_pretty(&told).unwrap_or_default();
        output.write(&json);
        output.write("\n");
    } else {
        output.write(&render(&rows(&told), output.options()));
    }
    if output.finish() {
        Exit::Fine
    } else {
        Exit::Unusable
    }
}

fn rows(told: &[Told]) -> Vec<Row<'_>> {
    told.iter()
        .map(|told| {
            let mut lines = vec![told.purpose.to_owned(), told.answer.found.clone()];
            if !told.answer.get.is_empty() {
                lines.push(format!("to get it: {}", told.answer.get));
            }
            Row {
                mark: match told.answer.allowed {
                    Allowed::Yes => ("yes", Mark::Good),
                    Allowed::Partly => ("partly", Mark::Middling),
                    Allowed::No => ("no", Mark::Bad),
                },
                name: told.name,
                lines,
            }
        })
        .collect()
}
