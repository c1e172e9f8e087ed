//! File systems that found their data wrong and stopped or went on.

use crate::naming::{Details, Entry, Naming, Reading, never, opens};

/// fs/ext4/super.c `__ext4_error`, fs/xfs/xfs_fsops.c `xfs_do_force_shutdown`, fs/btrfs/messages.c.
///
/// A note: the cause is most often a device, an image or an earlier crash.
pub static ENTRY: Entry = Entry {
    name: "filesystem",
    meaning: "a file system found its own data wrong, and stopped writing or refused the operation",
    crash: false,
    anchors: &[
        "EXT4-fs error",
        "Corruption of in-memory data",
        "Filesystem has been shut down",
        "BTRFS error",
        "BTRFS critical",
        "BTRFS: Transaction aborted",
        "Remounting filesystem read-only",
        "forced readonly",
        "Corruption detected. Unmount",
    ],
    starts: |text| form(text).is_some(),
    folds: never,
    describe: |reading: &Reading<'_>| Naming::plain(form(reading.head()).unwrap_or_default()),
    details,
};

fn form(text: &str) -> Option<&'static str> {
    if opens(text, "EXT4-fs error")
        || opens(text, "EXT4-fs (") && text.contains("Remounting filesystem read-only")
    {
        return Some("EXT4-fs error");
    }
    if opens(text, "XFS (") {
        let shut = [
            "Corruption of in-memory data",
            "Filesystem has been shut down",
            "Corruption detected. Unmount",
        ];
        return shut
            .iter()
            .any(|form| text.contains(form))
            .then_some("XFS: shut down after corruption");
    }
    if opens(text, "BTRFS") {
        let gave_up = text.contains("Transaction aborted") || text.contains("forced readonly");
        return if gave_up {
            Some("BTRFS: transaction aborted")
        } else if opens(text, "BTRFS critical") || opens(text, "BTRFS error") {
            Some("BTRFS error")
        } else {
            None
        };
    }
    None
}

fn details(reading: &Reading<'_>, details: &mut Details) {
    let line = reading.lines.first().map_or(0, |line| line.number);
    details.push(base::Detail {
        name: "message".to_owned(),
        value: reading.head().trim().to_owned(),
        line,
    });
}
