//! From the command line to a verb.
//!
//! `why [VERB] TARGET… [OPTIONS]`: a verb stands first and wins over a file of
//! the same name; no verb means `explain`. Only the command of the verb that
//! is asked for is built; help, the man page and completions build all.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use crate::exit::Exit;
use crate::output::{Output, complain, hint};
use crate::verbs::{Entry, NOT_YET, VERBS};

/// The verb that is meant when none is named.
const DEFAULT: &str = "explain";

/// Runs what the arguments ask for; the first one is the program's name.
pub fn run(arguments: &[OsString]) -> Exit {
    let arguments = arguments.get(1..).unwrap_or_default();
    if arguments.is_empty() {
        complain(&format!("{SHORT_HELP}\n"));
        return Exit::Unusable;
    }
    let first = first_word(arguments);
    let word = first
        .and_then(|at| arguments.get(at))
        .and_then(|word| word.to_str());
    let verb = word.and_then(|word| VERBS.iter().copied().find(|verb| verb.name == word));
    if let (None, Some(word)) = (verb, word)
        && NOT_YET.contains(&word)
    {
        return not_yet(word);
    }
    if let Some(verb) = verb {
        let rest = arguments.iter().enumerate();
        let rest = rest
            .filter(|(at, _)| Some(*at) != first)
            .map(|(_, word)| word);
        also_a_file(verb.name);
        return run_verb(verb, rest, true);
    }
    if wants_root(arguments) {
        let words =
            std::iter::once(OsStr::new("why")).chain(arguments.iter().map(OsString::as_os_str));
        return match root().try_get_matches_from(words) {
            Ok(_) => Exit::Unusable,
            Err(error) => show(&error),
        };
    }
    match VERBS.iter().copied().find(|verb| verb.name == DEFAULT) {
        Some(explain) => run_verb(explain, arguments.iter(), false),
        None => Exit::Unusable,
    }
}

fn run_verb<'a>(
    verb: &'static Entry,
    rest: impl Iterator<Item = &'a OsString>,
    named: bool,
) -> Exit {
    let name = if named {
        format!("why {}", verb.name)
    } else {
        "why".to_owned()
    };
    let command = command_of(verb).bin_name(name);
    let words = std::iter::once(OsStr::new("why")).chain(rest.map(OsString::as_os_str));
    match command.try_get_matches_from(words) {
        Ok(matches) => (verb.run)(&matches, &mut Output::new(&matches)),
        Err(error) => show(&error),
    }
}

/// Shows help or a complaint of the parser.
fn show(error: &clap::Error) -> Exit {
    // Nothing is left to say where even this cannot be written.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Unusable
    } else {
        Exit::Fine
    }
}

/// Where the first word stands that is no option and no option's value.
fn first_word(arguments: &[OsString]) -> Option<usize> {
    let mut value = false;
    for (at, argument) in arguments.iter().enumerate() {
        if std::mem::take(&mut value) {
            continue;
        }
        match argument.to_str() {
            // Behind it everything is a target.
            Some("--") => return None,
            Some(text) if text.len() > 1 && text.starts_with('-') => {
                value = TAKING_VALUES.contains(&text);
            }
            _ => return Some(at),
        }
    }
    None
}

/// Whether help or the version of the whole program is asked for.
fn wants_root(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| {
            matches!(
                argument.to_str(),
                Some("-h" | "--help" | "-V" | "--version")
            )
        })
}

/// Says that a file is meant only if its name is written with a folder.
fn also_a_file(verb: &str) {
    if Path::new(verb).exists() {
        hint(&format!(
            "'{verb}' is taken for the verb; the file of that name is './{verb}'"
        ));
    }
}

fn not_yet(verb: &str) -> Exit {
    complain(&format!("why: '{verb}' is not in this version yet\n"));
    if Path::new(verb).exists() {
        hint(&format!("the file of that name is './{verb}'"));
    } else {
        hint("this version explains kernel logs: why LOG");
    }
    Exit::Unusable
}

