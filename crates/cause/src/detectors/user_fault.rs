//! A user process died of a fault of its own.

use base::{Confidence, Gap};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Segfault lines; told only where the kernel itself is well.
pub const ENTRY: Detector = Detector {
    name: "user_fault",
    sees: "a process that the kernel killed for a fault in user space",
    needs: "the kernel's line about it",
    false_friends: "a process that dies because memory or disk failed: many different ones then die",
    nature: |event| (event.kind == "user_fault").then_some(Nature::Note),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind != "user_fault" {
        return None;
    }
    let who = process(&event.headline).unwrap_or_else(|| "A process".to_owned());
    let what = event.title.split(" in ").next().unwrap_or("fault");
    let object = event.detail("object").map_or_else(String::new, |object| {
        format!(" in {}", object.split('[').next().unwrap_or(object))
    });
    Some(
        Draft::new(event)
            .verdict(format!(
                "{who}, a user process, died of a {what}{object}; the kernel is well."
            ))
            .confidence(Confidence::High)
            .gap(
                Gap::new(
                    "why the process died",
                    "the kernel prints one line about it",
                )
                .supply("the core file of the process (coredumpctl, or ulimit -c unlimited)"),
            ),
    )
}

/// `a.out[12]: segfault at 0 ip …`, `traps: a.out[12] general protection …`.
fn process(line: &str) -> Option<String> {
    let line = line.strip_prefix("traps: ").unwrap_or(line);
    let (name, rest) = line.split_once('[')?;
    let pid = rest.split_once(']')?.0;
    pid.parse::<u32>().ok()?;
    Some(format!(
        "{} (pid {pid})",
        clues::between(name, ": ", "\n").unwrap_or(name.trim())
    ))
}

#[cfg(test)]
mod tests {
    use crate::Outcome;
    use crate::testing::{detail, diagnose, event};

    #[test]
    fn the_process_is_named_and_the_kernel_cleared() {
        let mut fault = event("user_fault", 1);
        fault.crash = false;
        fault.title = "segfault in a.out".into();
        fault.headline = "a.out[12]: segfault at 0 ip 000000000040053b sp 00007ffd error 4 in a.out[400000+1000]".into();
        fault.details = vec![detail("object", "a.out[400000+1000]")];
        let told = diagnose(&[fault]);
        assert_eq!(told.outcome(), Outcome::CauseNotFound);
        assert_eq!(
            told.finding.unwrap().verdict,
            "a.out (pid 12), a user process, died of a segfault in a.out; the kernel is well."
        );
    }
}
