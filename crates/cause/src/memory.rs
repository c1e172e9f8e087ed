//! What the memory of a dump says beside its log: which task crashed, and whether its stack is the one that the
//! kernel printed.

use base::{CrashedTask, LogEvent, StackFrame, Trust};

use crate::draft::Draft;
use crate::scene::Scene;
use crate::words;

/// How the stack in memory stands to the one that the kernel printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// There is nothing to compare.
    Unknown,
    /// All frames that the kernel printed for sure are there, in their order.
    Whole {
        /// How many.
        frames: usize,
    },
    /// They differ.
    Differs {
        /// How many frames are the same before.
        same: usize,
        /// What the kernel printed there; none where it had printed all.
        printed: Option<String>,
        /// What memory has there; none where its frames end.
        memory: Option<String>,
    },
}

/// Compares the stack of the task that crashed with what the event printed.
pub fn agreement(event: &LogEvent, crashed: &CrashedTask) -> Agreement {
    let frames: Vec<&StackFrame> = crashed.failed().iter().collect();
    let printed = event.printed_path();
    let Some(first) = frames.first() else {
        return Agreement::Unknown;
    };
    if printed.len() < 2 {
        return Agreement::Unknown;
    }
    // A panic prints its own functions, too: they were in other places when it printed.
    let start = printed.iter().position(|printed| first.is_at(printed));
    // Where it failed was printed and is not there: that is a difference. Else both may tell of different moments.
    let has_place = event
        .registers
        .iter()
        .any(|set| set.whose == "kernel" && set.pc.is_some());
    if start.is_none() && !has_place {
        return Agreement::Unknown;
    }
    let from = printed.get(start.unwrap_or(0)..).unwrap_or_default();
    let mut pairs = frames.iter().zip(from);
    let same = pairs
        .by_ref()
        .take_while(|(frame, printed)| frame.is_at(printed))
        .count();
    if same == from.len() {
        return Agreement::Whole { frames: same };
    }
    Agreement::Differs {
        same,
        printed: from.get(same).map(|frame| words::frame(frame)),
        memory: frames.get(same).map(|frame| words::stack_frame(frame)),
    }
}

/// Adds what memory says to a draft about the event of the crash.
pub fn beside(scene: &Scene<'_>, draft: Draft) -> Draft {
    let event = scene.event;
    let mut dumps = scene.facts.dumps.iter();
    let Some(dump) = dumps.find(|dump| dump.input == event.span.input) else {
        return draft;
    };
    let is_this = |crashed: &&CrashedTask| crashed.line == Some(event.span.start);
    let Some(crashed) = dump.crashed.as_ref().filter(is_this) else {
        return draft;
    };
    let how = words::sentence(&crashed.how);
    let Some(thread) = &crashed.thread else {
        return draft.says(how, Trust::ReadFromMemory, None);
    };
    let who = format!("{} (pid {})", thread.comm, thread.pid);
    let draft = draft.says(format!("{how}: {who}"), Trust::ReadFromMemory, None);
    let said = match agreement(event, crashed) {
        Agreement::Unknown => return draft,
        Agreement::Whole { frames } => format!(
            "The stack of {who} in memory holds the {} that the kernel printed, in their order",
            words::count(u64::try_from(frames).unwrap_or(u64::MAX), "frame")
        ),
        Agreement::Differs {
            same,
            printed,
            memory,
        } => {
            let printed = printed.unwrap_or_else(|| "nothing more".to_owned());
            let memory = memory.unwrap_or_else(|| "nothing more".to_owned());
            let after = match same {
                0 => "from its first frame on".to_owned(),
                same => format!(
                    "after {}",
                    words::count(u64::try_from(same).unwrap_or(u64::MAX), "equal frame")
                ),
            };
            format!(
                "The stack of {who} in memory is not the one that the kernel printed {after}: memory has {memory}, \
                 the log {printed}"
            )
        }
    };
    draft.says(said, Trust::ReadFromMemory, None)
}

#[cfg(test)]
mod tests {
    use base::{DumpFacts, FrameRule, StackEnd, StackTrace, Thread, VirtAddr};

