//! Who waits for what in a kernel's memory, and who has it.
//!
//! A thread that waits stands in a function that is known for it ([`Kind::waits_in`]). The kind of lock says which one
//! it waits for, by the structure that the wait has put on the thread's own stack, and who has that one, by its words.
//! Nothing here judges: circles and blockers are found in the facts.

mod builder;
mod does;
mod futexes;
mod held;
mod kinds;
mod naming;
mod queued;
mod reading;
mod recorded;
mod scan;
mod survey;
mod told;
mod user;
mod well_known;
mod words;
mod workers;

use base::{Budget, Evidence, Gap, Trust, VirtAddr, WaitFacts};

use super::Kernel;
use builder::Builder;
use kinds::{KINDS, Kind};
use survey::Survey;
pub use told::sites_mut;

/// Threads whose waits are looked at.
const MOST: u64 = 1 << 20;

/// What a thread waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What its user knows it as, where that is another kind than the one that it is made of (a `struct mutex` of a
    /// kernel with PREEMPT_RT is a `struct rt_mutex_base`).
    pub(crate) called: Option<&'static str>,
    /// Where it lies; none for what has no place.
    pub(crate) address: Option<VirtAddr>,
    /// How it is wanted.
    pub(crate) mode: base::Mode,
    /// Its place in the queue, the first 0.
    pub(crate) place: Option<u32>,
    /// How it is known.
    pub(crate) known: Vec<Evidence>,
}

/// Who has something, by its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Its `struct task_struct`.
    pub(crate) task: VirtAddr,
    /// How it has it.
    pub(crate) mode: base::Mode,
    /// Whether it has it for sure.
    pub(crate) is_certain: bool,
    /// How it is known.
    pub(crate) known: Vec<Evidence>,
}

/// What the words of a lock, or the structures around an event, tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The words and what they mean.
    pub(crate) words: Option<String>,
    /// What it is called, where its kind knows that better than its place does.
    pub(crate) name: Option<String>,
    /// Whether one of those who have it suffices, where that is not so of all of its kind.
    pub(crate) any_suffices: bool,
    /// How many have it, where it counts them.
    pub(crate) count: Option<u64>,
    /// Who has it, or will bring it about.
    pub(crate) owners: Vec<Owner>,
    /// How it is had by those whom none of its words names, and by how many, where it counts them: who that is shows
    /// the code of their stacks.
    pub(crate) unnamed: Option<(base::Mode, Option<u64>)>,
    /// What is odd: a kind of [`base::Oddity`], and how it is known.
    pub(crate) oddities: Vec<(&'static str, Evidence)>,
    /// What could not be read.
    pub(crate) gaps: Vec<Gap>,
}

/// Something read from memory, as evidence.
pub(crate) fn seen(says: impl Into<String>) -> Evidence {
    Evidence {
        says: says.into(),
        trust: Trust::ReadFromMemory,
        span: None,
    }
}

impl Kernel<'_> {
    /// All that waits, what it waits for, and who has that.
    pub fn wait_facts(&self) -> WaitFacts {
        let survey = Survey::new(self);
        let mut builder = Builder::new(&survey);
        let mut budget = Budget::new("waiting threads", MOST);
        for shown in survey.blocked(KINDS) {
            if let Err(exhausted) = budget.spend(1) {
                builder.gap(Gap::new("some waits", exhausted.to_string()));
                break;
            }
            // A wait is made of other waits: the most telling one that can be read.
            let mut first = None;
            let found = shown.iter().find_map(|blocked| {
                let told = (blocked.kind.wait)(&survey, blocked);
                let told = told.or_else(|gap| recorded::wanted(&survey, blocked).ok_or(gap));
                match told {
                    Ok(mut wanted) => {
                        recorded::support(&survey, blocked, &mut wanted);
                        Some((blocked, wanted))
                    }
                    Err(gap) => {
                        if !reading::is_no_wait(&gap) {
                            first.get_or_insert((blocked, gap));
                        }
                        None
                    }
                }
            });
            match (found, first) {
                (Some((blocked, wanted)), _) => builder.wait(blocked, wanted),
                (None, Some((blocked, gap))) => builder.unknown(blocked, gap),
                (None, None) => {}
            }
        }
        // Who has something may be found to wait for another thing: all waits are known by now.
        builder.states(|kind: &Kind, called, address| match address {
            Some(address) if called != kind.name => kinds::state_of(&survey, called, address),
            address => (kind.state)(&survey, address),
        });
        builder.finish()
    }
}
