//! The hardware said that it failed.

use base::{Confidence, LogEvent};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Machine checks, ECC errors, PCIe errors, memory failures.
pub const ENTRY: Detector = Detector {
    name: "memory_failure",
    sees: "an error that the processor, the memory or the firmware reported",
    needs: "the hardware error's lines",
    false_friends: "corrected errors, which harm nothing by themselves; a machine check that bad \
                    firmware or an overclocked part provokes",
    nature: |event| (event.kind == "hardware_error").then_some(Nature::Hardware),
    explain,
};

/// Whether the hardware corrected the error by itself.
pub fn corrected(event: &LogEvent) -> bool {
    let all = || {
        event
            .details
            .iter()
            .map(|detail| detail.value.as_str())
            .chain([event.headline.as_str()])
    };
    let bad = all().any(|text| {
        ["uncorrect", "fatal", " UE", "Uncorrect", "Fatal", "panic"]
            .iter()
            .any(|word| text.contains(word))
    });
    !bad && all().any(|text| clues::says(text, "corrected") || text.contains(" CE "))
}

/// Accesses that the memory system itself refused, by the words of arm64, arm and MIPS.
const ABORTS: &[&str] = &[
    "external abort",
    "SError",
    "bus error",
    "parity error",
    "ECC error",
];

fn abort(event: &LogEvent) -> Draft {
    Draft::new(event)
        .verdict(format!(
            "The memory system answered an access of the CPU with an error{}.",
            clues::in_instruction(event)
        ))
        .verdict("A device that is off or absent was accessed, or memory or a bus failed; which one the log alone does not tell.")
        .confidence(Confidence::Medium)
        .fault_address(event)
        .call_path(event)
        .next("If the address belongs to a device, check its clock and power; if it is memory, test the memory.")
}

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind == "oops"
        && ABORTS
            .iter()
            .any(|words| clues::says(&event.headline, words))
    {
        return Some(abort(event));
    }
    if event.kind != "hardware_error" {
        return None;
    }
    let draft = Draft::new(event).quote(event, "hardware", 8);
    Some(if corrected(event) {
        draft
            .verdict("The hardware reported an error that it corrected by itself.")
            .verdict("It does no harm alone; many of them announce a part that will fail.")
            .confidence(Confidence::Medium)
            .next("Count them over time by part (rasdaemon, edac-util) and replace the part when they grow.")
    } else {
        draft
            .verdict("The hardware reported an error that it could not correct: suspect the processor, the memory or the board, not the software.")
            .cause_named(Confidence::Medium)
            .next("Decode the bank and status for the exact part (mcelog, rasdaemon, the board's own log) and test or replace it.")
            .next("Do not trust what crashes after it in this log.")
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{detail, event, finding};

    #[test]
    fn uncorrected_errors_accuse_the_hardware() {
        let mut error = event("hardware_error", 1);
        error.details = vec![detail(
            "hardware",
            "CPU 1: Machine Check Exception: 5 Bank 0: be00000000800400",
        )];
        assert!(finding(error.clone()).cause_named);
        error.details = vec![detail(
            "hardware",
            "Machine check events logged: corrected error, no action required.",
        )];
        assert!(!finding(error).cause_named);
    }
}