    use super::*;
    use crate::testing::{at, event, frame, trace};
    use crate::{InputFacts, LogFacts, explain_log};

    fn memory(name: &str) -> StackFrame {
        let frame = frame(name);
        StackFrame {
            pc: VirtAddr(1),
            sp: VirtAddr(2),
            function: frame.function,
            offset: frame.offset,
            size: frame.size,
            module: None,
            source: None,
            inlined: Vec::new(),
            rule: FrameRule::Orc,
            trust: Trust::ReadFromMemory,
            is_exact: false,
            is_guess: false,
            stack: None,
        }
    }

    fn crashed(names: &[&str], handling: u32) -> CrashedTask {
        CrashedTask {
            thread: Some(Thread {
                pid: 7,
                tgid: 7,
                comm: "cook".to_owned(),
                state: "R".to_owned(),
                cpu: Some(1),
                is_kernel: false,
            }),
            how: "the kernel panicked on CPU 1, which ran this task".to_owned(),
            line: Some(1),
            stack: Some(StackTrace {
                frames: names.iter().map(|name| memory(name)).collect(),
                end: StackEnd::User,
                why: String::new(),
                user: None,
            }),
            handling,
        }
    }

    fn oops() -> LogEvent {
        let mut oops = event("oops", 1);
        oops.registers = vec![at("boil")];
        oops.traces = vec![trace("Call Trace", &["stir", "syscall"])];
        oops
    }

    #[test]
    fn equal_stacks_are_told_from_different_ones() {
        let told = |names: &[&str], handling| agreement(&oops(), &crashed(names, handling));
        let whole = Agreement::Whole { frames: 3 };
        assert_eq!(told(&["panic", "boil", "stir", "syscall"], 1), whole);
        assert_eq!(told(&["boil", "stir", "syscall", "more"], 0), whole);
        let differs = told(&["boil", "fry", "syscall"], 0);
        let expected = Agreement::Differs {
            same: 1,
            printed: Some("stir+0x10/0x20".to_owned()),
            memory: Some("fry+0x10/0x20".to_owned()),
        };
        assert_eq!(differs, expected);
        let Agreement::Differs {
            same: 2,
            memory: None,
            ..
        } = told(&["boil", "stir"], 0)
        else {
            unreachable!("memory ends before the log");
        };
        assert_eq!(told(&[], 0), Agreement::Unknown);
        // A panic's own functions stand first in what it prints.
        let mut panic = event("panic", 1);
        panic.traces = vec![trace(
            "Call Trace",
            &["dump_stack", "panic", "stir", "syscall"],
        )];
        let memory = crashed(&["delay", "panic", "stir", "syscall"], 2);
        assert_eq!(agreement(&panic, &memory), Agreement::Whole { frames: 2 });
    }

    #[test]
    fn the_verdict_says_what_memory_says() {
        let evidence = |crashed: CrashedTask| {
            let dumps = [DumpFacts {
                input: 0,
                crashed: Some(crashed),
                cpus: Vec::new(),
            }];
            let told = explain_log(LogFacts {
                inputs: &[InputFacts::default()],
                events: &[oops()],
                dumps: &dumps,
                waits: &[],
                tracer: None,
            });
            let evidence = told.finding.unwrap().evidence.into_iter();
            let by_memory = evidence.filter(|item| item.trust == Trust::ReadFromMemory);
            by_memory.map(|item| item.says).collect::<Vec<_>>()
        };
        let same = evidence(crashed(&["boil", "stir", "syscall"], 0));
        assert_eq!(
            same,
            [
                "The kernel panicked on CPU 1, which ran this task: cook (pid 7)",
                "The stack of cook (pid 7) in memory holds the 3 frames that the kernel printed, in their order",
            ]
        );
        let other = evidence(crashed(&["boil", "fry"], 0));
        assert!(
            other[1]
                .contains("after 1 equal frame: memory has fry+0x10/0x20, the log stir+0x10/0x20")
        );
        // What is about another event is not said of this one.
        let mut elsewhere = crashed(&["boil", "stir", "syscall"], 0);
        elsewhere.line = Some(99);
        assert_eq!(evidence(elsewhere), [""; 0]);
    }
}
