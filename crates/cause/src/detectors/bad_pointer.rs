//! The pointer that was bad, followed back through the code bytes of the report.

use base::{Confidence, LogEvent, Trust};

use crate::Detector;
use crate::draft::Draft;
use crate::provenance::{self, Agreement, Provenance};
use crate::scene::Scene;

/// Faults whose code bytes show which value was the bad pointer and where it was read.
pub const ENTRY: Detector = Detector {
    name: "bad_pointer",
    sees: "the failed instruction and the ones before it: which register was the bad pointer, and where it \
           was read, passed or returned",
    needs: "code bytes with the failed instruction marked, the registers, and a decoder for the architecture",
    false_friends: "a jump into the middle of the bytes; a damaged report whose registers are not those of the \
                    fault: then the computed address is not the reported one, and nothing is claimed",
    nature: |_| None,
    explain,
};

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if !matches!(event.kind.as_str(), "oops" | "general_protection") {
        return None;
    }
    let provenance = provenance::trace(event).ok()?;
    let place = event
        .place()
        .and_then(|frame| frame.function.as_deref())
        .unwrap_or("The kernel");
    let verdict = provenance::verdict(&provenance, place)?;
    let whence = verdict.len() > 1;
    let mut draft = Draft::new(event).fault_address(event);
    for sentence in verdict {
        draft = draft.verdict(sentence);
    }
    draft = steps(draft, event, &provenance);
    let pointer = provenance.shape();
    if let Some(value) = pointer.pointer().and_then(|term| term.value) {
        draft = draft.near(event, value);
    }
    // Which register was bad is sure; what was computed before only as far as the code is known.
    let sure = provenance.access.agreement == Agreement::Same
        && (provenance.window.sure || provenance.is_plain());
    draft = draft.confidence(if sure {
        Confidence::High
    } else {
        Confidence::Medium
    });
    if !whence {
        draft = draft.verdict("Where the pointer came from, the code bytes do not show.");
    }
    if provenance.access.agreement == Agreement::NotReported {
        draft = draft.says(
            "The CPU reports no address with this fault; the one that the registers give is no valid one",
            Trust::Inferred,
            None,
        );
    }
    let what = "the names of the members and variables, and who should have set them";
    Some(draft.call_path(event).needs_debug_info(event, what))
}

/// The argument from the code bytes.
pub fn steps(mut draft: Draft, event: &LogEvent, provenance: &Provenance) -> Draft {
    let line = event.code.as_ref().map(|code| code.line);
    let source = event
        .fault
        .as_ref()
        .and_then(|fault| fault.address_source.as_deref());
    for sentence in provenance::sentences(provenance, source) {
        draft = draft.says(sentence.says, sentence.trust, line);
    }
    draft
}

#[cfg(test)]
mod tests {
    use base::{Code, CodeUnit, Fault, Frame, LogEvent, Register, RegisterSet, VirtAddr};

    use crate::provenance;
    use crate::testing::{event, finding};

    /// Registers and code bytes of the bonding driver's oops, as its log has them.
    fn bonding() -> LogEvent {
        let mut oops = event("oops", 1);
        oops.machine.arch = Some("mips64".to_owned());
        let words: &[u32] = &[
            0xde44_0268,
            0x7043_1003,
            0x0082_882d,
            0x9223_0018,
            0x1060_0007,
            0x3c02_808b,
            0x8a02_0018,
            0x8e23_0000,
            0x9a02_001b,
        ];
        let units = words
            .iter()
            .map(|&value| CodeUnit { value, size: 4 })
            .collect();
        oops.code = Some(Code {
            units,
            marked: Some(3),
            line: 50,
        });
        let values: &[(&str, u64)] = &[
            ("v0", 0x300),
            ("v1", 0x30),
            ("a0", 0),
            ("s1", 0x300),
            ("s2", 0xa800_0000_012d_1600),
        ];
        let registers = values.iter().map(|(name, value)| Register {
            name: (*name).to_owned(),
            value: VirtAddr(*value),
        });
        let pc = Frame {
            pc: Some(VirtAddr(0xffff_ffff_c044_5a10)),
            function: Some("rlb_arp_recv".to_owned()),
            offset: Some(0x128),
            size: Some(0x228),
            module: Some("bonding".to_owned()),
            build_id: None,
            source: None,
            inline: false,
            stack: None,
            trust: base::Trust::PrintedByKernel,
            line: 15,
        };
        oops.registers = vec![RegisterSet {
            whose: "kernel".to_owned(),
            pc: Some(pc),
            link: None,
            registers: registers.collect(),
            line: 4,
        }];
        oops.fault = Some(Fault {
            address: Some(VirtAddr(0x318)),
            address_source: Some("BadVA".to_owned()),
            ..Fault::default()
        });
        oops
    }

    #[test]
    fn the_bonding_oops_is_element_16_of_a_null_array() {
        let provenance = provenance::trace(&bonding()).expect("the bytes are whole");
        println!("{provenance:#?}");
        let told = finding(bonding());
        assert_eq!(told.detector, "bad_pointer");
        assert_eq!(
            told.verdict,
            "rlb_arp_recv read 1 byte at offset 24 of element 16 of an array whose base pointer is NULL; the \
             elements are 48 bytes. The NULL sits at offset 616 of the object at s2 = 0xa8000000012d1600."
        );
        for says in &told.evidence {
            println!("{}", says.says);
        }
    }
}
