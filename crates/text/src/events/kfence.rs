//! KFENCE: a sampled allocation was misused.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::stack::{Recipe, Seen, Step};

/// `BUG: KFENCE: out-of-bounds read in f+0x1/0x2` (mm/kfence/report.c, `kfence_report_error`).
pub static ENTRY: Entry = Entry {
    name: "kfence",
    meaning: "the sampling memory guard caught an access outside an allocation, or after its free",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: KFENCE:"),
    folds: never,
    describe,
    details: no_details,
};

const RECIPE: Recipe = Recipe {
    steps: &[Step::Seek(head), Step::Trace],
    ..Recipe::TRACE
};

fn head(text: &str) -> Seen<'_> {
    let symbol = text
        .split_once("BUG: KFENCE: ")
        .and_then(|(_, rest)| rest.split_once(" in "))
        .and_then(|(_, rest)| crate::frames::symbol(rest));
    symbol.map_or(Seen::No, |symbol| Seen::Function(symbol.name))
}

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head_from("BUG: KFENCE:");
    let Some((what, _)) = head
        .strip_prefix("BUG: KFENCE: ")
        .and_then(|rest| rest.split_once(" in "))
    else {
        return Naming::bare(head);
    };
    let named = Naming::located(&format!("KFENCE: {what}"), reading.responsible(&RECIPE));
    match what {
        "use-after-free read" => named.also("bad-access").class("KFENCE-USE-AFTER-FREE-READ"),
        "use-after-free write" => named
            .also("bad-access")
            .class("KFENCE-USE-AFTER-FREE-WRITE"),
        "out-of-bounds read" | "invalid read" => named.also("bad-access").class("KFENCE-READ"),
        "out-of-bounds write" | "invalid write" => named.also("bad-access").class("KFENCE-WRITE"),
        "invalid free" => named
            .also("invalid-free")
            .class("KFENCE-INVALID-FREE")
            .stackless(),
        "memory corruption" => named.class("KFENCE-MEMORY-CORRUPTION").stackless(),
        _ => named.class("KFENCE-UNKNOWN"),
    }
}
