//! `why stacks VMCORE`: what every thread does, equal stacks together.

use std::collections::BTreeSet;
use std::sync::Arc;

use attach::{Content, Context, Dump, Error, Target, cut_while_read, resolve};
use base::{StackTrace, ThreadGroup};
use clap::{Arg, ArgMatches, Command};
use debuginfo::Store;
use report::Stacks;

use super::Entry;
use crate::cli::{by_itself, evidence, named_targets, targets};
use crate::code::{Code, complain};
use crate::dump;
use crate::exit::Exit;
use crate::output::{Output, complain_of};
use crate::reading::no_kernel;

pub(super) static ENTRY: Entry = Entry {
    name: "stacks",
    about: "Show the stack of every thread of a kernel dump, equal stacks together",
    define,
    run,
};

fn define(command: Command) -> Command {
    let [debuginfo, ..] = evidence();
    command
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(clap::value_parser!(u64).range(1..))
                .help("Print at most N stacks; JSON holds all"),
        )
        .arg(debuginfo)
        .args(by_itself())
        .arg(targets())
        .after_help(
            "Threads that run on a CPU come first, then those that wait and cannot be interrupted. With debug \
             information frames have lines and inlined functions; names are those that the dump itself has.",
        )
}

fn run(matches: &ArgMatches, output: &mut Output) -> Exit {
    let resolved = resolve(&named_targets(matches));
    let mut exit = complain(&resolved.errors);
    let context = Arc::new(Context::new());
    let (mut code, named) = Code::new(matches, &context);
    exit = exit.and(named);
    let (mut dumps, mut saved) = (Vec::new(), Vec::new());
    for target in &resolved.targets {
        match (target.open(&context), target.named_file()) {
            (Ok(Content::Dump(dump)), _) => dumps.push((target, dump)),
            (Ok(Content::Stacks(json)), _) => match Stacks::from_json(&json) {
                Ok(stacks) => saved.push(stacks),
                Err(wrong) => {
                    complain_of(&Error::new("show", &target.name, wrong.to_string()));
                    exit = Exit::Unusable;
                }
            },
            // Code and debug information may stand among the targets.
            (Ok(Content::Object(_)), Some(path)) => code.add(path),
            (Ok(_), _) => {
                complain_of(&no_dump(target));
                exit = Exit::Unusable;
            }
            (Err(error), _) => {
                complain_of(&error);
                exit = Exit::Unusable;
            }
        }
    }
    let limit = matches.get_one::<u64>("limit").copied();
    let limit = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let is_json = matches.get_flag("json");
    let show = |stacks: &Stacks, output: &mut Output| match is_json {
        true => output.write(&stacks.json()),
        false => output.write(&stacks.text(limit, output.options())),
    };
    for stacks in &saved {
        show(stacks, output);
    }
    for (target, dump) in &dumps {
        match stacks(target, dump, &code) {
            Ok((stacks, told)) => {
                exit = exit.and(told);
                show(&stacks, output);
            }
            Err(error) => {
                complain_of(&error);
                exit = Exit::Unusable;
            }
        }
    }
    if dumps.is_empty() && saved.is_empty() && exit == Exit::Fine {
        let nothing = Error::new("show", "", "no dump was named").next("why stacks VMCORE");
        complain_of(&nothing);
        exit = Exit::Unusable;
    }
    if output.finish() {
        exit
    } else {
        exit.and(Exit::Unusable)
    }
}

fn no_dump(target: &Target) -> Error {
    Error::new("show the stacks of", &target.name, "it is no kernel dump")
        .next("stacks that a log prints are shown by: why LOG")
}

fn stacks(target: &Target, dump: &Dump, code: &Code) -> Result<(Stacks, Exit), Error> {
    let store = Store::new();
    let kernel = dump::open(dump, &store)
        .map_err(|gap| no_kernel("show the stacks of", &target.name, dump, &gap))?;
    let mut gaps = kernel.gaps;
    let kernel = kernel.value;
    if !kernel.has_unwind_table() {
        // Without a table of its own the kernel's file tells how to go on; what is wrong with files is said below.
        let (ran, _) = dump::that_ran(dump, &kernel, &BTreeSet::new(), true);
        kernel.add_frames(&code.load(&[], &[ran], &Store::new()).debug);
    }
    let groups = kernel.thread_groups();
    gaps.extend(groups.gaps);
    let mut groups = groups.value;
    let has_stacks = groups.iter().any(|group| group.stack.is_some());
    let (ran, anchors) = dump::that_ran(dump, &kernel, &modules(&groups), has_stacks);
    let files = Store::new();
    let loaded = code.load(&[], &[ran], &files);
    let exit = complain(&loaded.errors);
    gaps.extend(loaded.gaps);
    if loaded.debug.objects().next().is_some() {
        let mut stacks: Vec<&mut StackTrace> = groups
            .iter_mut()
            .filter_map(|group| group.stack.as_mut())
            .collect();
        gaps.extend(anchors.add_lines(&loaded.debug, &mut stacks));
    }
    gaps.extend(cut_while_read());
    let mut stacks = Stacks::new(target.name.clone(), dump.summary(), groups, gaps);
    stacks.notes = loaded.found;
    Ok((stacks, exit))
}

/// The modules that stacks lead through.
fn modules(groups: &[ThreadGroup]) -> BTreeSet<&str> {
    let stacks = groups.iter().filter_map(|group| group.stack.as_ref());
    let frames = stacks.flat_map(|stack| &stack.frames);
    frames.filter_map(|frame| frame.module.as_deref()).collect()
}