/// Everything that can be asked for, for help, the man page and completions.
pub fn root() -> Command {
    let mut root = Command::new("why")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Finds out why a Linux system died, from its kernel log or its dump")
        .override_usage("why [VERB] TARGET… [OPTIONS]")
        .after_help(after_help())
        .disable_help_subcommand(true)
        .subcommand_value_name("VERB")
        .subcommand_help_heading("Verbs");
    for verb in VERBS {
        if verb.name == DEFAULT {
            root = (verb.define)(root);
        }
        root = root.subcommand(command_of(verb).disable_version_flag(true));
    }
    common(root).color(clap::ColorChoice::Auto)
}

fn command_of(verb: &'static Entry) -> Command {
    common((verb.define)(Command::new(verb.name).about(verb.about)))
}

/// Options that every verb takes and that need a value.
const TAKING_VALUES: [&str; 6] = [
    "--color",
    "--width",
    "--limit",
    "--debuginfo",
    "--source",
    "--sysroot",
];

/// The options that every verb takes.
fn common(command: Command) -> Command {
    command.args([
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("Print JSON for programs instead of text"),
        Arg::new("color")
            .long("color")
            .value_name("WHEN")
            .value_parser(["auto", "always", "never"])
            .default_value("auto")
            .help("Colour the text: auto means on a terminal, unless NO_COLOR is set"),
        Arg::new("width")
            .long("width")
            .value_name("CELLS")
            .value_parser(clap::value_parser!(u16).range(40..=1000))
            .help("Wrap text at this width instead of the terminal's (at most 120; 80 where there is none)"),
    ])
}

/// The argument that names what to inspect.
pub fn targets() -> Arg {
    Arg::new("target")
        .value_name("TARGET")
        .action(ArgAction::Append)
        .num_args(1..)
        .required(true)
        .value_parser(clap::value_parser!(OsString))
        .value_hint(ValueHint::AnyPath)
        .help("A log, a folder of logs, '-' (standard input), /dev/kmsg, a saved report; beside a log: a vmlinux or module")
        .long_help(
            "What to inspect: a kernel log in any form, plain or compressed with gzip, xz or zstd; \
             a kernel dump of x86_64; a folder (each file in it; /sys/fs/pstore is one); '-' for standard input; \
             /dev/kmsg to explain and then follow the running kernel's log; \
             a report that was saved with --json; beside a log also the vmlinux or the modules that ran, \
             as with --debuginfo",
        )
}

/// The arguments that name the code that ran, and its sources.
pub fn evidence() -> [Arg; 2] {
    let option = |name: &'static str, value: &'static str, hint| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .action(ArgAction::Append)
            .value_parser(clap::value_parser!(OsString))
            .value_hint(hint)
    };
    [
        option("debuginfo", "PATH", ValueHint::AnyPath)
            .help("A vmlinux, a module, a BTF file, or a folder to find them in; may be repeated")
            .long_help(
                "The code and the debug information of what died: a vmlinux, a module (.ko, .ko.debug, also \
                 compressed with gzip, xz or zstd), a BTF file such as /sys/kernel/btf/vmlinux, or a folder to \
                 find them in: a build tree, /usr/lib/debug, /lib/modules, an unpacked debug package, links by \
                 build-id. Of a folder only what the log names is opened. May be repeated",
            ),
        option("source", "DIR", ValueHint::DirPath)
            .help("A folder with the sources that the code was built from; may be repeated"),
    ]
}

/// The arguments that say where files are looked for that nobody named.
pub fn by_itself() -> [Arg; 2] {
    [
        Arg::new("sysroot")
            .long("sysroot")
            .value_name("DIR")
            .value_parser(clap::value_parser!(OsString))
            .value_hint(ValueHint::DirPath)
            .help("Look for debug files that are not named in DIR/usr/lib/debug and DIR/lib/modules, not in /")
            .long_help(
                "The root of the file system of what died, such as a mounted disk: debug files that are not named \
                 are looked for in DIR/usr/lib/debug and DIR/lib/modules instead of /usr/lib/debug and \
                 /lib/modules. A file is used only if its build-id is that of the code that ran",
            ),
        Arg::new("no-default-debuginfo")
            .long("no-default-debuginfo")
            .action(ArgAction::SetTrue)
            .help("Use the debug files that are named, and no others")
            .long_help(
                "Use the debug files that are named, and no others: neither those in /usr/lib/debug and \
                 /lib/modules, nor those of the debuginfod servers that DEBUGINFOD_URLS names",
            ),
    ]
}

