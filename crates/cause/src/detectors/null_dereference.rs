//! An access near address 0: a pointer was NULL and a member behind it was wanted.

use base::{Confidence, Fault, Gap, LogEvent, Trust};

use crate::draft::Draft;
use crate::pointers::{Bad, classify};
use crate::scene::Scene;
use crate::{Detector, Nature, words};

/// Page faults at small addresses, and calls through NULL function pointers.
pub const ENTRY: Detector = Detector {
    name: "null_dereference",
    sees: "a kernel access to an address in the first 64 KiB",
    needs: "the fault address, as the CPU reported it",
    false_friends: "a small number used as a pointer (an index, a handle); an element of a NULL array, \
                    where the offset is index times element size; a user-space pointer used in the kernel",
    nature,
    explain,
};

/// Events that hold a fault address.
fn nature(event: &LogEvent) -> Option<Nature> {
    matches!(event.kind.as_str(), "oops").then_some(Nature::Death)
}

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    let fault = event.fault.as_ref()?;
    let address = fault.address?.0;
    let Bad::NullPlus(offset) = classify(address, event.machine.arch.as_deref())? else {
        return None;
    };
    let place = words::in_place(event);
    let called = is_fetch(fault)
        || event
            .registers
            .first()
            .is_some_and(|set| pc(set) == Some(address));
    let what = match (called, offset) {
        (true, 0) => "The kernel called through a NULL function pointer.".to_owned(),
        (true, _) => format!("The kernel jumped to address {address:#x}, where no code can be."),
        (false, 0) => format!(
            "The kernel {} address 0{place}: a NULL pointer.",
            verb(fault)
        ),
        (false, _) => format!(
            "The kernel {} address {address:#x}{place}: {offset:#x} bytes past a NULL pointer.",
            verb(fault)
        ),
    };
    let near = offset < 4096;
    let mut draft = Draft::new(event)
        .verdict(what)
        .verdict("Which pointer was NULL, and who should have set it, the log alone does not tell.")
        .confidence(if near {
            Confidence::High
        } else {
            Confidence::Medium
        });
    let register = fault.address_source.as_deref().unwrap_or("the CPU");
    draft = draft.says(
        format!("{register} reports the address {address:#x}"),
        Trust::PrintedByKernel,
        None,
    );
    draft = draft.says(
        match offset {
            0 => "the address is 0, the value of a NULL pointer itself".to_owned(),
            _ if near => format!(
                "an address in the first page is a NULL pointer plus the offset of a member, \
                 here {offset:#x} ({offset})"
            ),
            _ => format!(
                "{offset:#x} ({offset}) is large for the offset of a member: an element of a NULL \
                 array, or a small number used as a pointer, fit as well"
            ),
        },
        Trust::Computed,
        None,
    );
    if let Some((name, value)) = base_register(event, address) {
        draft = draft.says(
            format!("register {name} holds {value:#x}, the likely base or the address itself"),
            Trust::Inferred,
            event.registers.first().map(|set| set.line),
        );
    }
    let module = event.place().and_then(|place| place.module.as_deref());
    let object = module.map_or("the kernel's vmlinux".to_owned(), |module| {
        format!("{module}.ko")
    });
    Some(
        draft.call_path(event).gap(
            Gap::new(
                "which pointer was NULL and where it came from",
                "the log names addresses, not variables",
            )
            .supply(format!("the debug info of {object} of exactly this build")),
        ),
    )
}

fn pc(set: &base::RegisterSet) -> Option<u64> {
    set.pc.as_ref()?.pc.map(|pc| pc.0)
}

/// Whether the CPU wanted to run the address.
fn is_fetch(fault: &Fault) -> bool {
    fault.access.as_deref() == Some("execute")
}

/// What the kernel did with the address.
fn verb(fault: &Fault) -> &'static str {
    match fault.access.as_deref() {
        Some("read") => "read",
        Some("write") => "wrote to",
        _ => "accessed",
    }
}

/// A register that holds the faulting address: shown, not relied on.
fn base_register(event: &LogEvent, address: u64) -> Option<(&str, u64)> {
    if address == 0 {
        return None;
    }
    event
        .registers
        .first()?
        .registers
        .iter()
        .find(|register| register.value.0 == address)
        .map(|register| (register.name.as_str(), register.value.0))
}

#[cfg(test)]
mod tests {
    use crate::testing::{at, event, fault, finding};

    #[test]
    fn a_small_address_is_a_null_pointer_and_an_offset() {
        let mut oops = event("oops", 1);
        oops.fault = Some(fault(0x318, "read"));
        oops.registers = vec![at("rlb_arp_recv")];
        let told = finding(oops);
        assert_eq!(told.detector, "null_dereference");
        assert!(told.verdict.starts_with(
            "The kernel read address 0x318 in rlb_arp_recv+0x10/0x20: 0x318 bytes past a NULL pointer."
        ));
        assert!(!told.cause_named, "a NULL pointer is a symptom");
        assert_eq!(told.gaps.len(), 1);
    }

    #[test]
    fn a_fetch_from_zero_is_a_call_through_null() {
        let mut oops = event("oops", 1);
        oops.fault = Some(fault(0, "execute"));
        assert!(
            finding(oops)
                .verdict
                .starts_with("The kernel called through a NULL function pointer.")
        );
    }

    #[test]
    fn an_address_elsewhere_is_not_its_business() {
        let mut oops = event("oops", 1);
        oops.fault = Some(fault(0xffff_8880_1234_5678, "read"));
        assert_ne!(finding(oops).detector, "null_dereference");
    }
}
