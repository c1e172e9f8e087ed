//! A file system found its own data wrong and stopped.

use base::{Confidence, Gap};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Errors and shutdowns of ext4, XFS, btrfs and their kin.
pub const ENTRY: Detector = Detector {
    name: "filesystem_abort",
    sees: "a file system that reports damage in its data, or stops to protect them",
    needs: "the file system's message",
    false_friends: "a disk or controller that failed first: its errors stand before; memory errors that \
                    were written to disk",
    nature: |event| (event.kind == "filesystem").then_some(Nature::Damage),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "filesystem" {
        return None;
    }
    let device = clues::between(&event.headline, "(device ", ")")
        .or_else(|| clues::between(&event.headline, "(", ")"))
        .map_or_else(String::new, |device| {
            format!(" on {}", device.trim_start_matches("device "))
        });
    Some(
        Draft::new(event)
            .verdict(format!("The file system{device} found an error and stopped, or went on read-only, to protect the data."))
            .confidence(Confidence::Medium)
            .quote(event, "message", 4)
            .call_path(event)
            .gap(
                Gap::new("whether the disk, the memory or the file system's code damaged the data", "the log shows the damage, not its making")
                    .supply("the kernel log before the message (disk and controller errors), and the disk's SMART data"),
            )
            .next("Check the disk first (smartctl), then the file system, unmounted, on a copy if the data matter (fsck, xfs_repair)."),
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding};

    #[test]
    fn the_device_is_named() {
        let mut error = event("filesystem", 1);
        error.headline =
            "EXT4-fs error (device sda1): ext4_lookup:1785: inode #2: deleted inode referenced: 13"
                .into();
        assert!(
            finding(error)
                .verdict
                .starts_with("The file system on sda1 found an error")
        );
    }
}
