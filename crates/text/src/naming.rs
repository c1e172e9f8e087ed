//! What an entry of `events/` says of a report: its title, class and state.

use crate::Line;
use crate::stack::{Recipe, responsible};

/// One kind of event: how it begins and what it is called.
pub struct Entry {
    /// Name of the kind; also that of its file.
    pub name: &'static str,
    /// What it is, in words for a person who does not know the term.
    pub meaning: &'static str,
    /// Whether it is a defect by itself; otherwise it is a note.
    pub crash: bool,
    /// Every line that can begin it contains one of these. They are searched
    /// at memory speed, so they must be rare in healthy logs.
    pub anchors: &'static [&'static str],
    /// Whether the line begins such an event.
    pub starts: fn(&str) -> bool,
    /// Whether the line, inside another event, belongs to that one: what a
    /// panic prints about a crash is part of the crash.
    pub folds: fn(&str, &Open<'_>) -> bool,
    /// Names the event.
    pub describe: fn(&Reading<'_>) -> Naming,
    /// What else its own lines tell: name and value, as printed.
    pub details: fn(&Reading<'_>, &mut Details),
}

/// What is known of an open event to a head that may belong to it.
pub struct Open<'a> {
    /// Its kind.
    pub kind: &'static str,
    /// Whether it is a defect.
    pub crash: bool,
    /// Its own head.
    pub head: &'a str,
    /// How many lines it has.
    pub lines: usize,
}

/// The lines of a captured event.
pub struct Reading<'a> {
    /// From the line that began it; lines of other callers, doubtful frames
    /// and the aftermath are not among them.
    pub lines: &'a [Line],
    /// The lines of the same caller that came before it, the nearest last.
    pub before: &'a [Line],
}

impl<'a> Reading<'a> {
    /// The line that began the event.
    pub fn head(&self) -> &'a str {
        self.lines.first().map_or("", |line| line.text.as_str())
    }

    /// The head from `mark` on.
    pub fn head_from(&self, mark: &str) -> &'a str {
        let head = self.head();
        head.find(mark)
            .and_then(|at| head.get(at..))
            .unwrap_or(head)
    }

    /// What stands behind `mark` on the head.
    pub fn after(&self, mark: &str) -> Option<&'a str> {
        self.head().split_once(mark).map(|(_, rest)| rest)
    }

    /// The lines behind the first that `known` accepts.
    pub fn behind(&self, known: impl Fn(&str) -> bool) -> Option<&'a [Line]> {
        let at = self.lines.iter().position(|line| known(&line.text))?;
        self.lines.get(at + 1..)
    }

    /// The first thing that `read` finds on a line.
    pub fn first<T>(&self, read: impl Fn(&'a str) -> Option<T>) -> Option<T> {
        self.lines.iter().find_map(|line| read(&line.text))
    }

    /// The function that `recipe` holds responsible.
    pub fn responsible(&self, recipe: &Recipe) -> Option<String> {
        responsible(self.lines, recipe)
    }
}

/// Facts of an event beside its machine state.
pub type Details = Vec<base::Detail>;

/// What an event is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Title, not yet sanitised.
    pub title: String,
    /// Other titles.
    pub alt: Vec<String>,
    /// Class; empty when it has none.
    pub class: &'static str,
    /// Why the report cannot be trusted.
    pub corrupted: Option<&'static str>,
    /// The report has a stack by nature, so that its absence shows damage.
    pub has_stack: bool,
    /// The kind that the body of the report shows, where the head did not tell.
    pub kind: Option<&'static str>,
}

/// Stands for the function in titles of reports without a usable stack.
const NO_FUNCTION: &str = "corrupted";

impl Naming {
    /// A title that does not depend on a stack.
    pub fn plain(title: impl Into<String>) -> Naming {
        Naming {
            title: title.into(),
            ..Naming::default()
        }
    }

    /// A report whose form is known and that has a stack, though its title needs none.
    pub fn with_stack(title: impl Into<String>) -> Naming {
        Naming {
            has_stack: true,
            ..Naming::plain(title)
        }
    }

