//! The pointer that was bad, followed through the files of the code that ran.

use crate::Detector;
use crate::draft::Draft;
use crate::scene::Scene;

/// Faults whose pointer the files of the kernel and its modules lead back to a member, an argument or a call.
pub const ENTRY: Detector = Detector {
    name: "traced_pointer",
    sees: "the function that failed as its file has it, its callers on the trace, and the types of what they \
           handle: which member, variable, argument or call the bad pointer came from, and who stores there",
    needs: "the files of exactly the kernel and modules that ran, with debug info (--debuginfo)",
    false_friends: "files of another build: they are compared with the log first, and refused",
    nature: |_| None,
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let traced = scene.traced?;
    traced.provenance.as_ref()?;
    let event = scene.event;
    let draft = Draft::new(event).fault_address(event).traced(traced);
    Some(draft.call_path(event))
}
