//! An access near address 0: a pointer was NULL and a member behind it was wanted.

use base::{Confidence, Fault, LogEvent, Trust, VirtAddr};

use crate::draft::Draft;
use crate::pointers::{Bad, classify};
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Page faults at small addresses, and calls through NULL function pointers.
pub const ENTRY: Detector = Detector {
    name: "null_dereference",
    sees: "a kernel access to an address in the first 64 KiB",
    needs: "the fault address, as the CPU or KASAN reported it",
    false_friends: "a small number used as a pointer (an index, a handle); an element of a NULL array, \
                    where the offset is index times element size; a user-space pointer used in the kernel",
    nature: |event| (event.kind == "oops").then_some(Nature::Death),
    explain,
};

/// Past this an offset is hardly that of a member.
const MEMBER: u64 = 4096;

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if event.kind == "user_fault" {
        return None;
    }
    // Where KASAN tells the address, the one of the fault is that of its shadow.
    by_kasan(event).or_else(|| {
        let VirtAddr(address) = event.fault.as_ref()?.address?;
        by_fault(event, address)
    })
}

fn by_fault(event: &LogEvent, address: u64) -> Option<Draft> {
    let fault = event.fault.as_ref()?;
    let Bad::NullPlus(offset) = classify(address, event.machine.arch.as_deref())? else {
        return None;
    };
    let at = event.registers.first().and_then(|set| set.pc.as_ref());
    let called = fault.access.as_deref() == Some("execute")
        || at.and_then(|pc| pc.pc) == Some(VirtAddr(address));
    let place = clues::in_instruction(event);
    let verb = verb(fault);
    let what = match (called, offset) {
        (true, 0) => format!("The kernel called through a NULL function pointer{place}."),
        (true, _) => {
            format!("The kernel jumped to address {address:#x}{place}, where no code can be.")
        }
        (false, 0) => format!("The kernel {verb} address 0{place}: a NULL pointer."),
        (false, _) => {
            format!(
                "The kernel {verb} address {address:#x}{place}: {offset:#x} bytes past a NULL pointer."
            )
        }
    };
    let near = offset < MEMBER;
    let draft = Draft::new(event)
        .verdict(what)
        .verdict(unknown(called))
        .confidence(if near {
            Confidence::High
        } else {
            Confidence::Medium
        })
        .fault_address(event);
    let reading = match offset {
        0 => "The address is 0, the value of a NULL pointer itself".to_owned(),
        _ if called => {
            "A small number stood where a code address belongs: a function pointer or a \
                        return address was overwritten"
                .to_owned()
        }
        _ if near => format!(
            "An address in the first page is NULL plus the offset of what was wanted, here \
             {offset:#x} ({offset}): a member of a structure, or an element of an array"
        ),
        _ => format!(
            "{offset:#x} ({offset}) is large for the offset of a member: an element of a NULL array, \
             or a small number used as a pointer, fit as well"
        ),
    };
    Some(closing(
        draft.says(reading, Trust::Computed, None),
        event,
        called,
    ))
}

/// KASAN on x86_64 turns the access into a general protection fault and prints the range.
fn by_kasan(event: &LogEvent) -> Option<Draft> {
    let null = |text: &str| text.contains("null-ptr-deref");
    let range = clues::details(event, "KASAN range").find(|detail| null(&detail.value));
    if range.is_none() && !null(&event.headline) {
        return None;
    }
    let place = clues::in_place(event);
    let mut draft = Draft::new(event)
        .verdict(format!(
            "The kernel used a NULL pointer{place}; KASAN caught the access."
        ))
        .verdict(unknown(false))
        .confidence(Confidence::High);
    if let Some(range) = range {
        draft = draft.says(
            format!("\"{}\"", range.value),
            Trust::PrintedByKernel,
            Some(range.line),
        );
    }
    Some(closing(draft, event, false))
}

fn unknown(called: bool) -> &'static str {
    if called {
        "Which pointer it was, and who should have set it, the log alone does not tell."
    } else {
        "Which pointer was NULL, and who should have set it, the log alone does not tell."
    }
}

fn closing(draft: Draft, event: &LogEvent, called: bool) -> Draft {
    let what = if called {
        "which function pointer was bad and where it came from"
    } else {
        "which pointer was NULL and where it came from"
    };
    draft.call_path(event).needs_debug_info(event, what)
}

/// What the kernel did with the address.
fn verb(fault: &Fault) -> &'static str {
    match fault.access.as_deref() {
        Some("read") => "read",
        Some("write") => "wrote to",
        _ => "accessed",
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{at, detail, event, fault, finding};

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
        assert!(
            told.gaps
                .iter()
                .any(|gap| gap.what.starts_with("which pointer was NULL"))
        );
    }

    #[test]
    fn a_fetch_from_zero_is_a_call_through_null() {
        let mut oops = event("oops", 1);
        oops.fault = Some(fault(0, "execute"));
        assert!(
            finding(oops)
                .verdict
                .starts_with("The kernel called through a NULL function pointer in f.")
        );
    }

    #[test]
    fn kasan_tells_the_range_itself() {
        let mut fault = event("general_protection", 1);
        fault.frame = Some("tcp_ack".into());
        fault.details = vec![detail(
            "KASAN range",
            "null-ptr-deref in range [0x0000000000000018-0x000000000000001f]",
        )];
        let told = finding(fault);
        assert_eq!(told.detector, "null_dereference");
        assert!(
            told.verdict
                .starts_with("The kernel used a NULL pointer in tcp_ack; KASAN caught the access.")
        );
    }

    #[test]
    fn the_address_of_a_shadow_is_not_the_one_that_was_used() {
        let mut report = event("general_protection", 1);
        report.machine.arch = Some("x86_64".into());
        report.frame = Some("tcp_ack".into());
        report.fault = Some(fault(0xdfff_fc00_0000_0003, ""));
        report.details = vec![detail(
            "KASAN range",
            "null-ptr-deref in range [0x0000000000000018-0x000000000000001f]",
        )];
        let told = finding(report);
        assert_eq!(told.detector, "null_dereference");
        assert!(
            told.verdict
                .starts_with("The kernel used a NULL pointer in tcp_ack")
        );
    }

    #[test]
    fn an_address_elsewhere_is_not_its_business() {
        let mut oops = event("oops", 1);
        oops.fault = Some(fault(0xffff_8880_1234_5678, "read"));
        assert_ne!(finding(oops).detector, "null_dereference");
    }
}
