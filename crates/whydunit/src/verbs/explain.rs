//! `why T…`: what died, where, and how that is known.

use std::path::PathBuf;
use std::sync::Arc;

use attach::{Content, Context, Dump, Error, Skipped, Target, resolve};
use base::{Gap, LogEvent, WaitFacts};
use cause::InputFacts;
use clap::{Arg, ArgAction, ArgMatches, Command};
use report::{Format, Options, Report, redact, safe::safe};

use super::Entry;
use crate::cli::{by_itself, evidence, named_targets, targets};
use crate::code::Code;
use crate::dump::Memory;
use crate::exit::Exit;
use crate::follow::follow;
use crate::output::{Output, complain, complain_of, hint};
use crate::parallel::in_order;
use crate::progress::Progress;
use crate::reading::{Read, Reading};

pub(super) static ENTRY: Entry = Entry {
    name: "explain",
    about: "Say what died, where, and how that is known; this is what no verb means",
    define,
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(
            Arg::new("titles")
                .long("titles")
                .action(ArgAction::SetTrue)
                .help("Print only the stable name of each event, one a line; with --json an object a line"),
        )
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(clap::value_parser!(u64).range(1..))
                .help("Print at most N rows of each list"),
        )
        .arg(
            Arg::new("redact")
                .long("redact")
                .action(ArgAction::SetTrue)
                .help("Replace names of hosts and users, addresses of machines, and command lines"),
        )
        .args(evidence())
        .args(by_itself())
        .arg(targets())
}

/// Files are read by several threads when there is this much of them.
const WORTH_THREADS: u64 = 4 << 20;

fn run(matches: &ArgMatches, output: &mut Output) -> Exit {
    let style = Style::new(matches, *output.options());
    let resolved = resolve(&named_targets(matches));
    for error in &resolved.errors {
        complain_of(error);
    }
    tell_skipped(&resolved.skipped);
    let mut exit = if resolved.errors.is_empty() {
        Exit::Fine
    } else {
        Exit::Unusable
    };
    let context = Arc::new(Context::new());
    let (mut code, named) = Code::new(matches, &context);
    exit = exit.and(named);
    let mut answers = Answers::default();
    if let [target] = resolved.targets.as_slice() {
        let content = match target.open(&context) {
            Ok(Content::Live(live)) => {
                let mut show = |report, output: &mut Output| output.write(&style.render(report));
                exit = exit.and(follow(&target.name, live, &code, output, &mut show));
                return finish(exit, output);
            }
            other => other,
        };
        let reading = reading(&context, &resolved.targets, style.streams());
        let mut limit = style.limit;
        let mut emit = |text: String| output.write(&text);
        let mut rows =
            |facts: &InputFacts, events| emit(style.rows(facts, events, false, &mut limit));
        let read = match content {
            Ok(content) => reading.content(target, content, style.streams().then_some(&mut rows)),
            Err(error) => Read::Failed(error),
        };
        reading.progress.finish();
        answers.take(target, read);
    } else {
        many(&resolved.targets, &context, &style, output, &mut answers);
    }
    if !resolved.targets.is_empty() {
        exit = exit.and(answers.show(&mut code, &style, output));
    }
    if context.interrupted() {
        exit = Exit::Interrupted;
    }
    // What is kept of a kernel's file is some hundred thousand pieces: the process ends, and they with it.
    std::mem::forget(code);
    finish(exit, output)
}

fn finish(exit: Exit, output: &mut Output) -> Exit {
    if output.finish() {
        exit
    } else {
        exit.and(Exit::Unusable)
    }
}

fn reading(context: &Arc<Context>, targets: &[Target], rows: bool) -> Reading {
    // One stream among the targets, and nobody knows how much there is.
    let total = targets.iter().map(|target| target.size).sum();
    Reading {
        context: Arc::clone(context),
        progress: Progress::new(Arc::clone(context), total, rows),
        inputs: targets.len(),
    }
}

