//! The slicer: any code bytes and registers of any architecture.
#![no_main]

use base::{Code, CodeUnit, Fault, Frame, LogEvent, Register, RegisterSet, Trust, VirtAddr};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [arch, marked, offset, value, code @ ..] = data else {
        return;
    };
    let Some(arch) = arch::ARCHES.get(usize::from(*arch) % arch::ARCHES.len()) else {
        return;
    };
    let wide = !matches!(arch.name, "x86_64" | "i386");
    let units = if wide {
        code.chunks_exact(4)
            .filter_map(|word| word.first_chunk::<4>())
            .map(|word| CodeUnit {
                value: u32::from_be_bytes(*word),
                size: 4,
            })
            .collect()
    } else {
        code.iter()
            .map(|&byte| CodeUnit {
                value: byte.into(),
                size: 1,
            })
            .collect()
    };
    // Bits of one byte also choose what the report prints.
    let choice = *value;
    let value = u64::from(choice).wrapping_mul(0x0101_0101_0101_0101);
    let registers = arch
        .registers
        .iter()
        .enumerate()
        .map(|(at, register)| Register {
            name: register.name.to_owned(),
            // What KASAN adds to an eighth of an address, and values that differ in a bit.
            value: VirtAddr(match at % 4 {
                0 if choice & 1 != 0 => 0xdfff_fc00_0000_0000,
                3 => value ^ 1 << (at % 64),
                _ => value,
            }),
        })
        .collect();
    let pc = Frame {
        pc: (choice & 2 != 0).then_some(VirtAddr(0xffff_ffff_8100_0000)),
        function: Some("function".to_owned()),
        offset: Some(u64::from(*offset)),
        size: Some(256),
        module: None,
        build_id: None,
        source: None,
        inline: false,
        stack: None,
        trust: Trust::PrintedByKernel,
        line: 1,
    };
    let event = LogEvent {
        kind: "oops".to_owned(),
        machine: base::Machine {
            arch: Some(arch.name.to_owned()),
            ..base::Machine::default()
        },
        code: Some(Code {
            units,
            marked: Some(u32::from(*marked)),
            line: 1,
        }),
        registers: vec![RegisterSet {
            whose: "kernel".to_owned(),
            pc: Some(pc),
            link: None,
            registers,
            line: 1,
        }],
        headline: "general protection fault: 0000 [#1] SMP KASAN".to_owned(),
        crash: true,
        stack_words: vec![VirtAddr(value)],
        fault: Some(Fault {
            address: (choice & 4 != 0).then_some(VirtAddr(value)),
            access: (choice & 8 != 0).then(|| "write".to_owned()),
            ..Fault::default()
        }),
        ..LogEvent::default()
    };
    if let Ok(provenance) = cause::provenance::trace(&event) {
        assert!(provenance.window.insns.len() <= 1024);
        let _ = cause::provenance::sentences(&provenance, Some("CR2"));
        let _ = cause::provenance::verdict(&provenance, "function");
        let _ = provenance.hops();
    }
    let _ = cause::provenance::gap(&event);
    let _ = cause::explain_log(cause::LogFacts {
        inputs: &[],
        events: std::slice::from_ref(&event),
        dumps: &[],
        waits: &[],
        tracer: None,
    });
});
