//! A directory entry was in use when its file system went away.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};

/// fs/dcache.c, `umount_check`.
pub static ENTRY: Entry = Entry {
    name: "dentry",
    meaning: "a file system was unmounted while something still referred to a name in it",
    crash: true,
    anchors: &["BUG:"],
    starts: |text| says(text, "BUG: Dentry ") && text.contains(" still in use"),
    folds: never,
    describe: |reading: &Reading<'_>| {
        // File system and device make a second name; they differ between runs of one defect.
        let inside = reading
            .head()
            .rsplit_once('[')
            .and_then(|(_, rest)| rest.split_once(']'));
        match inside.and_then(|(inside, _)| inside.split_once(" of ")) {
            Some((what, of)) if what == "unmount" => Naming {
                alt: vec![format!("BUG: Dentry still in use [{what} of {of}]")],
                ..Naming::with_stack(format!("BUG: Dentry still in use in {what}"))
            },
            _ => Naming::bare(reading.head_from("BUG:")),
        }
    },
    details: no_details,
};
