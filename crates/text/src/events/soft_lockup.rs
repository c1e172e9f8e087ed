//! A CPU did not schedule for too long.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::stack::{Choice, Recipe};

/// kernel/watchdog.c, `watchdog_timer_fn`.
pub static ENTRY: Entry = Entry {
    name: "soft_lockup",
    meaning: "a CPU ran kernel code for so long without scheduling that the watchdog task starved",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: soft lockup"),
    folds: never,
    describe: |reading: &Reading<'_>| {
        let recipe = Recipe::FAULT.choosing(Choice::BeforeDispatch);
        Naming::located("BUG: soft lockup", reading.responsible(&recipe))
            .also("stall")
            .class("HANG")
    },
    details,
};

fn details(reading: &Reading<'_>, details: &mut Details) {
    let line = reading.lines.first().map_or(0, |line| line.number);
    if let Some((_, rest)) = reading.head().split_once("stuck for ") {
        let value = rest.split('!').next().unwrap_or_default();
        details.push(base::Detail {
            name: "stuck for".to_owned(),
            value: value.to_owned(),
            line,
        });
    }
}
