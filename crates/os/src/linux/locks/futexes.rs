//! The futexes of all processes: which word each waiting thread waits at, and what is known of each word.

use std::collections::BTreeMap;

use base::{Gap, VirtAddr};
use value::Field;

use super::kinds::KINDS;
use super::survey::{Blocked, Survey};

/// Functions that called the one which waits, in whose frames the `struct futex_q` may lie.
const CALLERS: usize = 4;

/// `FUTEX_TID_MASK` and `FUTEX_WAITERS` of include/uapi/linux/futex.h.
const TID: u64 = 0x3fff_ffff;
const WAITERS: u64 = 0x8000_0000;
/// `FUT_OFF_INODE` and `FUT_OFF_MMSHARED`: what is shared with other processes is known by its file.
const SHARED: u64 = 3;

/// A glibc `pthread_mutex_t` from its word on: owner, users and kind (`struct __pthread_mutex_s` of 64 bits, the same
/// since NPTL came; sysdeps/x86/nptl/bits/struct_mutex.h).
const OWNER: u64 = 8;
const USERS: u64 = 12;
const KIND: u64 = 16;
const MUTEX: u64 = 20;
/// Kinds that a mutex may have: one of four, with flags for robust, priority-inheriting and protected ones, sharing and
/// elision (nptl/pthreadP.h).
const KINDS_OF_MUTEX: u64 = 0x3f3;
/// Of those: the owner is in the word itself.
const ROBUST: u64 = 0x10;
const INHERITS: u64 = 0x20;
/// Threads that may use one mutex.
const MOST_USERS: u64 = 1 << 22;

/// A thread that waits at a word.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Its `struct futex_q`.
    pub(crate) at: VirtAddr,
    /// The word, as its process has it.
    pub(crate) user: VirtAddr,
    /// The word, where the kernel maps all of memory.
    pub(crate) place: VirtAddr,
}

/// A word that threads wait at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    /// The process of one who waits.
    pub(crate) tgid: u32,
    /// What it holds.
    pub(crate) value: u64,
    /// Where it lies in that process.
    pub(crate) user: Option<VirtAddr>,
    /// The `struct futex_pi_state` and the task that this names as owner.
    pub(crate) inheriting: Option<(VirtAddr, VirtAddr)>,
    /// The owner and the kind, where a glibc mutex is around the word.
    pub(crate) mutex: Option<(VirtAddr, u64)>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Futexes {
    /// By the `struct task_struct` of who waits.
    pub(crate) waiting: BTreeMap<u64, Result<Waiting, Gap>>,
    /// By where the kernel maps it: one word may lie at different addresses of processes, and one address is of many.
    pub(crate) words: BTreeMap<u64, Word>,
}

struct Shape {
    task: Field,
    node: Field,
    address: Field,
    offset: Field,
    pi: Field,
    owner: Field,
    mm: Field,
}

impl Shape {
    fn new(survey: &Survey<'_, '_>) -> Result<Self, Gap> {
        Ok(Shape {
            task: survey.field("struct futex_q", &["task"])?,
            node: survey.field("struct futex_q", &["list.node_list"])?,
            address: survey.field("struct futex_q", &["key.private.address"])?,
            offset: survey.field("struct futex_q", &["key.both.offset"])?,
            pi: survey.field("struct futex_q", &["pi_state"])?,
            owner: survey.field("struct futex_pi_state", &["owner"])?,
            mm: survey.field("struct task_struct", &["mm"])?,
        })
    }

