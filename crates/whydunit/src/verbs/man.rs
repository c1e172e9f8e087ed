//! `why man`: the manual page, made from the argument definitions.

use clap::{ArgMatches, Command};
use clap_mangen::Man;

use super::{Entry, VERBS};
use crate::cli::{ENVIRONMENT, EXAMPLES, EXIT_CODES, NAMES, root};
use crate::exit::Exit;
use crate::output::Output;

pub(super) static ENTRY: Entry = Entry {
    name: "man",
    about: "Print the manual page: why man | man -l -",
    define: |command: Command| command,
    run,
};

fn run(_: &ArgMatches, output: &mut Output) -> Exit {
    output.write(&page());
    if output.finish() {
        Exit::Fine
    } else {
        Exit::Unusable
    }
}

fn page() -> String {
    let man = Man::new(root()).section("1").manual("Whydunit");
    let mut page = Vec::new();
    // Writing to a vector cannot fail, so the results say nothing.
    let _ = man.render_title(&mut page);
    let _ = man.render_name_section(&mut page);
    let _ = man.render_synopsis_section(&mut page);
    let _ = man.render_description_section(&mut page);
    let mut page = String::from_utf8_lossy(&page).into_owned();
    let verbs: Vec<_> = VERBS.iter().map(|verb| (verb.name, verb.about)).collect();
    page += &list("VERBS", &verbs);
    page += &format!(".PP\n{}\n", plain(NAMES));
    let mut options = Vec::new();
    let _ = man.render_options_section(&mut options);
    page += &String::from_utf8_lossy(&options);
    page += &list("EXIT STATUS", &EXIT_CODES);
    page += &list("ENVIRONMENT", &ENVIRONMENT);
    page + &list("EXAMPLES", &EXAMPLES)
}

/// A section of terms and what they mean.
fn list(title: &str, rows: &[(&str, &str)]) -> String {
    let rows = rows.iter();
    let rows =
        rows.map(|(term, meaning)| format!(".TP\n\\fB{}\\fR\n{}\n", plain(term), plain(meaning)));
    format!(".SH \"{title}\"\n{}", rows.collect::<String>())
}

/// Text in which roff finds nothing to obey.
fn plain(text: &str) -> String {
    let text = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
        .replace('…', "...");
    if text.starts_with('.') {
        format!("\\&{text}")
    } else {
        text
    }
}
