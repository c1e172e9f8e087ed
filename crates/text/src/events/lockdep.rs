//! Lockdep: the order or the context of locks can deadlock, whether it did or not.

use crate::naming::{Details, Entry, Naming, Reading, lock_site, never, says};
use crate::plumbing::Names;
use crate::stack::{Recipe, Seen, Step};

/// kernel/locking/lockdep.c: `print_circular_bug_header`, `print_deadlock_bug`,
/// `print_irq_inversion_bug`, `print_bad_irq_dependency`, `print_usage_bug`.
pub static ENTRY: Entry = Entry {
    name: "lockdep",
    meaning: "the lock validator proved that locks are taken in orders or contexts that can deadlock",
    crash: true,
    anchors: &["WARNING:", "INFO:"],
    starts: |text| KINDS.iter().any(|kind| kind.opens(text)),
    folds: never,
    describe,
    details,
};

/// One of lockdep's reports.
struct Kind {
    /// Behind `WARNING: ` or, until 4.13, `INFO: `.
    head: &'static str,
    title: &'static str,
    /// The sentence behind which the lock and its place stand.
    sentence: &'static str,
    /// How the function is found: by the place of the lock, or by this recipe.
    recipe: Option<Recipe>,
}

/// Work items are locks to lockdep; the deadlock belongs to who queued them.
const CIRCULAR: Recipe = Recipe {
    steps: &[Step::Seek(site), Step::Seek(site), Step::Trace],
    or: &[],
    skip: Names::containing(&[
        "process_one_work",
        "flush_workqueue",
        "drain_workqueue",
        "destroy_workqueue",
    ]),
    choose: crate::stack::Choice::First,
};

const UNSAFE_ORDER: Recipe = Recipe {
    steps: &[Step::Seek(became), Step::Trace],
    ..Recipe::TRACE
};

const KINDS: &[Kind] = &[
    Kind {
        head: "possible circular locking dependency detected",
        title: "possible deadlock",
        sentence: "is trying to acquire lock",
        recipe: Some(CIRCULAR),
    },
    Kind {
        head: "possible irq lock inversion dependency detected",
        title: "possible deadlock",
        sentence: "just changed the state of lock",
        recipe: None,
    },
    Kind {
        head: "-unsafe lock order detected",
        title: "possible deadlock",
        sentence: "",
        recipe: Some(UNSAFE_ORDER),
    },
    Kind {
        head: "possible recursive locking detected",
        title: "possible deadlock",
        sentence: "is trying to acquire lock",
        recipe: None,
    },
    Kind {
        head: "inconsistent lock state",
        title: "inconsistent lock state",
        sentence: "takes",
        recipe: Some(Recipe::TRACE),
    },
];

impl Kind {
    fn opens(&self, text: &str) -> bool {
        (says(text, "WARNING: ") || says(text, "INFO: ")) && text.contains(self.head)
    }
}

fn site(text: &str) -> Seen<'_> {
    lock_site(text).map_or(Seen::No, Seen::Function)
}

fn became(text: &str) -> Seen<'_> {
    if text.contains("which became ") && text.contains(" at:") {
        Seen::Here
    } else {
        Seen::No
    }
}

fn describe(reading: &Reading<'_>) -> Naming {
    let Some(kind) = KINDS.iter().find(|kind| kind.opens(reading.head())) else {
        return Naming::bare(reading.head());
    };
    let old = reading.head().contains("INFO: ");
    let body = reading.behind(|text| text.contains(kind.sentence));
    let Some(body) = body else {
        return Naming::bare(reading.head_from(if old { "INFO:" } else { "WARNING:" }));
    };
    let by_site = || {
        body.iter()
            .find_map(|line| lock_site(&line.text))
            .map(str::to_owned)
    };
    let function = match &kind.recipe {
        // The old form names the place of the lock only.
        Some(recipe) if !old => reading.responsible(recipe),
        _ => match by_site() {
            Some(function) => Some(function),
            None => return Naming::bare(reading.head_from(if old { "INFO:" } else { "WARNING:" })),
        },
    };
    Naming::located(kind.title, function).class("LOCKDEP")
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let mut want = None;
    for line in reading.lines {
        let text = line.text.trim();
        let name = if let Some(name) = want.take() {
            name
        } else {
            if text.contains("is trying to acquire lock:") {
                want = Some("wants");
            } else if text.contains("but task is already holding lock:") {
                want = Some("holds");
            } else if text.contains("which lock already depends on the new lock") {
                want = None;
            } else if text.contains("*** DEADLOCK ***") {
                continue;
            }
            match text
                .strip_prefix('#')
                .and_then(|rest| rest.split_once(": "))
            {
                Some((index, _)) if index.bytes().all(|b| b.is_ascii_digit()) => "held lock",
                _ if text.starts_with("-> #") => "in the chain",
                _ => continue,
            }
        };
        details.push(base::Detail {
            name: name.to_owned(),
            value: text.to_owned(),
            line: line.number,
        });
        if details.len() >= 64 {
            return;
        }
    }
}