    /// The `struct futex_q` of a thread, which hangs in a bucket.
    fn find(&self, survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Option<VirtAddr> {
        let space = survey.kernel.space();
        blocked.words(CALLERS).find(|at| {
            let is_its = survey.pointer(&self.task, *at) == Some(blocked.task.address);
            let node = self.node.at(*at);
            let hangs = || {
                let next = space.u64(node).ok()?;
                let back = space.u64(VirtAddr(next.wrapping_add(8))).ok()?;
                Some(next != node.0 && back == node.0)
            };
            is_its && hangs() == Some(true)
        })
    }
}

impl Futexes {
    pub(crate) fn read(survey: &Survey<'_, '_>) -> Self {
        let mut futexes = Futexes::default();
        let shape = Shape::new(survey);
        for blocked in survey.blocked(KINDS).flatten() {
            if blocked.kind.name != "futex" {
                continue;
            }
            let waiting = match &shape {
                Ok(shape) => futexes.waiting_at(survey, shape, &blocked),
                Err(gap) => Err(gap.clone()),
            };
            futexes.waiting.insert(blocked.task.address.0, waiting);
        }
        futexes
    }

    fn waiting_at(
        &mut self,
        survey: &Survey<'_, '_>,
        shape: &Shape,
        blocked: &Blocked<'_>,
    ) -> Result<Waiting, Gap> {
        let Some(at) = shape.find(survey, blocked) else {
            return Err(blocked.unknown("no struct futex_q of its own is in a queue"));
        };
        let address = survey.value(&shape.address, at);
        let key = address.zip(survey.value(&shape.offset, at));
        let Some((address, offset)) = key else {
            return Err(blocked.unknown(format!("the key of the futex_q at {at} cannot be read")));
        };
        if offset & SHARED != 0 {
            let why = "it is shared with other processes, and known by its file alone";
            return Err(blocked.unknown(why));
        }
        let user = VirtAddr(address.wrapping_add(offset));
        let Some(mm) = survey.pointer(&shape.mm, blocked.task.address) else {
            return Err(blocked.unknown("it has no memory of a process any more"));
        };
        let failed =
            |error: base::ReadError| blocked.unknown(format!("its word at {user}: {error}"));
        let physical = survey.user_page(mm, user).map_err(failed)?;
        let map = survey.kernel.memory_map().as_ref().map_err(Clone::clone)?;
        let place = VirtAddr(map.linear.0.wrapping_add(physical.0));
        let value = survey.kernel.space().u32(place).map_err(failed)?;
        let tgid = blocked.task.tgid;
        let word = self.words.entry(place.0).or_insert_with(|| Word {
            tgid,
            value: value.into(),
            user: Some(user),
            inheriting: None,
            mutex: mutex(survey, place, blocked),
        });
        if let Some(pi) = survey.pointer(&shape.pi, at)
            && let Some(owner) = survey.pointer(&shape.owner, pi)
        {
            word.inheriting = Some((pi, owner));
        }
        Ok(Waiting { at, user, place })
    }
}

/// The owner that the words around a futex name, where all of them are those of a glibc mutex that is locked, and its
/// kind.
fn mutex(
    survey: &Survey<'_, '_>,
    place: VirtAddr,
    waiter: &Blocked<'_>,
) -> Option<(VirtAddr, u64)> {
    // All of it lies in one page, or nothing is said.
    if place.0 & 0xfff > 0x1000 - MUTEX {
        return None;
    }
    let word = |offset: u64| {
        let read = survey
            .kernel
            .space()
            .u32(VirtAddr(place.0.wrapping_add(offset)));
        read.ok().map(u64::from)
    };
    let (lock, owner, users, kind) = (word(0)?, word(OWNER)?, word(USERS)?, word(KIND)?);
    let is_locked = match kind & (INHERITS | ROBUST) {
        // Who waits has made it 2.
        0 => lock == 2,
        _ => lock & TID == owner && lock & WAITERS != 0,
    };
    // Each thread that has it is counted as a user.
    let is_mutex =
        is_locked && owner != 0 && kind & !KINDS_OF_MUTEX == 0 && (1..=MOST_USERS).contains(&users);
    if !is_mutex {
        return None;
    }
    let holder = survey.numbered(waiter.task, owner)?;
    Some((holder.task.address, kind))
}
