//! Who waits for what and who has it: plain data, each piece with how it is known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Evidence, Gap, StackTrace, Thread, VirtAddr};

/// A thread that waits, or has what others wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// The address of the structure that stands for it (`struct task_struct`, `kthread_t`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<VirtAddr>,
    /// The thread.
    pub thread: Thread,
    /// Whether it has ended, or its memory is another's by now: it gives nothing back any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_gone: bool,
    /// What it does where it waits for nothing that is known, as a clause (`it runs on CPU 1 in spin_here+0x10/0x20`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub does: String,
    /// Its stack, where a reader of the finding needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackTrace>,
}

/// What is waited for: a lock, or an event that somebody must bring about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// Its kind (`mutex`, `rw_semaphore`, `completion`, `work item` …).
    pub kind: String,
    /// Where it lies; none for what has no place (an RCU grace period).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<VirtAddr>,
    /// What it is called: a symbol (`rtnl_mutex`, `aggr1.lock`), else the type and member or the slab cache and the
    /// offset of what it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it protects, of well-known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The words that tell its state and what they mean (`count 0x103: one reader, waiters, hand-off`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// How many have it by its own count, where it counts them; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Whether one of those who have it suffices to let a waiter go (a semaphore, a completion); else all must.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_suffices: bool,
    /// What could not be read of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// How something is had or wanted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Alone: a mutex, a write lock.
    Exclusive,
    /// With others: a read lock.
    Shared,
    /// It is no lock: a thread brings it about, another waits until it has come.
    Event,
}

/// Where in the code of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// The function.
    pub function: String,
    /// Its module; none for the kernel itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The address: of the call, or that it returns to; none where it was not printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pc: Option<VirtAddr>,
    /// `file:line`, where debug info or a report tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The number of the frame in the thread's stack, the innermost 0: what lies deeper was done later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<u32>,
}

/// A thread waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// The place of the thread in [`WaitFacts::threads`].
    pub thread: u32,
    /// The place of what it waits for in [`WaitFacts::resources`].
    pub resource: u32,
    /// How it wants it.
    pub mode: Mode,
    /// For how long, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_us: Option<u64>,
    /// Its place in the queue, the first 0, where there is one: it may wait for those before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u32>,
    /// The function that wanted it, not the primitive that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// How it is known.
    pub known: Vec<Evidence>,
}

/// A thread has something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// The place of the thread in [`WaitFacts::threads`].
    pub thread: u32,
    /// The place of what it has in [`WaitFacts::resources`].
    pub resource: u32,
    /// How it has it.
    pub mode: Mode,
    /// Whether it has it for sure; else it may (it took it on some of the ways that lead where it is).
    pub is_certain: bool,
    /// Where it took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// How it is known, the surest first.
    pub known: Vec<Evidence>,
}

/// Something about a lock that a healthy system does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Oddity {
    /// What kind of thing (`no_owner`, `owner_gone`, `owner_freed`, `bad_word`, `too_many_holders`).
    pub kind: String,
    /// The place of the resource in [`WaitFacts::resources`].
    pub resource: u32,
    /// What is odd, and how it is known.
    pub known: Evidence,
}

/// Everything that a target tells of waiting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitFacts {
    /// Which of the report's inputs, counted from 0.
    pub input: u32,
    /// The threads that wait or have something.
    pub threads: Vec<Party>,
    /// What is waited for, or had.
    pub resources: Vec<Resource>,
    /// Who waits; a thread waits for one thing at a time.
    pub waits: Vec<Wait>,
    /// Who has what.
    pub holds: Vec<Hold>,
    /// What is odd about it.
    pub oddities: Vec<Oddity>,
    /// What is missing.
    pub gaps: Vec<Gap>,
}

/// How threads hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HangShape {
    /// Each waits for the next, and the last for the first.
    Cycle,
    /// A thread waits for what it has itself, or for its own end.
    Itself,
    /// All wait, directly or through others, for one thread that waits for nothing known.
    Blocker,
    /// What they wait for is had by a thread that has ended.
    OwnerGone,
    /// Nobody has what they wait for, and nobody is about to bring it about.
    Ownerless,
}

/// Why one thread must wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkReason {
    /// It has what is waited for.
    Has,
    /// It stands before it in the queue, and wants it in a way that lets nobody by.
    QueuedBefore,
}

/// One step of a hang: a thread waits for another, or for what nobody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HangLink {
    /// The place of the one that waits in [`Hang::threads`].
    pub waiter: u32,
    /// How it wants it.
    pub wants: Mode,
    /// For how long it has waited, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_us: Option<u64>,
    /// Where it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_at: Option<Site>,
    /// What it waits for.
    pub resource: Resource,
    /// The place of the one that it waits for in [`Hang::threads`]; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<u32>,
    /// Why it must wait for that one.
    pub reason: LinkReason,
    /// How that one has it, or wants it.
    pub has: Mode,
    /// Whether that is certain.
    pub is_certain: bool,
    /// Where that one took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Site>,
}

/// A hang: the threads of a circle, or the chain that ends at the one all wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hang {
    /// How they hang.
    pub shape: HangShape,
    /// The threads, in the order of the links.
    pub threads: Vec<Party>,
    /// The steps. Of a circle the last one's holder is the first one's waiter.
    pub links: Vec<HangLink>,
    /// How many other threads wait for these, directly or through others.
    pub behind: u64,
    /// Some of those, the longest wait first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub some_behind: Vec<Party>,
    /// The longest wait of all, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_us: Option<u64>,
}

impl Party {
    /// A thread of which nothing is known but, perhaps, where it lies.
    pub fn unknown(address: Option<VirtAddr>) -> Self {
        Party {
            address,
            thread: Thread {
                pid: 0,
                tgid: 0,
                comm: String::new(),
                state: String::new(),
                cpu: None,
                is_kernel: false,
            },
            is_gone: false,
            does: String::new(),
            stack: None,
        }
    }
}

impl WaitFacts {
    /// The same as those of the report's input of this number, also where they say in which lines they stand.
    #[must_use]
    pub fn of_input(mut self, input: u32) -> Self {
        self.input = input;
        let waits = self.waits.iter_mut().flat_map(|wait| &mut wait.known);
        let holds = self.holds.iter_mut().flat_map(|hold| &mut hold.known);
        let odd = self.oddities.iter_mut().map(|oddity| &mut oddity.known);
        for span in waits
            .chain(holds)
            .chain(odd)
            .filter_map(|known| known.span.as_mut())
        {
            span.input = input;
        }
        self
    }
}
