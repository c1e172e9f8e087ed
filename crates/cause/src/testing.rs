//! Events made by hand, for the tests of this crate.

use base::{
    Detail, Fault, Finding, Frame, LineSpan, LogEvent, RegisterSet, Trace, Trust, VirtAddr,
};

use crate::{Diagnosis, InputFacts, LogFacts, explain_log};

/// An event of `kind` at `line`.
pub fn event(kind: &str, line: u64) -> LogEvent {
    LogEvent {
        kind: kind.to_owned(),
        title: format!("{kind} in f"),
        headline: format!("{kind}: something happened"),
        crash: true,
        span: LineSpan {
            input: 0,
            start: line,
            end: line + 9,
        },
        ..LogEvent::default()
    }
}

/// A frame `name+0x10/0x20`.
pub fn frame(name: &str) -> Frame {
    Frame {
        pc: None,
        function: Some(name.to_owned()),
        offset: Some(0x10),
        size: Some(0x20),
        module: None,
        build_id: None,
        source: None,
        inline: false,
        stack: None,
        trust: Trust::PrintedByKernel,
        line: 5,
    }
}

/// A trace of frames.
pub fn trace(label: &str, names: &[&str]) -> Trace {
    Trace {
        label: label.to_owned(),
        frames: names.iter().map(|name| frame(name)).collect(),
        line: 4,
    }
}

/// Registers with the program counter in `name`.
pub fn at(name: &str) -> RegisterSet {
    RegisterSet {
        whose: "kernel".to_owned(),
        pc: Some(frame(name)),
        line: 3,
        ..RegisterSet::default()
    }
}

/// A fault at `address`.
pub fn fault(address: u64, access: &str) -> Fault {
    Fault {
        address: Some(VirtAddr(address)),
        address_source: Some("CR2".to_owned()),
        access: (!access.is_empty()).then(|| access.to_owned()),
        ..Fault::default()
    }
}

/// A detail.
pub fn detail(name: &str, value: &str) -> Detail {
    Detail {
        name: name.to_owned(),
        value: value.to_owned(),
        line: 7,
    }
}

/// The diagnosis of `events` of one input.
pub fn diagnose(events: &[LogEvent]) -> Diagnosis {
    explain_log(LogFacts {
        inputs: &[InputFacts {
            name: "console.log".to_owned(),
            kind: "kernel log".to_owned(),
            lines: 100,
            bytes: 1000,
            gaps: Vec::new(),
        }],
        events,
        dumps: &[],
        waits: &[],
        tracer: None,
    })
}

/// The finding about `event` alone.
pub fn finding(event: LogEvent) -> Finding {
    diagnose(&[event]).finding.expect("a finding")
}