    /// `what in function`, or `what in corrupted` when the stack names none.
    pub fn located(what: &str, function: Option<String>) -> Naming {
        let corrupted = function.is_none().then_some("the stack names no function");
        let function = function.unwrap_or_else(|| NO_FUNCTION.to_owned());
        Naming {
            title: format!("{what} in {function}"),
            corrupted,
            has_stack: true,
            ..Naming::default()
        }
    }

    /// The head stands alone: what must follow it is missing.
    pub fn bare(head: &str) -> Naming {
        let class = if head.starts_with("WARNING:") {
            "WARNING"
        } else {
            ""
        };
        Naming {
            corrupted: Some("the body of the report is missing"),
            class,
            ..Naming::plain(head)
        }
    }

    /// Adds `what in function` with the function of the title as another title.
    #[must_use]
    pub fn also(mut self, what: &str) -> Naming {
        if let Some((_, function)) = self.title.rsplit_once(" in ") {
            self.alt.push(format!("{what} in {function}"));
        }
        self
    }

    /// Sets the class.
    #[must_use]
    pub fn class(mut self, class: &'static str) -> Naming {
        self.class = class;
        self
    }

    /// The report has no stack by nature.
    #[must_use]
    pub fn stackless(mut self) -> Naming {
        self.has_stack = false;
        self
    }

    /// Marks the report as one that cannot be trusted.
    #[must_use]
    pub fn untrusted(mut self, why: &'static str) -> Naming {
        self.corrupted = Some(why);
        self
    }

    /// The body shows another kind than the head.
    #[must_use]
    pub fn kind(mut self, kind: &'static str) -> Naming {
        self.kind = Some(kind);
        self
    }
}

/// A head that always begins an event of its own.
pub fn never(_: &str, _: &Open<'_>) -> bool {
    false
}

/// A head that continues any open crash; a note does not take it in.
pub fn into_crash(_: &str, open: &Open<'_>) -> bool {
    open.crash
}

/// No details.
pub fn no_details(_: &Reading<'_>, _: &mut Details) {}

/// Whether `mark` stands in `text`, not as the end of a longer word.
pub fn says(text: &str, mark: &str) -> bool {
    let (bytes, mark) = (text.as_bytes(), mark.as_bytes());
    let Some(&first) = mark.first() else {
        return true;
    };
    // Marks are short and begin with a rare letter: a searcher costs more to build than to do without.
    memchr::memchr_iter(first, bytes).any(|at| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            && bytes.get(at..).is_some_and(|rest| rest.starts_with(mark))
    })
}

/// Whether the message begins with `mark`, behind what the kernel's
/// subsystems put before their messages.
pub fn opens(text: &str, mark: &str) -> bool {
    let mut rest = text.trim_start_matches([' ', '[', '=', '-', '*']);
    for subsystem in [
        "NMI watchdog: ",
        "watchdog: ",
        "rcu: ",
        "hung_task: ",
        "workqueue: ",
        "sched: ",
    ] {
        if rest.starts_with(mark) {
            return true;
        }
        rest = rest.strip_prefix(subsystem).unwrap_or(rest);
    }
    rest.starts_with(mark)
}

/// The function of the first `at: [<pc>] function+0x12/0x34` of the line.
pub fn lock_site(text: &str) -> Option<&str> {
    text.match_indices("at:").find_map(|(at, mark)| {
        let rest = text.get(at + mark.len()..)?.trim_start();
        let rest = match crate::frames::bracketed_pc(rest) {
            Some((_, rest)) => rest.trim_start(),
            None => rest,
        };
        let symbol = crate::frames::symbol(rest)?;
        symbol.offset?;
        symbol.name.split('.').next()
    })
}

/// A `file.c:123` on the line.
pub fn source_line(text: &str) -> Option<&str> {
    text.split([' ', '(', ')', ',', '!']).find(|word| {
        word.rsplit_once(':').is_some_and(|(file, line)| {
            !line.is_empty()
                && line.bytes().all(|b| b.is_ascii_digit())
                && file.rsplit_once('.').is_some_and(|(stem, extension)| {
                    !stem.is_empty()
                        && !extension.is_empty()
                        && extension.bytes().all(|b| b.is_ascii_lowercase())
                })
        })
    })
}
