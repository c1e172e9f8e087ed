//! Memory that nothing points to any more.

use base::Confidence;

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Kmemleak's reports and references to devices that are never dropped.
pub const ENTRY: Detector = Detector {
    name: "memory_leak",
    sees: "an allocation that nothing points to, or a device that still has references when it goes",
    needs: "the report; the stack of the allocation names who leaked",
    false_friends: "a pointer that kmemleak cannot see (in a register, in I/O memory, encoded); an \
                    object that the next scan would have found again",
    nature: |event| {
        matches!(
            event.kind.as_str(),
            "kmemleak" | "netdevice_refs" | "dentry" | "vfs"
        )
        .then_some(Nature::Complaint)
    },
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    match event.kind.as_str() {
        "kmemleak" => Some(
            Draft::new(event)
                .verdict(format!("Memory allocated{} is pointed to by nothing: it leaked.", clues::in_place(event)))
                .cause_named(Confidence::Medium)
                .quote(event, "object", 2)
                .call_path(event)
                .next(format!("Check every way out of the path through {}: one of them forgets the object.", clues::culprit(event))),
        ),
        "netdevice_refs" => Some(
            Draft::new(event)
                .verdict("A network device cannot go away: somebody holds a reference to it and does not drop it.")
                .confidence(Confidence::Medium)
                .quote(event, "message", 2)
                .gap(
                    base::Gap::new("who holds the reference", "the message counts references, it does not name holders")
                        .supply("a kernel with CONFIG_NET_DEV_REFCNT_TRACKER, or a crash dump"),
                ),
        ),
        "dentry" | "vfs" => Some(
            Draft::new(event)
                .verdict(format!(
                    "A file or a name of a file is still referred to after its last user is gone{}.",
                    clues::in_place(event)
                ))
                .verdict("A reference was taken and not dropped, or dropped twice; by whom the log alone does not tell.")
                .confidence(Confidence::Medium)
                .call_path(event)
                .gap(
                    base::Gap::new("who holds the reference", "the report counts references, it does not name holders")
                        .supply("a crash dump, or a run with KASAN"),
                ),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{event, finding};

    #[test]
    fn the_allocation_names_the_leak() {
        let mut leak = event("kmemleak", 1);
        leak.frame = Some("desk_open".into());
        assert_eq!(
            finding(leak).verdict,
            "Memory allocated in desk_open is pointed to by nothing: it leaked."
        );
    }
}
