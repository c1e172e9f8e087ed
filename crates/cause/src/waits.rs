//! Who waits for what: hung tasks, the locks that the kernel printed, and circles among them.

use base::{Frame, LogEvent, Trust};

use crate::clues;
use crate::helpers::is_helper;

mod functions;
mod locks;

pub use functions::waits_for;
pub use locks::{held_locks, lock};

/// A hung task as its report tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its name.
    pub comm: String,
    /// Its process id, as printed.
    pub pid: String,
}

impl Waiter {
    /// `provoke (pid 92)`.
    pub fn told(&self) -> String {
        format!("{} (pid {})", self.comm, self.pid)
    }
}

/// The task that a hung task report is about.
pub fn waiter(event: &LogEvent) -> Option<Waiter> {
    // The head names the sleeper; "who was running" may be the watchdog.
    let rest = event.headline.split_once("task ").map(|(_, rest)| rest);
    if let Some(waiter) = rest.and_then(task_and_pid) {
        return Some(waiter);
    }
    let (comm, pid) = (event.task.comm.clone()?, event.task.pid?);
    Some(Waiter {
        comm,
        pid: pid.to_string(),
    })
}

/// `name:12 …`; the name may hold colons and blanks.
fn task_and_pid(text: &str) -> Option<Waiter> {
    for (at, _) in text.match_indices(':') {
        let (comm, rest) = text.split_at_checked(at)?;
        let digits: String = rest
            .chars()
            .skip(1)
            .take_while(char::is_ascii_digit)
            .collect();
        let after = rest.get(1 + digits.len()..).unwrap_or_default();
        if !digits.is_empty() && !after.starts_with(|c: char| c.is_alphanumeric() || c == ':') {
            return Some(Waiter {
                comm: comm.to_owned(),
                pid: digits,
            });
        }
    }
    None
}

/// One step of a wait: who waits, for which lock, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The one that waits.
    pub waiter: Waiter,
    /// The lock: its class, or what it is.
    pub lock: String,
    /// The one that holds it.
    pub holder: Waiter,
    /// The line that tells it.
    pub line: u64,
    /// How it is known.
    pub trust: Trust,
}

/// Who holds what the tasks of `events` wait for, as far as the log tells.
pub fn steps(events: &[&LogEvent]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for event in events {
        for detail in clues::details(event, "blocker") {
            // The kernel repeats its reports while nothing moves.
            let step = blocker(&detail.value, detail.line).filter(|step| {
                let same = |known: &Step| {
                    known.waiter.pid == step.waiter.pid && known.holder.pid == step.holder.pid
                };
                !steps.iter().any(same)
            });
            steps.extend(step);
        }
    }
    // Only who waits for a lock has it as the last one in its table; who waits for something
    // else holds even the last.
    let waiting: Vec<Waiter> = events
        .iter()
        .filter(|event| waits_for(event).is_some_and(|(what, _)| is_lock(what)))
        .filter_map(|event| waiter(event))
        .collect();
    for event in events {
        let table = held_locks(event);
        // Lockdep counts a lock as held from the moment it is asked for: the last lock of a
        // task that hangs is the one that it waits for.
        let wanted = table
            .iter()
            .filter(|held| held.last && waiting.iter().any(|waiter| waiter.pid == held.pid));
        for want in wanted {
            let holder = table.iter().find(|held| {
                let also_waits = held.last && waiting.iter().any(|waiter| waiter.pid == held.pid);
                held.pid != want.pid
                    && held.address == want.address
                    && !also_waits
                    && !want.address.is_empty()
            });
            let known = steps.iter().any(|step: &Step| step.waiter.pid == want.pid);
            if let (Some(holder), false) = (holder, known) {
                steps.push(Step {
                    waiter: Waiter {
                        comm: want.comm.clone(),
                        pid: want.pid.clone(),
                    },
                    lock: want.class.clone(),
                    holder: Waiter {
                        comm: holder.comm.clone(),
                        pid: holder.pid.clone(),
                    },
                    line: holder.line,
                    trust: Trust::Inferred,
                });
            }
        }
    }
    steps
}

