//! The machine started again without a word.

use crate::naming::{Entry, Naming, Reading, never, no_details};

/// The boot loader's decompressor, in the middle of a log.
pub static ENTRY: Entry = Entry {
    name: "reboot",
    meaning: "the machine started again in the middle of the log, and nothing says why",
    crash: true,
    anchors: &["Booting the kernel."],
    starts: |text| text.starts_with("Booting the kernel."),
    folds: never,
    describe: |_: &Reading<'_>| Naming::plain("unexpected kernel reboot").class("REBOOT"),
    details: no_details,
};
