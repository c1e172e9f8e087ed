//! `BUG()` and `BUG_ON()`: the code found a state that it holds to be impossible.

use crate::naming::{Details, Entry, Naming, Reading, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// lib/bug.c, `report_bug`; MIPS: arch/mips/kernel/traps.c, `do_trap_or_bp`.
pub static ENTRY: Entry = Entry {
    name: "bug",
    meaning: "an assertion in the kernel's source failed: the code met a state that its author held to be impossible",
    crash: true,
    anchors: &["ernel BUG", "Kernel bug detected"],
    starts: |text| {
        says(text, "kernel BUG at ")
            || says(text, "Kernel BUG ")
            || says(text, "Kernel bug detected[#")
    },
    folds: |text, open| {
        // RISC-V prints a second head behind the place.
        open.kind == "bug" && open.lines < 8 && says(text, "Kernel BUG [#")
    },
    describe,
    details,
};

fn describe(reading: &Reading<'_>) -> Naming {
    if let Some(what) = reading.after("Kernel BUG ") {
        return Naming::with_stack(format!("kernel BUG {what}")).class("BUG");
    }
    // Socket buffer helpers assert what their callers did wrong.
    let recipe = Recipe::FAULT.skipping(Names {
        starts: &["skb_"],
        ..Names::NONE
    });
    Naming::located("kernel BUG", reading.responsible(&recipe)).class("BUG")
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let Some(place) = reading.after("kernel BUG at ") else {
        return;
    };
    let line = reading.lines.first().map_or(0, |line| line.number);
    let value = place.trim_end_matches('!').to_owned();
    details.push(base::Detail {
        name: "assertion".to_owned(),
        value,
        line,
    });
}
