//! `refcount_t`: a reference count was used after it had ended, or overflowed.

use crate::naming::{Details, Entry, Naming, Reading, never, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// lib/refcount.c, `refcount_warn_saturate`; the line that says how stands around the WARNING.
pub static ENTRY: Entry = Entry {
    name: "refcount",
    meaning: "a reference count was taken or dropped when it was already gone, or it overflowed",
    crash: true,
    anchors: &["WARNING:"],
    starts: |text| says(text, "WARNING: ") && text.contains("lib/refcount.c:"),
    folds: never,
    describe: |reading: &Reading<'_>| {
        let recipe = Recipe::WARNING.skipping(Names::containing(&["refcount", "kobject_"]));
        Naming::located("WARNING: refcount bug", reading.responsible(&recipe))
            .class("REFCOUNT_WARNING")
    },
    details,
};

fn details(reading: &Reading<'_>, details: &mut Details) {
    let near = reading
        .before
        .iter()
        .rev()
        .take(4)
        .chain(reading.lines.iter().take(4));
    for line in near {
        if let Some(at) = line.text.find("refcount_t: ") {
            details.push(base::Detail {
                name: "misuse".to_owned(),
                value: line
                    .text
                    .get(at + 12..)
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
                line: line.number,
            });
            return;
        }
    }
}
