//! Kernel code written in Rust panicked.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};
use crate::plumbing::Names;
use crate::stack::Recipe;

/// rust/kernel/lib.rs, the panic handler: the message stands on the next line.
pub static ENTRY: Entry = Entry {
    name: "rust_panic",
    meaning: "kernel code written in Rust met a state that it holds to be impossible",
    crash: true,
    anchors: &["rust_kernel: panicked"],
    starts: |text| says(text, "rust_kernel: panicked"),
    folds: never,
    describe: |reading: &Reading<'_>| {
        let recipe = Recipe::TRACE.skipping(Names::containing(&["rust_begin_unwind"]));
        match reading.lines.get(1) {
            Some(message) => Naming::located(message.text.trim(), reading.responsible(&recipe)),
            None => Naming::bare(reading.head_from("rust_kernel:")),
        }
    },
    details: no_details,
};
