//! A pointer whose value tells that it never was one, or no longer is.

use base::{Confidence, LogEvent, Trust, VirtAddr};

use crate::draft::Draft;
use crate::pointers::{Bad, Proof, classify, error_name, letters, returned_error};
use crate::scene::Scene;
use crate::{Detector, Nature, clues};

/// Faults at poison, error numbers, text and addresses that the CPU cannot form.
pub const ENTRY: Detector = Detector {
    name: "poisoned_pointer",
    sees: "a kernel access through a value with a known pattern: list poison, freed memory, an error \
           number, text, an address that is not canonical",
    needs: "the fault address, or the registers of a general protection fault",
    false_friends: "a damaged pointer that only looks like a pattern; on x86_64 a fault at a \
                    non-canonical address gives no address, so that it is read off the registers",
    nature: |event| (event.kind == "general_protection").then_some(Nature::Death),
    explain,
};

/// Faults without an address, where registers are searched.
const WITHOUT_ADDRESS: &[&str] = &["general_protection"];

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    let arch = event.machine.arch.as_deref();
    let faulted = event.fault.as_ref().and_then(|fault| fault.address);
    if event.kind == "user_fault" {
        return None;
    }
    if let Some((address, detail)) = kasan_range(event)
        && let Some(draft) = classify(address, arch).and_then(|bad| told(event, address, bad))
    {
        // The access that failed was to KASAN's own map of memory.
        let says = format!("\"{}\"", detail.value);
        let draft = draft.says(says, Trust::PrintedByKernel, Some(detail.line));
        return Some(closing(draft, event));
    }
    if let Some(VirtAddr(address)) = faulted {
        let draft = told(event, address, classify(address, arch)?)?;
        return Some(closing(draft.fault_address(event), event));
    }
    if !WITHOUT_ADDRESS.contains(&event.kind.as_str()) {
        return None;
    }
    let set = event.registers.first()?;
    let general = |name: &str| !matches!(name, "eflags" | "cs" | "ss" | "ds" | "es" | "fs" | "gs");
    let (register, bad) = set
        .registers
        .iter()
        .filter(|register| general(&register.name))
        .find_map(|register| match classify(register.value.0, arch) {
            Some(
                bad @ (Bad::ListPoison1(_) | Bad::ListPoison2(_) | Bad::Pattern(..) | Bad::Text(_)),
            ) => Some((register, bad)),
            _ => None,
        })?;
    let draft = told(event, register.value.0, bad)?
        .confidence(Confidence::Medium)
        .says(
            format!("Register {} holds {}", register.name, register.value),
            Trust::PrintedByKernel,
            Some(set.line),
        )
        .says(
            "That this register was the pointer is concluded from its value: the CPU gives no \
             address with this fault",
            Trust::Inferred,
            None,
        );
    Some(closing(draft, event))
}

/// The real address, where KASAN computed it: `… in range [0x…-0x…]`.
fn kasan_range(event: &LogEvent) -> Option<(u64, &base::Detail)> {
    let detail = clues::details(event, "KASAN range").next()?;
    let digits = clues::between(&detail.value, "[0x", "-")?;
    Some((u64::from_str_radix(digits, 16).ok()?, detail))
}

