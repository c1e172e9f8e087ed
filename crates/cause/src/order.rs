//! Which events belong together in time: boots, and how far apart they are.

use base::LogEvent;

/// Clocks of several CPUs and buffers may print a little out of order; more is a new boot.
const STEP_BACK_US: u64 = 5_000_000;

/// For every event the number of its boot, counted over all inputs.
pub struct Order {
    boots: Vec<u32>,
}

impl Order {
    /// Reads the boots off the events: a new input, a restart, a clock that starts again, or another kernel.
    pub fn new(events: &[LogEvent]) -> Self {
        let mut boots = Vec::with_capacity(events.len());
        let mut boot = 0;
        let mut latest: Option<u64> = None;
        let mut release: Option<&String> = None;
        let mut before: Option<&LogEvent> = None;
        for event in events {
            let restarted = before.is_some_and(|before| {
                before.span.input != event.span.input || before.kind == "reboot"
            });
            let clock_fell = match (latest, event.stamp.uptime_us) {
                (Some(latest), Some(now)) => now.saturating_add(STEP_BACK_US) < latest,
                _ => false,
            };
            let other_kernel = match (&release, &event.machine.release) {
                (Some(one), Some(other)) => *one != other,
                _ => false,
            };
            if restarted || clock_fell || other_kernel {
                boot += 1;
                latest = None;
                release = None;
            }
            release = event.machine.release.as_ref().or(release);
            latest = latest.max(event.stamp.uptime_us);
            before = Some(event);
            boots.push(boot);
        }
        Order { boots }
    }

    /// Whether two events happened in the same boot of the same machine.
    pub fn same_boot(&self, one: u32, other: u32) -> bool {
        let boot = |index: u32| self.boots.get(usize::try_from(index).ok()?);
        boot(one).is_some() && boot(one) == boot(other)
    }
}

/// Microseconds from one event to a later one, where both tell the time since boot.
pub fn apart(earlier: &LogEvent, later: &LogEvent) -> Option<u64> {
    Some(
        later
            .stamp
            .uptime_us?
            .saturating_sub(earlier.stamp.uptime_us?),
    )
}

/// Whether both events tell the same running task.
pub fn same_task(one: &LogEvent, other: &LogEvent) -> bool {
    // All idle tasks are pid 0: they are told apart by their CPU.
    match (one.task.pid, other.task.pid) {
        (Some(0), Some(0)) => one.task.cpu.is_some() && one.task.cpu == other.task.cpu,
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;

    #[test]
    fn a_clock_that_starts_again_is_a_new_boot() {
        let mut events = vec![event("oops", 1), event("oops", 2), event("oops", 3)];
        events[0].stamp.uptime_us = Some(90_000_000);
        events[1].stamp.uptime_us = Some(89_000_000);
        events[2].stamp.uptime_us = Some(3_000_000);
        let order = Order::new(&events);
        assert!(order.same_boot(0, 1));
        assert!(!order.same_boot(1, 2));
        assert!(!order.same_boot(0, 9));
    }

    #[test]
    fn another_kernel_is_another_boot() {
        let mut events = [event("oops", 1), event("oops", 2), event("oops", 3)];
        events[0].machine.release = Some("6.1.0".into());
        events[2].machine.release = Some("6.12.0".into());
        let order = Order::new(&events);
        assert!(order.same_boot(0, 1));
        assert!(!order.same_boot(1, 2));
    }

    #[test]
    fn a_restart_ends_a_boot() {
        let events = [event("oops", 1), event("reboot", 2), event("oops", 3)];
        let order = Order::new(&events);
        assert!(order.same_boot(0, 1));
        assert!(!order.same_boot(0, 2));
    }
}