/// The values of one of these.
pub fn named_paths(matches: &ArgMatches, name: &str) -> Vec<OsString> {
    // A verb need not have the option.
    let named = matches.try_get_many::<OsString>(name).ok().flatten();
    named.unwrap_or_default().cloned().collect()
}

/// The targets that were named.
pub fn named_targets(matches: &ArgMatches) -> Vec<OsString> {
    named_paths(matches, "target")
}

const SHORT_HELP: &str = "\
why: finds out why a Linux system died, from its kernel log

  why console.log          explain a log: what died, where, and how that is known
  dmesg | why -            explain what this machine has printed
  why --titles logs/*.gz   one stable name for each crash in many logs

'why --help' tells the rest; 'why doctor' tells what this machine allows.";

/// What to type, and what it does.
pub const EXAMPLES: [(&str, &str); 7] = [
    ("why console.log", "what died, where, and how that is known"),
    ("dmesg | why -", "the same of this machine's kernel"),
    (
        "why /dev/kmsg",
        "… and then of every new event, until Ctrl-C",
    ),
    (
        "why /sys/fs/pstore",
        "what the firmware kept of the last crash",
    ),
    (
        "why a.log --debuginfo vmlinux",
        "… with the code and the types of what ran",
    ),
    (
        "why --titles --json logs/*.gz",
        "one JSON object for each event of many logs",
    ),
    (
        "why --json a.log > a.json",
        "save the report; 'why a.json' shows it again",
    ),
];

/// Exit codes and what they say, the same for every verb.
pub const EXIT_CODES: [(&str, &str); 5] = [
    ("0", "nothing wrong was found, or what was asked is done"),
    ("1", "something is wrong and its cause is named"),
    ("2", "the command line is wrong, or a target cannot be read"),
    ("3", "something is wrong and its cause was not found"),
    ("130", "interrupted"),
];

/// Variables of the environment, and what they do.
pub const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "DEBUGINFOD_URLS",
        "debuginfod servers to ask for debug files; none is asked unless set",
    ),
    (
        "DEBUGINFOD_CACHE_PATH",
        "where they are kept, shared with other clients",
    ),
    (
        "DEBUGINFOD_TIMEOUT",
        "seconds until a silent server is given up (90)",
    ),
    ("DEBUGINFOD_MAXTIME", "seconds that one file may take"),
    ("DEBUGINFOD_MAXSIZE", "bytes that one file may have"),
];

/// A sentence on names that could be two things.
pub const NAMES: &str = "A verb wins over a file of the same name: './doctor' is the file.";

fn after_help() -> String {
    let mut text = String::from("Examples:\n");
    for (command, meaning) in EXAMPLES {
        text += &format!("  {command:<31} {meaning}\n");
    }
    text += "\nExit codes:\n";
    for (code, meaning) in EXIT_CODES {
        text += &format!("  {code:>3}  {meaning}\n");
    }
    text += "\nEnvironment:\n";
    for (name, meaning) in ENVIRONMENT {
        text += &format!("  {name:<21}  {meaning}\n");
    }
    text + "\n" + NAMES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(arguments: &[&str]) -> Option<usize> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        first_word(&arguments)
    }

    #[test]
    fn the_verb_is_the_first_word() {
        assert_eq!(word(&["doctor"]), Some(0));
        assert_eq!(word(&["--json", "doctor"]), Some(1));
        assert_eq!(word(&["--color", "always", "doctor"]), Some(2));
        assert_eq!(word(&["--color=always", "doctor"]), Some(1));
        assert_eq!(word(&["--debuginfo", "x.ko", "doctor"]), Some(2));
        assert_eq!(word(&["-"]), Some(0));
        assert_eq!(word(&["--", "doctor"]), None);
    }

    #[test]
    fn the_definitions_hold_together() {
        root().debug_assert();
    }

    #[test]
    fn every_option_with_a_value_is_known_before_parsing() {
        for verb in VERBS {
            for argument in command_of(verb).get_arguments() {
                if let Some(long) = argument.get_long()
                    && argument.get_action().takes_values()
                {
                    assert!(
                        TAKING_VALUES.contains(&format!("--{long}").as_str()),
                        "{long}"
                    );
                }
            }
        }
    }
}
