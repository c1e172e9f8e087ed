//! The file layer found references that cannot be.

use crate::naming::{Entry, Naming, Reading, never, no_details, says};

/// fs/open.c `filp_flush`, fs/super.c `generic_shutdown_super`.
pub static ENTRY: Entry = Entry {
    name: "vfs",
    meaning: "a file or inode is used after its last reference was dropped",
    crash: true,
    anchors: &[
        "VFS: Close: file count is 0",
        "VFS: Busy inodes after unmount",
    ],
    starts: |text| {
        says(text, "VFS: Close: file count is 0") || says(text, "VFS: Busy inodes after unmount")
    },
    folds: never,
    describe: |reading: &Reading<'_>| {
        let title = if reading.head().contains("VFS: Close") {
            "VFS: Close: file count is zero (use-after-free)"
        } else {
            "VFS: Busy inodes after unmount (use-after-free)"
        };
        Naming::plain(title).class("DoS")
    },
    details: no_details,
};
