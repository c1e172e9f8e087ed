//! A page fault at an address that looks valid.

use base::{Confidence, Fault, LogEvent, Trust};

use super::bad_pointer;
use crate::draft::Draft;
use crate::pointers::classify;
use crate::provenance::{self, Agreement};
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Faults that no pattern explains: unmapped, read-only or forbidden memory.
pub const ENTRY: Detector = Detector {
    name: "bad_access",
    sees: "a kernel access that the page tables forbid, at an address of the form that valid ones have",
    needs: "the fault address and the error code",
    false_friends: "memory that was unmapped a moment before (a freed vmalloc area, an unloaded module); a \
                    pointer with one bit flipped by the hardware",
    nature: |event| (event.kind == "oops").then_some(Nature::Death),
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind == "general_protection" {
        return Some(refused(event));
    }
    let fault = event.fault.as_ref()?;
    let address = fault.address?;
    if !event.crash || classify(address.0, event.machine.arch.as_deref()).is_some() {
        return None;
    }
    let place = clues::in_instruction(event);
    let verb = match fault.access.as_deref() {
        Some("read") => "read",
        Some("write") => "wrote to",
        Some("execute") => "ran code at",
        _ => "accessed",
    };
    let (what, reading) = match kind(fault) {
        Kind::Forbidden if fault.access.as_deref() == Some("write") => (
            "the page is mapped read-only",
            "The page is there and its rights forbid the write: constants, code, or data made \
             read-only after initialisation",
        ),
        Kind::Forbidden if fault.access.as_deref() == Some("execute") => (
            "the page holds data, not code",
            "The page is there and may not be executed: a damaged function pointer or return address",
        ),
        Kind::Forbidden => (
            "the rights of the page forbid it",
            "The page is there and its rights forbid the access",
        ),
        Kind::Reserved => (
            "the page table is damaged",
            "A reserved bit is set in a page table: suspect memory corruption or the hardware",
        ),
        Kind::Unmapped => (
            "nothing is mapped there",
            "The address has the form of a valid one: memory that was freed or unmapped, an index out \
             of range, or a pointer that was overwritten in part",
        ),
    };
    // Of a pointer that looks valid the code bytes tell where it came from as well.
    let provenance = provenance::trace(event).ok().filter(|provenance| {
        matches!(
            provenance.access.agreement,
            Agreement::Same | Agreement::Inside
        )
    });
    let whence = provenance.as_ref().and_then(provenance::origin_of_pointer);
    let mut draft = Draft::new(event)
        .verdict(format!(
            "The kernel {verb} address {address}{place}: {what}."
        ))
        .verdict(whence.unwrap_or_else(|| {
            "Where the address came from, the log alone does not tell.".to_owned()
        }))
        .confidence(Confidence::Medium)
        .fault_address(event);
    if let Some(provenance) = &provenance {
        draft = bad_pointer::steps(draft, event, provenance);
    }
    Some(
        draft
            .says(reading, Trust::Inferred, None)
            .near(event, address.0)
            .call_path(event)
            .needs_debug_info(
                event,
                "which pointer or index was wrong and where it came from",
            ),
    )
}

/// A general protection fault whose operands show no known pattern.
fn refused(event: &LogEvent) -> Draft {
    Draft::new(event)
        .verdict(format!(
            "The CPU refused an instruction{}: most often the pointer that it used is no valid address.",
            clues::in_instruction(event)
        ))
        .verdict("Which pointer it was, and who damaged it, the log alone does not tell.")
        .confidence(Confidence::Low)
        .fault_address(event)
        .call_path(event)
        .needs_debug_info(event, "which pointer was wrong and where it came from")
        .next("Reproduce with KASAN, which tells who freed or overwrote the object.")
}

/// What the error code says of the page.
enum Kind {
    Unmapped,
    Forbidden,
    Reserved,
}

fn kind(fault: &Fault) -> Kind {
    let says = |words: &[&str]| {
        fault
            .words
            .iter()
            .any(|phrase| words.iter().any(|word| clues::says(phrase, word)))
    };
    if says(&["reserved bit"]) {
        Kind::Reserved
    } else if says(&[
        "permission",
        "protection",
        "write-protect",
        "read-only",
        "tlb modified",
    ]) {
        Kind::Forbidden
    } else {
        Kind::Unmapped
    }
}

#[cfg(test)]
mod tests {
    use base::LogEvent;

    use crate::testing::{at, event, fault, finding};

    fn oops(access: &str, words: &str) -> LogEvent {
        let mut oops = event("oops", 1);
        let mut fault = fault(0xffff_ffff_c042_62e8, access);
        fault.words = vec![words.into()];
        oops.fault = Some(fault);
        oops.registers = vec![at("limits_calibrate")];
        oops
    }

    #[test]
    fn the_error_code_tells_rights_from_absence() {
        let told = finding(oops("write", "permissions violation"));
        assert!(told.verdict.starts_with(
            "The kernel wrote to address 0xffffffffc04262e8 in limits_calibrate+0x10/0x20: the page is mapped read-only."
        ));
        let told = finding(oops("read", "not-present page"));
        assert!(told.verdict.contains("nothing is mapped there"));
        assert!(!told.cause_named);
    }
}
