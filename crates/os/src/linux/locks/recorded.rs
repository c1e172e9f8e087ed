//! What newer kernels write into a thread's own structure about what it waits for.

use base::{Mode, VirtAddr};

use super::survey::{Blocked, Survey};
use super::{Wanted, seen};

/// What the two lowest bits of `task_struct.blocker` say (`BLOCKER_TYPE_*` of include/linux/hung_task.h).
const TYPES: [(&str, Mode); 4] = [
    ("mutex", Mode::Exclusive),
    ("semaphore", Mode::Exclusive),
    ("rw_semaphore", Mode::Shared),
    ("rw_semaphore", Mode::Exclusive),
];

/// What a thread says itself that it waits for: a kind, the address, how.
fn blocker(survey: &Survey<'_, '_>, task: VirtAddr) -> Option<(&'static str, VirtAddr, Mode)> {
    let read = |path: &'static [&'static str]| {
        let field = survey.field("struct task_struct", path).ok()?;
        let word = field.read(survey.kernel.space(), task).ok()?;
        (word != 0).then_some(word)
    };
    // e711faaafbe5 ("hung_task: replace blocker_mutex with encoded blocker", 6.16).
    if let Some(word) = read(&["blocker"]) {
        let (kind, mode) = *TYPES.get((word & 3) as usize)?;
        return Some((kind, VirtAddr(word & !3), mode));
    }
    // 3cf67d61ff98 ("hung_task: show the blocker task if the task is hung on mutex", 6.15).
    if let Some(word) = read(&["blocker_mutex"]) {
        return Some(("mutex", VirtAddr(word), Mode::Exclusive));
    }
    // 444d83169474 ("locking/mutex: Rework task_struct::blocked_on"): a mutex. With CONFIG_DEBUG_MUTEXES it was
    // the waiter before, which lies on a stack.
    let word = read(&["blocked_on"])?;
    let is_mutex = survey.stack_of(VirtAddr(word)).is_none();
    is_mutex.then_some(("mutex", VirtAddr(word), Mode::Exclusive))
}

/// The addresses that a thread says it waits for.
pub(super) fn words(survey: &Survey<'_, '_>, task: VirtAddr) -> Vec<u64> {
    blocker(survey, task)
        .map(|(_, lock, _)| lock.0)
        .into_iter()
        .collect()
}

/// What a blocked thread waits for by its own word, where that is of the kind that its stack shows.
pub(super) fn wanted(survey: &Survey<'_, '_>, blocked: &Blocked<'_>) -> Option<Wanted> {
    let (kind, lock, mode) = blocker(survey, blocked.task.address)?;
    (kind == blocked.kind.name).then(|| Wanted {
        called: None,
        address: Some(lock),
        mode,
        place: None,
        known: vec![seen(format!(
            "the thread's own word says that it waits for the {kind} at {lock}"
        ))],
    })
}

/// Adds the word of the thread itself to what is known of its wait, where it says the same.
pub(super) fn support(survey: &Survey<'_, '_>, blocked: &Blocked<'_>, wanted: &mut Wanted) {
    let Some(told) = self::wanted(survey, blocked) else {
        return;
    };
    if told.address == wanted.address && told.known != wanted.known {
        wanted.known.extend(told.known);
    }
}