/// Reads several targets, on all cores when that is worth it.
fn many(
    targets: &[Target],
    context: &Arc<Context>,
    style: &Style,
    output: &mut Output,
    answers: &mut Answers,
) {
    let reading = reading(context, targets, style.streams());
    let size: u64 = targets.iter().filter_map(|target| target.size).sum();
    // A stream is waited for: others need not wait with it.
    let threads = size >= WORTH_THREADS || targets.iter().any(|target| target.size.is_none());
    let mut limit = style.limit;
    let mut taken = targets.iter();
    in_order(
        targets.len(),
        threads,
        |index, emit| {
            let target = targets.get(index)?;
            let mut unlimited = u64::MAX;
            let mut rows =
                |facts: &InputFacts, events| emit(style.rows(facts, events, true, &mut unlimited));
            Some(reading.read(target, style.streams().then_some(&mut rows)))
        },
        |text| {
            let wanted: String = text.split_inclusive('\n').take(at_most(limit)).collect();
            limit -= wanted.lines().count() as u64;
            output.write(&wanted)
        },
        |read| {
            if let (Some(read), Some(target)) = (read, taken.next()) {
                answers.take(target, read);
            }
        },
    );
    reading.progress.finish();
}

fn at_most(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// What the targets told, put together.
#[derive(Default)]
struct Answers {
    inputs: Vec<InputFacts>,
    events: Vec<LogEvent>,
    memory: Vec<Memory>,
    waits: Vec<WaitFacts>,
    dumps: Vec<(u32, Box<Dump>)>,
    reports: Vec<Report>,
    objects: Vec<(PathBuf, Error)>,
    passed_over: Vec<Error>,
    exit: Option<Exit>,
}

impl Answers {
    fn take(&mut self, target: &Target, read: Read) {
        match read {
            Read::Dump(facts, events, memory, dump) => {
                let number = u32::try_from(self.inputs.len()).unwrap_or(u32::MAX);
                let mut memory = memory;
                memory.facts.input = number;
                self.memory.push(*memory);
                self.dumps.push((number, dump));
                self.take(target, Read::Log(facts, events, None));
            }
            Read::Log(facts, events, waits) => {
                let number = u32::try_from(self.inputs.len()).unwrap_or(u32::MAX);
                self.inputs.push(facts);
                self.waits.extend(waits.map(|waits| waits.of_input(number)));
                self.events.extend(events.into_iter().map(|mut event| {
                    event.span.input = number;
                    event
                }));
            }
            Read::Report(report) => self.reports.push(*report),
            Read::Object(path, refusal) => self.objects.push((path, refusal)),
            Read::PassedOver(error) => self.passed_over.push(error),
            Read::Failed(error) => {
                complain_of(&error);
                self.exit = Some(Exit::Unusable);
                self.inputs.push(InputFacts {
                    name: target.name.clone(),
                    kind: "unreadable".to_owned(),
                    gaps: vec![Gap::new("all that it holds", error.reason())],
                    ..InputFacts::default()
                });
            }
        }
    }

    /// Shows saved reports first, each by itself, then what the logs told.
    fn show(self, code: &mut Code, style: &Style, output: &mut Output) -> Exit {
        tell_passed_over(&self.passed_over);
        let mut exit = self.exit.unwrap_or(Exit::Fine);
        let saved = !self.reports.is_empty();
        for report in self.reports {
            exit = exit.and(report.diagnosis.outcome().into());
            output.write(&style.render(report));
        }
        let read = self.inputs.iter().any(|input| input.kind != "unreadable");
        if !read {
            for (_, refusal) in &self.objects {
                complain_of(refusal);
                exit = exit.and(Exit::Unusable);
            }
            if !saved && exit == Exit::Fine {
                // Everything in the folders was passed over.
                complain("why: none of the files is a kernel log\n");
                return Exit::Unusable;
            }
            return exit;
        }
        for (path, _) in &self.objects {
            code.add(path);
        }
        let (report, loaded) = code.explain(
            self.inputs,
            self.events,
            self.waits,
            self.memory,
            &self.dumps,
        );
        exit = exit.and(loaded).and(report.diagnosis.outcome().into());
        if style.titles {
            // Rows that could go out while the logs were read have done so.
            if !style.streams() {
                style.all_rows(redact(&report), output);
            }
            for gap in &report.diagnosis.gaps {
                complain(&format!(
                    "why: missing: {}: {}\n",
                    safe(&gap.what),
                    safe(&gap.why)
                ));
            }
        } else {
            output.write(&style.render(report));
        }
        exit
    }
}

/// How the answer is to look.
struct Style {
    format: Option<&'static Format>,
    titles: bool,
    json: bool,
    redact: bool,
    limit: u64,
    options: Options,
}

impl Style {
    fn new(matches: &ArgMatches, options: Options) -> Self {
        let titles = matches.get_flag("titles");
        let json = matches.get_flag("json");
        Style {
            format: Format::find(match (titles, json) {
                (false, false) => "text",
                (false, true) => "json",
                (true, false) => "titles",
                (true, true) => "titles-json",
            }),
            titles,
            json,
            redact: matches.get_flag("redact"),
            limit: matches.get_one("limit").copied().unwrap_or(u64::MAX),
            options,
        }
    }

    /// A whole report.
    fn render(&self, mut report: Report) -> String {
        let limit = at_most(self.limit);
        if self.titles {
            report.events.truncate(limit);
        }
        let left = report.diagnosis.story.len().saturating_sub(limit);
        report.diagnosis.story.truncate(limit);
        if left > 0 {
            report.diagnosis.notes.push(format!(
                "{left} more kinds of events are left out (--limit)"
            ));
        }
        if self.redact {
            report = redact(&report);
        }
        self.format.map_or_else(String::new, |format| {
            (format.render)(&report, &self.options)
        })
    }

    /// Whether rows go out while the logs are read. Tokens of a redaction
    /// stand for the same thing only within a report, so it waits for all.
    fn streams(&self) -> bool {
        self.titles && !self.redact
    }

    /// The rows of a whole report, input by input.
    fn all_rows(&self, report: Report, output: &mut Output) {
        let several = report.inputs.len() > 1;
        let mut limit = self.limit;
        for (input, facts) in (0u32..).zip(&report.inputs) {
            let events = report
                .events
                .iter()
                .filter(|event| event.span.input == input);
            let events = events.cloned().map(|mut event| {
                event.span.input = 0;
                event
            });
            output.write(&self.rows(facts, events.collect(), several, &mut limit));
        }
    }

    /// The rows of some events of one input, as far as `limit` allows.
    fn rows(
        &self,
        facts: &InputFacts,
        mut events: Vec<LogEvent>,
        several: bool,
        limit: &mut u64,
    ) -> String {
        events.truncate(at_most(*limit));
        *limit -= events.len() as u64;
        let report = Report {
            inputs: vec![facts.clone()],
            events,
            ..Report::default()
        };
        let rows = self.format.map_or_else(String::new, |format| {
            (format.render)(&report, &self.options)
        });
        if !several || self.json {
            return rows;
        }
        let name = safe(report.input_name(0));
        rows.lines().map(|row| format!("{name}: {row}\n")).collect()
    }
}

/// Says which files of folders are no logs, one line for each reason.
fn tell_passed_over(files: &[Error]) {
    let mut reasons: Vec<&str> = Vec::new();
    for file in files {
        if !reasons.contains(&file.reason()) {
            reasons.push(file.reason());
        }
    }
    for reason in reasons {
        let mut same = files.iter().filter(|file| file.reason() == reason);
        let first = same.next().map_or("", Error::subject);
        let others = match same.count() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        complain(&format!("why: passed over '{first}'{others}: {reason}\n"));
    }
}

/// Says what lay in folders and was left alone: a few names, and how many more.
fn tell_skipped(skipped: &[Skipped]) {
    const NAMES: usize = 3;
    let mut rest = skipped;
    while let Some(first) = rest.first() {
        let of_folder = rest
            .iter()
            .take_while(|skipped| skipped.folder == first.folder)
            .count();
        let (here, others) = rest.split_at_checked(of_folder).unwrap_or((rest, &[]));
        let named: Vec<String> = here
            .iter()
            .take(NAMES)
            .map(|skipped| format!("{} ({})", skipped.name, skipped.why))
            .collect();
        let more = here.len().saturating_sub(NAMES);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        complain(&format!(
            "why: left alone in '{}': {}{more}\n",
            first.folder,
            named.join(", ")
        ));
        if let Some(folder) = here.iter().find(|skipped| skipped.why == "a subfolder") {
            hint(&format!(
                "subfolders are not entered unless named: why '{}/{}'",
                folder.folder, folder.name
            ));
        }
        rest = others;
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn every_style_has_a_format() {
        for flags in [&[][..], &["--json"], &["--titles"], &["--titles", "--json"]] {
            let words = ["why"]
                .iter()
                .chain(flags)
                .chain(&["x"])
                .map(OsString::from);
            let command = define(Command::new("why"))
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue));
            let matches = command.get_matches_from(words);
            assert!(Style::new(&matches, Options::default()).format.is_some());
        }
    }
}
