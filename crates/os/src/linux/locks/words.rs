//! What the words of locks have in common: members that are read by name, flags, and who a word names.

use base::{Gap, VirtAddr};

use super::survey::Survey;

/// Reads a member of the structure `layout` at `at`; `paths` are its names, the newest first.
pub(crate) fn member(
    survey: &Survey<'_, '_>,
    layout: &'static str,
    paths: &'static [&'static str],
    at: VirtAddr,
) -> Result<u64, Gap> {
    let field = survey.field(layout, paths)?;
    let read = field.read(survey.kernel.space(), at);
    read.map_err(|error| {
        let name = paths.first().copied().unwrap_or_default();
        Gap::new(format!("{name} of the {layout} at {at}"), error.to_string())
    })
}

/// The 32-bit word of the lock of this kind at `at`.
pub(crate) fn word(survey: &Survey<'_, '_>, kind: &str, at: VirtAddr) -> Result<u32, Gap> {
    let read = survey.kernel.space().u32(at);
    read.map_err(|error| Gap::new(format!("the word of the {kind} at {at}"), error.to_string()))
}

/// The thread at an address in words.
pub(crate) fn who(survey: &Survey<'_, '_>, task: VirtAddr) -> String {
    match survey.task_at(task) {
        Some(found) => format!("{} (pid {})", found.task.comm, found.task.pid),
        None => format!("{task}, which is no task"),
    }
}

/// The names of the flags that are set in a word, each behind a comma.
pub(crate) fn flags(word: u64, names: &[(u64, &str)]) -> String {
    let set = names.iter().filter(|(bit, _)| word & bit != 0);
    set.map(|(_, name)| format!(", {name}")).collect()
}

/// `1 reader`, `3 readers`.
pub(crate) fn counted(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}
