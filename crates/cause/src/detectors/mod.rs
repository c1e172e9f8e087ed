//! The detectors: each looks at one event and says what it was, as far as it can be known.
//!
//! The order of the list is the order of trust: of two findings that are
//! equally sure, the one of the earlier detector is taken. The last one takes
//! every event, so that none goes without an answer.

use base::LogEvent;

use crate::draft::Draft;
use crate::scene::Scene;

/// How a kind of event bears on those around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A task or the kernel died in it.
    Death,
    /// Memory is damaged, or was about to be; execution went on.
    Damage,
    /// A check failed; execution went on.
    Complaint,
    /// Something does not move.
    Stall,
    /// The kernel gave up.
    Panic,
    /// The hardware reported an error.
    Hardware,
    /// Something that is no defect of the kernel.
    Note,
}

/// One detector.
pub struct Detector {
    /// Its name, that of its file.
    pub name: &'static str,
    /// What it sees.
    pub sees: &'static str,
    /// The facts that it needs.
    pub needs: &'static str,
    /// What looks like it and is something else.
    pub false_friends: &'static str,
    /// How the events that it knows bear on others; none for an event that is not its own.
    pub nature: fn(&LogEvent) -> Option<Nature>,
    /// Explains an event; none when it is not what the detector looks for.
    pub explain: fn(&Scene<'_>) -> Option<Draft>,
}

base::registry! {
    /// Every detector over log events, the most specific first.
    pub static DETECTORS: [Detector] = [
        memory_failure,
        use_after_free_report,
        out_of_bounds_report,
        uninitialised_value,
        data_race,
        traced_pointer,
        bad_pointer,
        null_dereference,
        poisoned_pointer,
        bad_access,
        stack_overflow,
        list_corruption,
        refcount,
        hung_task,
        lockup_or_stall,
        lock_order,
        atomic_sleep,
        out_of_memory,
        arithmetic,
        assertion,
        filesystem_abort,
        bad_page,
        memory_leak,
        panic_without_oops,
        silent_restart,
        watchdog_after_panic,
        user_fault,
        log_first_event,
    ];
}

/// The nature of an event: that which the first detector that knows it tells.
pub fn nature(event: &LogEvent) -> Nature {
    if !event.crash {
        return Nature::Note;
    }
    DETECTORS
        .iter()
        .find_map(|detector| (detector.nature)(event))
        .unwrap_or(Nature::Complaint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_says_what_it_is() {
        let mut names: Vec<&str> = DETECTORS.iter().map(|detector| detector.name).collect();
        let last = names.last().copied();
        for detector in DETECTORS {
            for text in [detector.sees, detector.needs, detector.false_friends] {
                assert!(
                    text.len() > 10 && !text.ends_with('.'),
                    "{}: {text}",
                    detector.name
                );
            }
        }
        assert_eq!(
            last,
            Some("log_first_event"),
            "the one that takes every event stands last"
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DETECTORS.len());
    }
}