/// The verdict about a value; none for values that other detectors explain.
fn told(event: &LogEvent, address: u64, bad: Bad) -> Option<Draft> {
    let place = clues::in_instruction(event);
    let draft = Draft::new(event).confidence(Confidence::High);
    let offset = |offset: i64| match offset {
        0 => String::new(),
        1.. => format!(" plus {offset:#x}"),
        _ => format!(" minus {:#x}", offset.unsigned_abs()),
    };
    Some(match bad {
        Bad::NullPlus(_) => return None,
        Bad::ErrorPointer(number) => error_pointer(draft, event, address, number),
        Bad::ListPoison1(by) | Bad::ListPoison2(by) => {
            let one = matches!(bad, Bad::ListPoison1(_));
            let (name, member) = if one { ("LIST_POISON1", "next") } else { ("LIST_POISON2", "prev") };
            draft
                .verdict(format!(
                    "The kernel followed a list entry that had been deleted from its list{place}."
                ))
                .verdict("Who deleted it, and who kept using it, the log alone does not tell.")
                .says(
                    format!(
                        "{address:#x} is {name}{}: list_del() leaves it in the {member} pointer of an entry",
                        offset(by)
                    ),
                    Trust::Computed,
                    None,
                )
        }
        Bad::TimerStatic(by) => draft
            .verdict(format!("The kernel used a timer entry that is not queued{place}."))
            .says(
                format!("{address:#x} is TIMER_ENTRY_STATIC{}", offset(by)),
                Trust::Computed,
                None,
            ),
        Bad::Pattern(pattern, by) => {
            // Only freed memory is read through a pointer that lasted too long; any other mark may
            // have been left where the pointer lies by whoever used that memory before.
            let draft = match pattern.proof {
                Proof::Freed => draft
                    .verdict(format!(
                        "Use after free{place}: the kernel used a pointer that it had read from freed memory."
                    ))
                    .verdict("Whose object it was, and who freed it, the log alone does not tell."),
                proof => draft
                    .verdict(format!(
                        "The kernel used a pointer{place} that is the byte {:#04x} repeated, the mark of {}.",
                        pattern.byte, pattern.means
                    ))
                    .verdict(match proof {
                        Proof::Unset => "The pointer was never set; where it lies, the value does not tell.",
                        Proof::Outside => "It was read outside of an object; of which one, the value does not tell.",
                        Proof::Open | Proof::Freed => "Which of them it was, the value does not tell.",
                    })
                    .confidence(Confidence::Medium),
            };
            draft.says(
                format!(
                    "{address:#x} is the byte {:#04x} repeated{}: {}, which marks {}",
                    pattern.byte,
                    offset(by),
                    pattern.name,
                    pattern.means
                ),
                Trust::Computed,
                None,
            )
        }
        Bad::Mark(mark, by) => draft
            .verdict(format!("The kernel used {}{place}: {}.", mark.name, mark.means))
            .says(
                format!("{address:#x} is {}{}", mark.name, offset(by)),
                Trust::Computed,
                None,
            ),
        Bad::Text(bytes) | Bad::TextEnd(bytes) => {
            let text = letters(&bytes);
            draft
                .verdict(format!("The kernel used text as a pointer{place}: something wrote a string over it."))
                .confidence(Confidence::Medium)
                .says(
                    format!("The bytes of {address:#x} read \"{text}\""),
                    Trust::Computed,
                    None,
                )
        }
        Bad::NonCanonical => draft
            .verdict(format!(
                "The kernel used {address:#x} as a pointer{place}, which no {} address can be.",
                event.machine.arch.as_deref().unwrap_or("valid")
            ))
            .verdict("The pointer was overwritten or never set; by whom the log alone does not tell.")
            .says(
                "The upper bits of a valid address are all equal; these are not",
                Trust::Computed,
                None,
            )
            .near(event, address),
        Bad::UserSpace => draft
            .verdict(format!(
                "The kernel used {address:#x}, an address of user space, as if it were its own{place}."
            ))
            .confidence(Confidence::Medium)
            .near(event, address),
    })
}