/// Pairs of tasks of which one waits for a lock in a function that the other has entered and
/// gone further in: the waiter, the likely holder, the function, the line of the holder's frame.
///
/// A hint, no proof: the other may have released the lock again, or it is another object's.
pub fn passed(events: &[&LogEvent]) -> Vec<(Waiter, Waiter, String, u64)> {
    let mut pairs: Vec<(Waiter, Waiter, String, u64)> = Vec::new();
    for event in events.iter().take(PASSED) {
        let (Some(who), Some((what, wait))) = (waiter(event), waits_for(event)) else {
            continue;
        };
        if !is_lock(what) {
            continue;
        }
        let Some(site) = frames(event).find(|frame| frame.line > wait.line && !is_wait(frame))
        else {
            continue;
        };
        for other in events.iter().take(PASSED) {
            let Some(holder) = waiter(other).filter(|holder| holder.pid != who.pid) else {
                continue;
            };
            let further = frames(other).skip(1).find(|frame| {
                frame.function == site.function
                    && frame.module == site.module
                    && frame.offset > site.offset
            });
            let known = pairs
                .iter()
                .any(|(one, two, ..)| one.pid == who.pid && two.pid == holder.pid);
            if let (Some(frame), false) = (further, known) {
                let function = site.function.clone().unwrap_or_default();
                pairs.push((who.clone(), holder, function, frame.line));
            }
        }
    }
    pairs
}

/// Whether a thing waited for has a holder that lockdep knows.
fn is_lock(what: &str) -> bool {
    what.contains("mutex") || what.contains("semaphore")
}

/// Tasks that are compared with each other; more would be quadratic.
const PASSED: usize = 32;

/// The reliable frames of the first trace.
fn frames(event: &LogEvent) -> impl Iterator<Item = &Frame> {
    event
        .traces
        .first()
        .into_iter()
        .flat_map(|trace| &trace.frames)
        .filter(|frame| frame.trust != Trust::PrintedAsUnreliable)
        .take(32)
}

fn is_wait(frame: &Frame) -> bool {
    let name = clues::plain(frame.function.as_deref().unwrap_or_default());
    functions::is_wait(name) || is_helper(name)
}

/// `INFO: task a:12 is blocked on a mutex likely owned by task b:13.` (6.16).
fn blocker(text: &str, line: u64) -> Option<Step> {
    let (_, rest) = text.split_once("task ")?;
    let (who, rest) = rest.split_once(" blocked on a")?;
    let (lock, rest) = rest.split_once(" owned by ")?;
    let rest = rest.split_once("task ").map_or(rest, |(_, rest)| rest);
    let lock = lock.trim_start_matches('n').trim();
    Some(Step {
        waiter: task_and_pid(
            who.trim_end_matches(" is")
                .trim_end_matches(" <writer>")
                .trim_end_matches(" <reader>"),
        )?,
        lock: format!(
            "a {}",
            lock.trim_end_matches("likely").trim_end_matches(',').trim()
        ),
        holder: task_and_pid(rest)?,
        line,
        trust: Trust::PrintedByKernel,
    })
}

