//! Jumps and calls to where no code is: the instruction that failed is not the one at fault.

use base::{Frame, LogEvent, Trust};

use crate::words;

/// Whether the CPU failed to fetch an instruction: then the code bytes, if there are any, are
/// those of the place where it was sent, and say nothing about who sent it there.
pub(super) fn failed(event: &LogEvent) -> bool {
    let Some(fault) = &event.fault else {
        return false;
    };
    if fault.access.as_deref() == Some("execute") {
        return true;
    }
    let Some(set) = event.registers.first() else {
        return false;
    };
    let arch = event.machine.arch.as_deref().and_then(arch::find);
    let printed = set.pc.as_ref().and_then(|pc| pc.pc).map(|pc| pc.0);
    let counter = printed.or_else(|| set.get(arch?.0.pc()?.name));
    counter.is_some() && counter == fault.address.map(|address| address.0)
}

/// Why nothing is told of it, and where to look instead.
pub(super) fn gap(event: &LogEvent) -> String {
    let address = event
        .fault
        .as_ref()
        .and_then(|fault| fault.address)
        .map_or_else(|| "where no code is".to_owned(), |at| at.to_string());
    let told =
        format!("the CPU was sent to {address}, and the code that sent it there is not printed");
    match back(event) {
        Some(frame) => format!(
            "{told}. The return address is in {}: the call stands right before it, or that call led to a \
             function which jumped on",
            words::frame(frame)
        ),
        None => told,
    }
}

/// Where the call would have returned to: the link register where there is one, else the
/// innermost frame.
fn back(event: &LogEvent) -> Option<&Frame> {
    let link = event
        .registers
        .first()
        .and_then(|set| set.link.as_ref())
        .filter(|frame| frame.function.is_some());
    link.or_else(|| {
        let frames = &event.traces.first()?.frames;
        frames.iter().find(|frame| is_sure(frame))
    })
}

/// The frame that is next on the stack behind the one of the program counter.
pub(super) fn caller(event: &LogEvent) -> Option<&Frame> {
    let pc = event.registers.first()?.pc.as_ref()?;
    let frames = &event.traces.first()?.frames;
    // Some architectures begin the trace with the program counter itself.
    frames.iter().find(|frame| {
        is_sure(frame) && (frame.function != pc.function || frame.offset != pc.offset)
    })
}

fn is_sure(frame: &Frame) -> bool {
    frame.function.is_some() && !frame.inline && frame.trust != Trust::PrintedAsUnreliable
}
