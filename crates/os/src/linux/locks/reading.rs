//! What the kinds of waits read alike.

use base::{Evidence, Gap, Mode, Trust, VirtAddr};
use value::Field;

use super::survey::{Blocked, Survey, Surveyed};
use super::{State, Wanted};

/// Something that follows from what was read, and is not written anywhere itself.
pub(crate) fn inferred(says: impl Into<String>) -> Evidence {
    Evidence {
        says: says.into(),
        trust: Trust::Inferred,
        span: None,
    }
}

/// The wait for an event.
pub(crate) fn event(address: Option<VirtAddr>, place: Option<u32>, known: Evidence) -> Wanted {
    Wanted {
        called: None,
        address,
        mode: Mode::Event,
        place,
        known: vec![known],
    }
}

/// Of a thread that stands in a function of waits and waits for nothing of the kind, or not any more: nothing is
/// missing there. It is a gap without a name, and is not told.
pub(crate) fn no_wait() -> Gap {
    Gap::new("", "")
}

/// Whether a gap says that there is no wait.
pub(crate) fn is_no_wait(gap: &Gap) -> bool {
    gap.what.is_empty()
}

/// A state that could not be read.
pub(crate) fn unread(gap: Gap) -> State {
    State {
        gaps: vec![gap],
        ..State::default()
    }
}

impl Survey<'_, '_> {
    /// The number in a member; none where it cannot be read.
    pub(crate) fn value(&self, field: &Field, base: VirtAddr) -> Option<u64> {
        field.read(self.kernel.space(), base).ok()
    }

    /// The address in a member; none where it is NULL or cannot be read.
    pub(crate) fn pointer(&self, field: &Field, base: VirtAddr) -> Option<VirtAddr> {
        self.value(field, base).filter(|at| *at != 0).map(VirtAddr)
    }

    /// The thread that a CPU runs.
    pub(crate) fn running_on(&self, cpu: u32) -> Option<&Surveyed> {
        let mut all = self.all.iter();
        all.find(|surveyed| surveyed.task.cpu == Some(cpu))
    }

    /// What a function is called, with its module.
    pub(crate) fn called(&self, function: VirtAddr) -> String {
        match self.kernel.name(function) {
            Some(name) if name.offset == 0 => match name.module {
                Some(module) => format!("{} [{module}]", name.symbol),
                None => name.symbol,
            },
            Some(name) => name.to_string(),
            None => function.to_string(),
        }
    }
}

/// A thread in words.
pub(crate) fn who(surveyed: &Surveyed) -> String {
    format!("{} (pid {})", surveyed.task.comm, surveyed.task.pid)
}

impl Blocked<'_> {
    /// The words of the stack in the frame that shows the wait, in all that it called, and in `callers` that called
    /// it.
    pub(crate) fn words(&self, callers: usize) -> impl Iterator<Item = VirtAddr> {
        (0..=self.frame + callers)
            .filter_map(|frame| self.locals(frame))
            .flat_map(|locals| locals.step_by(8))
            .map(VirtAddr)
    }

    /// Whether its innermost frames, as far as `callers` that called the one which shows the wait, are of a function.
    pub(crate) fn is_in(&self, survey: &Survey<'_, '_>, function: &str, callers: usize) -> bool {
        let mut frames = self.stack.frames.iter().take(self.frame + callers + 1);
        frames.any(|frame| survey.function(frame) == Some(function))
    }
}
