//! The table "Showing all locks held in the system", and the notation of a lock.

use base::LogEvent;

use super::Waiter;

/// A lock that a task holds or waits for, from "Showing all locks held in the system".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Pid of the task.
    pub pid: String,
    /// Name of the task.
    pub comm: String,
    /// Address of the lock, as printed; equal addresses are equal locks.
    pub address: String,
    /// Class of the lock.
    pub class: String,
    /// Where it was taken.
    pub at: String,
    /// Whether it is the last lock of its task.
    pub last: bool,
    /// The line.
    pub line: u64,
}

/// The table of held locks that an event carries.
pub fn held_locks(event: &LogEvent) -> Vec<Held> {
    let mut table: Vec<Held> = Vec::new();
    let mut owner: Option<Waiter> = None;
    for detail in &event.details {
        match detail.name.as_str() {
            "holder" => {
                owner = detail
                    .value
                    .split_once(" held by ")
                    .and_then(|(_, who)| who.trim_end_matches(':').rsplit_once('/'))
                    .map(|(comm, pid)| Waiter {
                        comm: comm.to_owned(),
                        pid: pid.to_owned(),
                    });
            }
            "held lock" => {
                let Some(owner) = &owner else { continue };
                for held in table.iter_mut().filter(|held| held.pid == owner.pid) {
                    held.last = false;
                }
                let (address, class, at) = lock(&detail.value);
                table.push(Held {
                    pid: owner.pid.clone(),
                    comm: owner.comm.clone(),
                    address: address.to_owned(),
                    class: class.to_owned(),
                    at: at.to_owned(),
                    last: true,
                    line: detail.line,
                });
            }
            _ => {}
        }
    }
    table
}

/// `#0: ffff88 (&mm->mmap_lock){++++}-{3:3}, at: f+0x1/0x2`: address, class, place.
pub fn lock(text: &str) -> (&str, &str, &str) {
    let text = match text.strip_prefix('#') {
        Some(rest) => rest.split_once(':').map_or(rest, |(_, rest)| rest),
        None => text,
    };
    let (lock, at) = text.split_once(", at: ").unwrap_or((text, ""));
    let (address, rest) = lock.split_once('(').unwrap_or(("", lock));
    let class = match rest.split_once("){") {
        Some((class, _)) => class,
        None => rest.trim_end_matches(')'),
    };
    // Old kernels print the address of the place: `[<00000000>] f+0x1/0x2`.
    let at = match at.strip_prefix('[') {
        Some(rest) => rest.split_once("] ").map_or(at, |(_, at)| at),
        None => at,
    };
    (address.trim(), class.trim(), at.trim())
}