/// An address just below zero has two readings; a register may decide.
fn error_pointer(draft: Draft, event: &LogEvent, address: u64, number: i64) -> Draft {
    let place = clues::in_instruction(event);
    let set = event.registers.first();
    let told = set
        .into_iter()
        .flat_map(|set| &set.registers)
        .find_map(|register| {
            // The base of the access lies at or below the address.
            let error = returned_error(register.value.0).filter(|error| *error <= number)?;
            Some((register, error))
        });
    let draft = draft.says(
        format!("{address:#x} is {number}: no object lies in the last page of the address space"),
        Trust::Computed,
        None,
    );
    let Some((register, error)) = told else {
        return draft
            .verdict(format!("The kernel used {number} as a pointer{place}."))
            .verdict("It is an error code that the caller did not check with IS_ERR(), or NULL minus the offset of a member (container_of).")
            .confidence(Confidence::Medium);
    };
    let name = error_name(error).map_or_else(String::new, |name| format!(" (-{name})"));
    draft
        .verdict(format!(
            "The kernel used the error code {error}{name} as a pointer{place}."
        ))
        .verdict(
            "A function returned an error pointer and its caller did not check it with IS_ERR().",
        )
        .confidence(Confidence::Medium)
        .says(
            format!("Register {} holds {error}{name}", register.name),
            Trust::PrintedByKernel,
            set.map(|set| set.line),
        )
}

fn closing(draft: Draft, event: &LogEvent) -> Draft {
    let draft = draft
        .call_path(event)
        .needs_debug_info(event, "which pointer it was and where it came from");
    draft.next(format!(
        "Reproduce with KASAN, or boot with slub_debug=FZPU: either tells who freed or overwrote \
         the object that {} works on.",
        clues::culprit(event)
    ))
}

#[cfg(test)]
mod tests {
    use base::{Register, VirtAddr};

    use crate::testing::{at, detail, event, fault, finding};

    #[test]
    fn list_poison_is_a_deleted_entry() {
        let mut oops = event("general_protection", 1);
        oops.fault = Some(fault(0xdead_0000_0000_0108, "read"));
        let told = finding(oops);
        assert_eq!(told.detector, "poisoned_pointer");
        assert!(
            told.verdict
                .starts_with("The kernel followed a list entry that had been deleted")
        );
        assert!(
            told.evidence
                .iter()
                .any(|item| item.says.contains("LIST_POISON1 plus 0x8"))
        );
        assert!(!told.cause_named);
    }

    #[test]
    fn a_register_tells_an_error_from_null_minus_an_offset() {
        let mut oops = event("oops", 1);
        oops.fault = Some(fault(0xffff_ffff_ffff_fffc, "read"));
        assert!(
            finding(oops.clone())
                .verdict
                .contains("or NULL minus the offset")
        );
        let mut set = at("open_desk");
        set.registers = vec![Register {
            name: "rbx".into(),
            value: VirtAddr(0xffff_ffff_ffff_fff4),
        }];
        oops.registers = vec![set];
        assert!(
            finding(oops)
                .verdict
                .starts_with("The kernel used the error code -12 (-ENOMEM) as a pointer")
        );
    }

    #[test]
    fn a_register_may_tell_what_the_fault_does_not() {
        let mut fault = event("general_protection", 1);
        let mut set = at("customer_name");
        set.registers = vec![
            Register {
                name: "rax".into(),
                value: VirtAddr(0xffff_8880_0000_1000),
            },
            Register {
                name: "rdi".into(),
                value: VirtAddr(0x6b6b_6b6b_6b6b_6b6b),
            },
        ];
        fault.registers = vec![set];
        let told = finding(fault);
        assert!(told.verdict.starts_with("Use after free"));
        assert_eq!(told.confidence, base::Confidence::Medium);
    }

    #[test]
    fn kasan_tells_the_real_address() {
        let mut report = event("general_protection", 1);
        report.machine.arch = Some("x86_64".into());
        report.fault = Some(fault(0xdfff_fc00_0eee_eef0, ""));
        report.details = vec![detail(
            "KASAN range",
            "maybe wild-memory-access in range [0x6b6b6b6b6b6b6b68-0x6b6b6b6b6b6b6b6f]",
        )];
        assert!(finding(report).verdict.starts_with("Use after free"));
    }

    #[test]
    fn a_valid_address_is_not_its_business() {
        let mut oops = event("oops", 1);
        oops.fault = Some(fault(0xffff_8880_1234_5678, "write"));
        assert_ne!(finding(oops).detector, "poisoned_pointer");
    }
}
