//! Which frames of a stack only handle the failure, or stop the CPU for the one that failed: what is below them is
//! what ran.

use base::{Frame, FrameRule, StackFrame};
use debuginfo::base_name;

/// Functions in which a kernel dies. Their frames and those inside them are not what failed.
const DYING: &[&str] = &[
    "panic",
    "vpanic",
    "nmi_panic",
    "oops_end",
    "die",
    "__die",
    "die_addr",
    "page_fault_oops",
    "__crash_kexec",
    "crash_kexec",
    "machine_kexec",
    "native_machine_crash_shutdown",
];

/// Functions that hold a CPU still while another one dies, or print what it does.
const STOPPING: &[&str] = &[
    "stop_this_cpu",
    "__sysvec_reboot",
    "smp_stop_nmi_callback",
    "crash_nmi_callback",
    "kdump_nmi_callback",
    "panic_smp_self_stop",
    "nmi_panic_self_stop",
    "nmi_cpu_backtrace",
];

/// Frames between an exception's first function and the code that was interrupted.
const MOST_ENTRY: usize = 8;

/// How many frames are above the one that was interrupted at the place that the kernel printed.
pub(crate) fn failed_in(frames: &[StackFrame], place: &Frame) -> Option<u32> {
    let is_it = |frame: &StackFrame| frame.is_exact && frame.is_at(place);
    count(frames.iter().position(is_it)?)
}

/// How many frames of a task that panicked handle that.
pub(crate) fn handling_of_panic(frames: &[StackFrame]) -> u32 {
    let is_dying = |frame: &StackFrame| is_among(frame, DYING);
    let Some(outermost) = frames.iter().rposition(is_dying) else {
        return 0;
    };
    let below = outermost + 1;
    // An exception's own functions lie between its end and the code that it is of.
    let rest = frames.get(below..).unwrap_or_default();
    let interrupted = rest.iter().take(MOST_ENTRY).position(is_interrupted);
    let entry = interrupted
        .and_then(|at| at.checked_sub(1))
        .and_then(|at| rest.get(at));
    let is_exception = entry.is_some_and(|frame| {
        let name = frame.function.as_deref().unwrap_or_default();
        // What an NMI interrupted is what the one who asks for it wants to know.
        name.starts_with("asm_exc_") || name == "end_repeat_nmi"
    });
    let skip = interrupted.filter(|_| is_exception).unwrap_or(0);
    count(below + skip).unwrap_or(0)
}

/// How many frames of a CPU only stop it.
pub(crate) fn handling_of_stop(frames: &[StackFrame]) -> u32 {
    let interrupted = frames.iter().position(is_interrupted);
    let Some(at) = interrupted else {
        return 0;
    };
    let above = frames.get(..at).unwrap_or_default();
    let is_stop = above.iter().any(|frame| is_among(frame, STOPPING));
    if is_stop { count(at).unwrap_or(0) } else { 0 }
}

/// What kinds of interruption the frames lie in, the innermost first, each once.
pub(crate) fn contexts(frames: &[StackFrame]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for frame in frames {
        let name = base_name(frame.function.as_deref().unwrap_or_default());
        let kind = match name {
            "asm_exc_nmi" | "end_repeat_nmi" | "asm_exc_nmi_noist" => "an NMI",
            // The newer kernels have the last of these names; before, kallsyms may have a section's mark there.
            "__do_softirq" | "__softirqentry_text_start" | "handle_softirqs" => "a softirq",
            "asm_common_interrupt" => "a hard interrupt",
            name if name.starts_with("asm_sysvec_") => "a hard interrupt",
            name if name.starts_with("asm_exc_") => "an exception",
            _ => continue,
        };
        if !found.iter().any(|known| known == kind) {
            found.push(kind.to_owned());
        }
    }
    found
}

fn is_interrupted(frame: &StackFrame) -> bool {
    frame.rule == FrameRule::Interrupted
}

fn is_among(frame: &StackFrame, names: &[&str]) -> bool {
    let name = frame.function.as_deref().unwrap_or_default();
    frame.module.is_none() && names.contains(&base_name(name))
}

fn count(frames: usize) -> Option<u32> {
    u32::try_from(frames).ok()
}

#[cfg(test)]
mod tests {
    use base::{Trust, VirtAddr};

    use super::*;

    fn frame(function: &str, rule: FrameRule) -> StackFrame {
        StackFrame {
            pc: VirtAddr(0x1000),
            sp: VirtAddr(0),
            function: Some(function.to_owned()),
            offset: Some(5),
            size: Some(16),
            module: None,
            source: None,
            inlined: Vec::new(),
            rule,
            trust: Trust::ReadFromMemory,
            is_exact: rule == FrameRule::Interrupted,
            is_guess: false,
            stack: None,
        }
    }

    /// Names, the interrupted ones marked with `!`.
    fn stack(names: &str) -> Vec<StackFrame> {
        let rule = |name: &str| match name.strip_prefix('!') {
            Some(name) => frame(name, FrameRule::Interrupted),
            None => frame(name, FrameRule::Orc),
        };
        names.split(' ').map(rule).collect()
    }

    #[test]
    fn what_handles_a_failure_is_told_from_what_failed() {
        let fault = stack(
            "delay_tsc panic oops_end.cold page_fault_oops exc_page_fault asm_exc_page_fault !discount order",
        );
        assert_eq!(handling_of_panic(&fault), 6);
        let asked = stack("__crash_kexec panic sysrq_handle_crash write_sysrq_trigger");
        assert_eq!(handling_of_panic(&asked), 2);
        // A watchdog panics in an interrupt: what called for the panic is what the log does not name.
        let watchdog = stack(
            "panic watchdog_timer_fn hrtimer_interrupt sysvec_apic_timer_interrupt asm_sysvec_apic_timer_interrupt !spin",
        );
        assert_eq!(handling_of_panic(&watchdog), 1);
        let button =
            stack("panic nmi_panic.cold unknown_nmi_error.cold exc_nmi end_repeat_nmi !pump");
        assert_eq!(handling_of_panic(&button), 5);
        assert_eq!(handling_of_panic(&stack("schedule !f")), 0);
        assert_eq!(handling_of_panic(&[]), 0);
    }

    #[test]
    fn the_place_that_was_printed_is_found() {
        let frames = stack("panic watchdog asm_sysvec_apic_timer_interrupt !spin spin");
        let mut place = Frame {
            pc: None,
            function: Some("spin".to_owned()),
            offset: Some(5),
            size: None,
            module: None,
            build_id: None,
            source: None,
            inline: false,
            stack: None,
            trust: Trust::PrintedByKernel,
            line: 1,
        };
        assert_eq!(failed_in(&frames, &place), Some(3));
        place.offset = Some(6);
        assert_eq!(failed_in(&frames, &place), None);
    }

    #[test]
    fn a_cpu_that_was_stopped_was_elsewhere() {
        let idle =
            stack("stop_this_cpu __sysvec_reboot sysvec_reboot asm_sysvec_reboot !halt idle");
        assert_eq!(handling_of_stop(&idle), 4);
        assert_eq!(handling_of_stop(&stack("halt idle")), 0);
        let timer = stack("tick asm_sysvec_apic_timer_interrupt !f");
        assert_eq!(handling_of_stop(&timer), 0);
        assert_eq!(contexts(&timer), ["a hard interrupt"]);
    }
}
