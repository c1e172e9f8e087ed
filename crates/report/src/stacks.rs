//! The document that holds the stacks of all threads, and how it is shown.

use base::{Gap, Thread, ThreadGroup};
use cause::words;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use crate::formats::{Options, as_json};
use crate::layout::{Lead, Page, Role};
use crate::report::{LoadError, Tool};
use crate::sections::frames::{self, Marks};

/// The version of the document's schema, `docs/schema/stacks-1.schema.json`.
pub const STACKS_VERSION: &str = "1";

/// Names of threads of one group; the others are counted.
const NAMES: usize = 12;

/// The stacks of all threads of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stacks {
    /// The version of the schema, always "1"; its name tells the document from other JSON.
    pub whydunit_stacks: String,
    /// What made it.
    pub tool: Tool,
    /// The target, as the user named it.
    pub name: String,
    /// What it turned out to be.
    pub kind: String,
    /// Threads by their stacks: those on CPUs first, by CPU, then those that cannot be interrupted, then the others,
    /// the most common stack first.
    pub groups: Vec<ThreadGroup>,
    /// What else is to be known, such as which files of debug information were found by themselves, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

impl Stacks {
    /// The document of a target.
    pub fn new(name: String, kind: String, groups: Vec<ThreadGroup>, gaps: Vec<Gap>) -> Stacks {
        Stacks {
            whydunit_stacks: STACKS_VERSION.to_owned(),
            tool: Tool::this(),
            name,
            kind,
            groups,
            notes: Vec::new(),
            gaps,
        }
    }

    /// Reads a saved document.
    pub fn from_json(bytes: &[u8]) -> Result<Stacks, LoadError> {
        /// The version alone: a newer document may not have this one's form.
        #[derive(Deserialize)]
        struct Versioned {
            whydunit_stacks: String,
        }
        let Versioned { whydunit_stacks } = serde_json::from_slice(bytes)?;
        if whydunit_stacks != STACKS_VERSION {
            return Err(LoadError::Version {
                found: whydunit_stacks,
            });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// As JSON for programs.
    pub fn json(&self) -> String {
        as_json(self)
    }

    /// As text for people; at most `limit` groups.
    pub fn text(&self, limit: usize, options: &Options) -> String {
        let mut page = Page::new(options.color, usize::from(options.width));
        let threads: usize = self.groups.iter().map(|group| group.threads.len()).sum();
        let head = format!(
            "{}, {} in {}",
            count(threads, "thread"),
            count(self.groups.len(), "different stack"),
            self.kind
        );
        page.paragraph(Lead::margin(0), &[(Role::Strong, &head)]);
        page.paragraph(
            Lead::margin(0),
            &[(
                Role::Dim,
                "Frames without a mark are by an unwind table; those with ? may be none.",
            )],
        );
        for note in &self.notes {
            page.paragraph(Lead::label(0, "Note", Role::Dim, 5), &[(Role::Plain, note)]);
        }
        for group in self.groups.iter().take(limit) {
            page.blank();
            one(group, &mut page);
        }
        if let Some(more) = self
            .groups
            .len()
            .checked_sub(limit)
            .filter(|more| *more > 0)
        {
            page.blank();
            let more = format!("… {} (--limit)", count(more, "more stack"));
            page.paragraph(Lead::margin(0), &[(Role::Dim, &more)]);
        }
        if !self.gaps.is_empty() {
            page.heading("Not determined");
        }
        for gap in &self.gaps {
            crate::sections::gap(gap, &mut page);
        }
        page.finish()
    }
}

/// The JSON schema of the document.
pub fn stacks_schema() -> Schema {
    schema_for!(Stacks)
}

fn count(number: usize, noun: &str) -> String {
    words::count(u64::try_from(number).unwrap_or(u64::MAX), noun)
}

fn one(group: &ThreadGroup, page: &mut Page) {
    let state = group.threads.first().map_or("?", |thread| &thread.state);
    let running = group.threads.iter().find_map(|thread| thread.cpu);
    let how = match (running, state) {
        (Some(cpu), _) => format!("on CPU {cpu}:"),
        (None, "R") => "ready to run:".to_owned(),
        (None, "S") => "asleep:".to_owned(),
        (None, "D") => "waiting, not to be interrupted:".to_owned(),
        (None, "I") => "idle workers:".to_owned(),
        (None, "T" | "t") => "stopped:".to_owned(),
        (None, "Z" | "X") => "dead:".to_owned(),
        (None, state) => format!("in state {state}:"),
    };
    let shown = group.threads.iter().take(NAMES).map(name);
    let mut names = shown.collect::<Vec<_>>().join(", ");
    if let Some(more) = group
        .threads
        .len()
        .checked_sub(NAMES)
        .filter(|more| *more > 0)
    {
        names.push_str(&format!(" and {more} more"));
    }
    let number = match group.threads.len() {
        1 => String::new(),
        many => format!("{many} × "),
    };
    let head = format!("{number}{how}");
    page.paragraph(
        Lead::margin(0),
        &[(Role::Strong, &head), (Role::Plain, &names)],
    );
    match (&group.stack, &group.missing) {
        (Some(stack), _) => frames::render(stack, 0, usize::MAX, Marks::Notable, page),
        (None, Some(gap)) => {
            let why = format!("no stack: {}", gap.why);
            page.paragraph(Lead::margin(6), &[(Role::Dim, &why)]);
        }
        (None, None) => {}
    }
}

/// `cook/7`, of a thread that is not the first of its process `cook/7 of 5`.
fn name(thread: &Thread) -> String {
    if thread.pid == thread.tgid {
        format!("{}/{}", thread.comm, thread.pid)
    } else {
        format!("{}/{} of {}", thread.comm, thread.pid, thread.tgid)
    }
}
