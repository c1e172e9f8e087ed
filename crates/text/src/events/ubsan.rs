//! UBSAN: the undefined-behaviour sanitizer.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// `UBSAN: array-index-out-of-bounds in file.c:12:3` (lib/ubsan.c, `ubsan_prologue`).
pub static ENTRY: Entry = Entry {
    name: "ubsan",
    meaning: "the undefined-behaviour sanitizer caught arithmetic or an index outside its type",
    crash: true,
    anchors: &["UBSAN:"],
    starts: |text| says(text, "UBSAN:"),
    folds: never,
    describe,
    details: no_details,
};

const RECIPE: Recipe = Recipe::TRACE.skipping(Names::containing(&["ubsan", "overflow"]));

fn describe(reading: &Reading<'_>) -> Naming {
    let head = reading.head_from("UBSAN:");
    let Some(what) = head
        .strip_prefix("UBSAN: ")
        .and_then(|rest| rest.split_once(" in"))
    else {
        return Naming::bare(head);
    };
    let what = match what.0 {
        "Undefined behaviour" => "undefined-behaviour",
        other => other,
    };
    let named = Naming::located(&format!("UBSAN: {what}"), reading.responsible(&RECIPE));
    if what == "array-index-out-of-bounds" {
        return named.also("bad-access").class("MEMORY_SAFETY_UBSAN");
    }
    named.class("UBSAN")
}
