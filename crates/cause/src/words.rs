//! How the names of things are written in sentences, one way everywhere.

use base::{CpuState, Frame, StackFrame, Task};

/// A place in the code: `rlb_arp_recv+0x128/0x228 [bonding]`, else its address.
pub fn frame(frame: &Frame) -> String {
    let mut text = String::new();
    match (&frame.function, frame.pc) {
        (Some(function), _) => {
            text.push_str(function);
            if let Some(offset) = frame.offset {
                text.push_str(&format!("+{offset:#x}"));
                if let Some(size) = frame.size {
                    text.push_str(&format!("/{size:#x}"));
                }
            }
        }
        (None, Some(pc)) => text.push_str(&pc.to_string()),
        (None, None) => text.push_str("a place without a name"),
    }
    if let Some(module) = &frame.module {
        text.push_str(&format!(" [{module}]"));
    }
    if let Some(source) = &frame.source {
        text.push_str(&format!(" ({source})"));
    }
    text
}

/// The same of a frame in memory, as the kernel would print it.
pub fn stack_frame(frame: &StackFrame) -> String {
    let Some(function) = &frame.function else {
        return match (&frame.module, frame.offset) {
            (Some(module), Some(offset)) => format!("{} [{module}+{offset:#x}]", frame.pc),
            (Some(module), None) => format!("{} [{module}]", frame.pc),
            (None, _) => frame.pc.to_string(),
        };
    };
    let mut text = function.clone();
    if let Some(offset) = frame.offset {
        text.push_str(&format!("+{offset:#x}"));
        if let Some(size) = frame.size {
            text.push_str(&format!("/{size:#x}"));
        }
    }
    if let Some(module) = &frame.module {
        text.push_str(&format!(" [{module}]"));
    }
    text
}

/// What a CPU did, as a sentence without its number: `ran cook (pid 7) in boil+0x10/0x20, interrupts off`. The place
/// is left out of an idle one.
pub fn cpu(cpu: &CpuState) -> String {
    let mut text = match &cpu.thread {
        None => "what it ran could not be read".to_owned(),
        Some(_) if cpu.is_idle => "was idle".to_owned(),
        Some(thread) => format!("ran {} (pid {})", thread.comm, thread.pid),
    };
    if let Some(place) = cpu.ran().first().filter(|_| !cpu.is_idle) {
        text.push_str(&format!(" in {}", stack_frame(place)));
    }
    if !cpu.contexts.is_empty() {
        text.push_str(&format!(", within {}", list(&cpu.contexts)));
    }
    match cpu.interrupts_on {
        Some(true) => text.push_str(", interrupts on"),
        Some(false) => text.push_str(", interrupts off"),
        None => {}
    }
    text
}

/// The name alone: `rlb_arp_recv`, else its address.
pub fn function(frame: &Frame) -> String {
    match (&frame.function, frame.pc) {
        (Some(function), _) => function.clone(),
        (None, Some(pc)) => pc.to_string(),
        (None, None) => "a place without a name".to_owned(),
    }
}

/// A task: `swapper (pid 0)`; none when nothing of it was printed.
pub fn task(task: &Task) -> Option<String> {
    match (&task.comm, task.pid) {
        (Some(comm), Some(pid)) => Some(format!("{comm} (pid {pid})")),
        (Some(comm), None) => Some(comm.clone()),
        (None, Some(pid)) => Some(format!("pid {pid}")),
        (None, None) => None,
    }
}

/// A number with its noun: `1 line`, `3 lines`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Time between two events: `3 ms later`, `2 min 5 s later`.
pub fn duration(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} µs"),
        1_000..1_000_000 => format!("{} ms", microseconds / 1_000),
        1_000_000..120_000_000 => count(microseconds / 1_000_000, "second"),
        120_000_000..7_200_000_000 => count(microseconds / 60_000_000, "minute"),
        7_200_000_000..172_800_000_000 => count(microseconds / 3_600_000_000, "hour"),
        _ => count(microseconds / 86_400_000_000, "day"),
    }
}

/// A text with its first letter in upper case and without its full stop.
pub fn sentence(text: &str) -> String {
    let trimmed = text.trim().trim_end_matches('.');
    let mut chars = trimmed.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Things in a row: `a`, `a and b`, `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use base::Trust;

    use super::*;

    #[test]
    fn a_place_is_written_as_the_kernel_writes_it() {
        let place = Frame {
            pc: None,
            function: Some("rlb_arp_recv".into()),
            offset: Some(0x128),
            size: Some(0x228),
            module: Some("bonding".into()),
            build_id: None,
            source: None,
            inline: false,
            stack: None,
            trust: Trust::PrintedByKernel,
            line: 1,
        };
        assert_eq!(frame(&place), "rlb_arp_recv+0x128/0x228 [bonding]");
        assert_eq!(function(&place), "rlb_arp_recv");
    }

    #[test]
    fn durations_and_lists_read_like_speech() {
        assert_eq!(duration(900), "900 µs");
        assert_eq!(duration(1_500_000), "1 second");
        assert_eq!(duration(90_000_000_000), "25 hours");
        let items = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(list(&items), "a, b and c");
        assert_eq!(list(&items[..1]), "a");
    }
}
