//! The kernel's own unwinder met a stack that it cannot read.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};

/// arch/x86/kernel/unwind_frame.c.
pub static ENTRY: Entry = Entry {
    name: "unwinder",
    meaning: "the kernel's stack unwinder found registers or frame pointers that cannot be right",
    crash: true,
    anchors: &["WARNING:"],
    starts: |text| {
        says(text, "WARNING: kernel stack regs")
            || says(text, "WARNING: kernel stack frame pointer")
    },
    folds: never,
    describe: |reading: &Reading<'_>| {
        let head = reading.head();
        let register = head
            .split_once("has bad '")
            .and_then(|(_, rest)| rest.split_once('\''));
        match register {
            Some((register, _)) if head.contains("stack regs at ") => Naming::plain(format!(
                "WARNING: kernel stack regs has bad '{register}' value"
            )),
            Some(_) => Naming::plain("WARNING: kernel stack regs has bad value"),
            None if head.contains("frame pointer at ") => {
                Naming::plain("WARNING: kernel stack frame pointer has bad value")
            }
            None => Naming::plain("WARNING: kernel stack regs has bad value"),
        }
    },
    details: no_details,
};
