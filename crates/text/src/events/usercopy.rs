//! Hardened usercopy refused to copy between user space and an object.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// mm/usercopy.c, `usercopy_abort`.
pub static ENTRY: Entry = Entry {
    name: "usercopy",
    meaning: "a copy to or from user space would have left the object that it names",
    crash: true,
    anchors: &["ernel BUG"],
    starts: |text| says(text, "kernel BUG at mm/usercopy.c"),
    folds: never,
    describe: |reading: &Reading<'_>| {
        let recipe = Recipe::TRACE.skipping(Names::containing(&["usercopy", "__check"]));
        Naming::located("BUG: bad usercopy", reading.responsible(&recipe)).class("BUG")
    },
    details: no_details,
};