/// The steps of a circle that begins at the first waiter of `steps`, or none.
pub fn circle(steps: &[Step]) -> Option<Vec<&Step>> {
    for first in steps {
        let mut path = vec![first];
        let mut at = first;
        // A circle is never longer than the steps there are.
        while path.len() <= steps.len() {
            if at.holder.pid == first.waiter.pid {
                return Some(path);
            }
            let Some(next) = steps.iter().find(|step| step.waiter.pid == at.holder.pid) else {
                break;
            };
            path.push(next);
            at = next;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{detail, event, trace};

    #[test]
    fn tasks_are_read_from_heads() {
        let mut hung = event("hung_task", 1);
        hung.headline = "INFO: task kworker/u4:3:55 blocked for more than 120 seconds.".into();
        let told = waiter(&hung).unwrap();
        assert_eq!(
            (told.comm.as_str(), told.pid.as_str()),
            ("kworker/u4:3", "55")
        );
    }

    #[test]
    fn the_most_telling_wait_counts() {
        let mut hung = event("hung_task", 1);
        hung.traces = vec![trace(
            "Call Trace",
            &[
                "__schedule",
                "schedule",
                "schedule_timeout",
                "__wait_for_common",
                "__flush_work",
                "netdev_down",
            ],
        )];
        assert_eq!(waits_for(&hung).unwrap().0, "a work item to finish");
        hung.traces = vec![trace("Call Trace", &["__schedule", "schedule", "poll"])];
        assert_eq!(waits_for(&hung), None);
    }

    #[test]
    fn locks_are_read_in_both_forms() {
        assert_eq!(
            lock("#1: ffff888012345678 (&mm->mmap_lock){++++}-{3:3}, at: do_mmap+0x1/0x2"),
            ("ffff888012345678", "&mm->mmap_lock", "do_mmap+0x1/0x2")
        );
        assert_eq!(
            lock("(rtnl_mutex){+.+.}, at: [<0000000058d7a825>] rtnl_lock+0x17/0x20"),
            ("", "rtnl_mutex", "rtnl_lock+0x17/0x20")
        );
    }

    #[test]
    fn a_circle_of_waits_is_found() {
        let mut one = event("hung_task", 1);
        one.headline = "INFO: task a:1 blocked for more than 120 seconds.".into();
        one.details = vec![detail(
            "blocker",
            "INFO: task a:1 is blocked on a mutex likely owned by task b:2.",
        )];
        let mut two = event("hung_task", 20);
        two.headline = "INFO: task b:2 blocked for more than 120 seconds.".into();
        two.details = vec![detail(
            "blocker",
            "INFO: task b:2 is blocked on a mutex, likely owned by task a:1.",
        )];
        let steps = steps(&[&one, &two]);
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[0].lock, "a mutex");
        assert_eq!(circle(&steps).unwrap().len(), 2);
        assert!(circle(&steps[..1]).is_none());
    }

    #[test]
    fn a_task_that_went_further_may_hold_the_lock() {
        let mut one = event("hung_task", 1);
        one.headline = "INFO: task a:1 blocked for more than 3 seconds.".into();
        one.traces = vec![trace(
            "Call Trace",
            &["msleep", "printer_warm_up", "printer_print", "vfs_write"],
        )];
        one.traces[0].frames[2].offset = Some(0x1d);
        let mut two = event("hung_task", 20);
        two.headline = "INFO: task b:2 blocked for more than 3 seconds.".into();
        two.traces = vec![trace(
            "Call Trace",
            &["schedule", "__mutex_lock", "printer_print", "vfs_write"],
        )];
        two.traces[0].frames[1].line = 25;
        two.traces[0].frames[2].line = 26;
        let pairs = passed(&[&one, &two]);
        assert_eq!(pairs.len(), 1);
        assert_eq!(
            (pairs[0].0.pid.as_str(), pairs[0].1.pid.as_str()),
            ("2", "1")
        );
    }

    #[test]
    fn the_lock_table_tells_holders() {
        let mut hung = event("hung_task", 1);
        hung.headline = "INFO: task a:1 blocked for more than 120 seconds.".into();
        hung.details = vec![
            detail("holder", "2 locks held by a/1:"),
            detail(
                "held lock",
                "#0: ffff01 (sb_writers){.+.+}-{0:0}, at: vfs_write+0x1/0x2",
            ),
            detail(
                "held lock",
                "#1: ffff02 (&desk->lock){+.+.}-{3:3}, at: desk_write+0x1/0x2",
            ),
            detail("holder", "1 lock held by b/2:"),
            detail(
                "held lock",
                "#0: ffff02 (&desk->lock){+.+.}-{3:3}, at: desk_sleep+0x1/0x2",
            ),
        ];
        assert!(
            steps(&[&hung]).is_empty(),
            "who waits for no lock holds all of them"
        );
        hung.traces = vec![trace(
            "Call Trace",
            &["schedule", "__mutex_lock", "desk_write"],
        )];
        let steps = steps(&[&hung]);
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].holder.told(), "b (pid 2)");
        assert_eq!(steps[0].trust, Trust::Inferred);
    }
}
