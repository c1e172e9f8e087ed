//! Kmemleak found an object that nothing points to.

use crate::naming::{Entry, Naming, Reading, no_details, opens, says};
use crate::plumbing::Names;
use crate::stack::{Choice, Recipe, Seen, Step};

/// mm/kmemleak.c, `print_unreferenced`; read from debugfs it has no `BUG:` line.
pub static ENTRY: Entry = Entry {
    name: "kmemleak",
    meaning: "an allocated object is pointed to by nothing: it leaked",
    crash: true,
    anchors: &["BUG:", "unreferenced object 0x"],
    starts: |text| says(text, "BUG: memory leak") || opens(text, "unreferenced object 0x"),
    folds: |_, open| {
        open.kind == "kmemleak" && open.lines == 1 && open.head.contains("BUG: memory leak")
    },
    describe: |reading: &Reading<'_>| {
        Naming::located("memory leak", reading.responsible(&RECIPE)).class("LEAK")
    },
    details: no_details,
};

const RECIPE: Recipe = Recipe {
    steps: &[Step::Seek(backtrace), Step::Trace],
    or: &[],
    skip: Names::containing(&[
        "kmemleak",
        "mmap",
        "kmem",
        "slab",
        "alloc",
        "create_object",
        "idr_get",
        "list_lru_init",
        "kasprintf",
        "kvasprintf",
        "pcpu_create",
        "strdup",
        "strndup",
        "memdup",
    ]),
    choose: Choice::First,
};

fn backtrace(text: &str) -> Seen<'_> {
    let plain = text.contains("backtrace:");
    let checked = text
        .split_once("backtrace (crc ")
        .is_some_and(|(_, rest)| rest.contains("):"));
    if plain || checked {
        Seen::Here
    } else {
        Seen::No
    }
}
