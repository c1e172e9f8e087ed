//! Per-CPU data was used where the task can move to another CPU.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// lib/smp_processor_id.c, `check_preemption_disabled`.
pub static ENTRY: Entry = Entry {
    name: "preemption",
    meaning: "data of one CPU was used where the task can be moved to another CPU meanwhile",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: using ") && text.contains("() in preemptible"),
    folds: never,
    describe: |reading: &Reading<'_>| {
        let what = reading
            .after("BUG: using ")
            .and_then(|rest| rest.split_once("() in preemptible"));
        let what = what.map_or("", |(what, _)| what);
        let recipe = Recipe::TRACE.skipping(Names::containing(&[
            "dump_stack",
            "preemption",
            "preempt",
            "debug_",
            "processor_id",
            "this_cpu",
        ]));
        Naming::located(
            &format!("BUG: using {what}() in preemptible code"),
            reading.responsible(&recipe),
        )
        .class("LOCKDEP")
    },
    details: no_details,
};
