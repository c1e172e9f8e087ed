//! A CPU that does not come back, or work that does not move.

use base::{Confidence, CpuState, Gap, LogEvent, StackFrame, Trust};

use crate::draft::Draft;
use crate::helpers::is_helper;
use crate::scene::Scene;
use crate::{Detector, Nature, clues, words};

/// Soft and hard lockups, RCU stalls, stuck workqueues, spinlocks that nobody releases.
pub const ENTRY: Detector = Detector {
    name: "lockup_or_stall",
    sees: "a CPU that runs the same code for too long, or a grace period or work item that does not end",
    needs: "the registers or the trace of the CPU that is stuck",
    false_friends: "a virtual machine that the host did not run; a slow serial console; a CPU that is \
                    the victim of another one which holds the lock",
    nature,
    explain,
};

fn nature(event: &LogEvent) -> Option<Nature> {
    matches!(
        event.kind.as_str(),
        "soft_lockup" | "hard_lockup" | "rcu_stall" | "workqueue_lockup" | "spinlock"
    )
    .then_some(Nature::Stall)
}

/// Functions that spin for a lock.
const SPINNING: &[&str] = &[
    "queued_spin_lock_slowpath",
    "native_queued_spin_lock_slowpath",
    "__pv_queued_spin_lock_slowpath",
    "pv_wait_head_or_lock",
    "do_raw_spin_lock",
    "_raw_spin_lock",
    "queued_write_lock_slowpath",
    "queued_read_lock_slowpath",
    "osq_lock",
    "__raw_spin_lock",
    "arch_spin_lock",
];

/// Functions that wait for other CPUs.
const WAITING: &[&str] = &[
    "smp_call_function",
    "csd_lock_wait",
    "multi_cpu_stop",
    "stop_one_cpu",
];

fn explain(scene: &Scene<'_>) -> Option<Draft> {
    let event = scene.event;
    if nature(event).is_none()
        || event.kind == "spinlock" && !clues::says(&event.headline, "lockup")
    {
        return None;
    }
    let place = clues::in_place(event);
    let cpu = event
        .task
        .cpu
        .map_or_else(|| "A CPU".to_owned(), |cpu| format!("CPU {cpu}"));
    let mut draft = Draft::new(event).confidence(Confidence::Medium);
    draft = match event.kind.as_str() {
        "soft_lockup" => {
            let time = event
                .detail("stuck for")
                .map_or("too long".to_owned(), |time| time.trim().to_owned());
            draft.verdict(format!(
                "{cpu} ran kernel code for {time} without letting any other task run{place}."
            ))
        }
        "hard_lockup" => draft.verdict(format!("{cpu} took no interrupt for many seconds{place}.")),
        "rcu_stall" => rcu(draft, event, &place),
        "workqueue_lockup" => draft
            .verdict("A workqueue made no progress: a work item runs or sleeps for too long.")
            .quote(event, "workqueue", 2)
            .quote(event, "in flight", 4)
            .quote(event, "pending", 2),
        _ => draft.verdict(format!(
            "{cpu} spun for a spinlock that nobody released{place}."
        )),
    };
    draft = at_the_time(draft, event).call_path(event);
    for (index, other) in scene
        .same_boot()
        .filter(|(_, other)| nature(other).is_some())
        .take(4)
    {
        draft = draft.rests_on(index).says_at(
            format!("Also: {}", other.title),
            Trust::PrintedByKernel,
            other.span,
        );
    }
    let draft = match cpus(scene) {
        [] => draft.gap(
            Gap::new(
                "why the code does not come to an end",
                "one look at a running CPU shows where it is, not why",
            )
            .supply("a crash dump (set softlockup_panic or hardlockup_panic with kdump)"),
        ),
        cpus => by_memory(draft, event, cpus),
    };
    Some(match clues::place(event) {
        Some(_) => draft.next(format!(
            "Read the loops and the locks around {}.",
            clues::culprit(event)
        )),
        None => draft,
    })
}

/// What the CPUs did, where a dump tells.
fn cpus<'a>(scene: &Scene<'a>) -> &'a [CpuState] {
    let mut dumps = scene.facts.dumps.iter();
    let dump = dumps.find(|dump| dump.input == scene.event.span.input);
    dump.map_or(&[], |dump| dump.cpus.as_slice())
}

/// CPUs that are told one by one.
const MOST_CPUS: usize = 16;

/// What memory says of why there was no progress.
fn by_memory(mut draft: Draft, event: &LogEvent, cpus: &[CpuState]) -> Draft {
    for cpu in cpus.iter().filter(|cpu| !cpu.is_idle).take(MOST_CPUS) {
        let says = format!("CPU {} {}", cpu.cpu, busy(cpu));
        draft = draft.says(says, Trust::ReadFromMemory, None);
    }
    let idle = cpus.iter().filter(|cpu| cpu.is_idle).count();
    if idle > 0 {
        let count = words::count(u64::try_from(idle).unwrap_or(u64::MAX), "CPU");
        let were = if idle == 1 { "was" } else { "were" };
        draft = draft.says(format!("{count} {were} idle"), Trust::ReadFromMemory, None);
    }
    let stuck = cpus.iter().find(|cpu| Some(cpu.cpu) == event.task.cpu);
    let Some(stuck) = stuck else {
        return draft.gap(Gap::new(
            "why there was no progress",
            "the log does not tell which CPU was stuck",
        ));
    };
    match Wait::of(stuck) {
        // Whoever holds the lock runs, or sleeps with it: of those that run only these can hold it.
        Wait::Lock => {
            let others = cpus.iter().filter(|cpu| cpu.cpu != stuck.cpu);
            let holders = others.filter(|cpu| !cpu.is_idle && Wait::of(cpu) != Wait::Lock);
            let holders: Vec<String> = holders.map(|cpu| format!("CPU {}", cpu.cpu)).collect();
            let says = match holders.as_slice() {
                [] => "Every other CPU was idle or waited for a lock, too: the lock is held by a task that waits for \
                       another one or that sleeps, or nobody holds it"
                    .to_owned(),
                [one] => format!("Only {one} was neither idle nor waiting for a lock: it may hold the lock"),
                many => format!("{} were neither idle nor waiting for a lock", words::list(many)),
            };
            draft.says(says, Trust::Inferred, None).gap(Gap::new(
                "who holds the lock",
                "a spinlock does not tell its owner",
            ))
        }
        Wait::Others => draft.gap(Gap::new(
            "which CPU does not answer",
            "the one that waits keeps no list of those that have answered",
        )),
        Wait::None => {
            let code = stuck.ran().iter().find(|frame| !is_helper_frame(frame));
            let Some(code) = code else {
                return draft.gap(Gap::new(
                    "why there was no progress",
                    "the stack of the CPU that was stuck could not be read",
                ));
            };
            let name = words::stack_frame(code);
            let off = match stuck.interrupts_on {
                Some(false) => ", with interrupts off",
                _ => "",
            };
            draft
                .verdict(format!(
                    "It waits for no spinlock: the code in {name} does not come to an end{off}."
                ))
                .gap(
                    Gap::new(
                        "what the code waits for",
                        "it is not read from memory which condition ends its loop",
                    )
                    .supply(format!(
                        "the source of {}",
                        code.function.as_deref().unwrap_or("it")
                    )),
                )
        }
    }
}

/// What a CPU that is not idle did, and where.
fn busy(cpu: &CpuState) -> String {
    let waits = match Wait::of(cpu) {
        Wait::Lock => ", waiting for a spinlock",
        Wait::Others => ", waiting for other CPUs",
        Wait::None => "",
    };
    format!("{}{waits}", words::cpu(cpu))
}

/// What a CPU waits for, by the functions on its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Lock,
    Others,
    None,
}

impl Wait {
    /// The innermost functions tell: further out others have waited before.
    fn of(cpu: &CpuState) -> Wait {
        const INNERMOST: usize = 3;
        for frame in cpu
            .ran()
            .iter()
            .take(INNERMOST)
            .filter(|frame| !frame.is_guess)
        {
            let name = frame.function.as_deref().unwrap_or_default();
            let is = |list: &[&str]| list.iter().any(|known| name.starts_with(known));
            if is(SPINNING) && !name.contains("unlock") {
                return Wait::Lock;
            }
            if is(WAITING) {
                return Wait::Others;
            }
            if !is_helper_frame(frame) {
                break;
            }
        }
        Wait::None
    }
}

fn is_helper_frame(frame: &StackFrame) -> bool {
    frame.function.as_deref().is_some_and(is_helper)
}

fn rcu(draft: Draft, event: &LogEvent, place: &str) -> Draft {
    let starved = event.detail("starved").is_some();
    let what = if starved {
        format!("RCU could not finish a grace period: its own thread did not get to run{place}.")
    } else if event.detail("blocked tasks").is_some() {
        format!("RCU could not finish a grace period: a task stayed in a read-side section{place}.")
    } else {
        format!("RCU could not finish a grace period: a CPU stayed in kernel code{place}.")
    };
    draft
        .verdict(what)
        .quote(event, "stalled CPU", 4)
        .quote(event, "blocked tasks", 2)
        .quote(event, "detected", 1)
        .quote(event, "starved", 1)
}

/// What the stuck CPU was doing.
fn at_the_time(draft: Draft, event: &LogEvent) -> Draft {
    let Some(pc) = clues::pc(event) else {
        return draft.gap(
            Gap::new(
                "where the CPU was stuck",
                "the report holds no registers of it",
            )
            .supply("the whole log, or a kernel that may send backtraces to all CPUs"),
        );
    };
    let name = pc.function.as_deref().unwrap_or_default();
    let draft = draft.says(
        format!("The CPU was at {}", words::frame(pc)),
        Trust::PrintedByKernel,
        Some(pc.line),
    );
    if SPINNING.iter().any(|spin| name.starts_with(spin)) && !name.contains("unlock") {
        return draft
            .verdict("It spins for a spinlock: the CPU that holds it is the one to look for.")
            .says(
                format!("{name} waits for a spinlock"),
                Trust::Inferred,
                None,
            );
    }
    if WAITING.iter().any(|wait| name.starts_with(wait)) {
        return draft
            .verdict(
                "It waits for other CPUs to answer: the one that does not is the one to look for.",
            )
            .says(
                format!("{name} waits for other CPUs"),
                Trust::Inferred,
                None,
            );
    }
    draft
}

#[cfg(test)]
mod tests {
    use base::{DumpFacts, Finding, FrameRule, StackEnd, StackTrace, Thread, VirtAddr};

    use super::*;
    use crate::testing::{at, detail, event, finding};
    use crate::{InputFacts, LogFacts, explain_log};

    #[test]
    fn a_spinning_cpu_points_at_another() {
        let mut lockup = event("soft_lockup", 1);
        lockup.task.cpu = Some(1);
        lockup.frame = Some("desk_lock".into());
        lockup.details = vec![detail("stuck for", "23s")];
        lockup.registers = vec![at("native_queued_spin_lock_slowpath")];
        let told = finding(lockup);
        assert!(told.verdict.starts_with(
            "CPU 1 ran kernel code for 23s without letting any other task run in desk_lock."
        ));
        assert!(
            told.verdict
                .contains("the CPU that holds it is the one to look for")
        );
        assert!(!told.cause_named);
    }

    fn cpu(number: u32, names: &[&str]) -> CpuState {
        let frame = |name: &&str| StackFrame {
            pc: VirtAddr(1),
            sp: VirtAddr(2),
            function: Some((*name).to_owned()),
            offset: Some(0x10),
            size: Some(0x20),
            module: None,
            source: None,
            inlined: Vec::new(),
            rule: FrameRule::Orc,
            trust: Trust::ReadFromMemory,
            is_exact: false,
            is_guess: false,
            stack: None,
        };
        CpuState {
            cpu: number,
            is_online: true,
            thread: Some(Thread {
                pid: number,
                tgid: number,
                comm: "cook".to_owned(),
                state: "R".to_owned(),
                cpu: Some(number),
                is_kernel: false,
            }),
            is_idle: names.is_empty(),
            contexts: Vec::new(),
            interrupts_on: Some(false),
            stack: Some(StackTrace {
                frames: names.iter().map(frame).collect(),
                end: StackEnd::Bottom,
                why: String::new(),
                user: None,
            }),
            handling: 0,
        }
    }

    fn locked_up(cpus: Vec<CpuState>) -> Finding {
        let mut lockup = event("hard_lockup", 1);
        lockup.task.cpu = Some(1);
        let dumps = [DumpFacts {
            input: 0,
            crashed: None,
            cpus,
        }];
        let told = explain_log(LogFacts {
            inputs: &[InputFacts::default()],
            events: &[lockup],
            dumps: &dumps,
            waits: &[],
            tracer: None,
        });
        told.finding.unwrap()
    }

    #[test]
    fn memory_tells_what_every_cpu_did() {
        let spins = ["native_queued_spin_lock_slowpath", "_raw_spin_lock", "cook"];
        let told = locked_up(vec![cpu(0, &[]), cpu(1, &spins), cpu(2, &["boil"])]);
        let says: Vec<&str> = told
            .evidence
            .iter()
            .map(|item| item.says.as_str())
            .collect();
        for expected in [
            "CPU 1 ran cook (pid 1) in native_queued_spin_lock_slowpath+0x10/0x20, interrupts off, waiting for a spinlock",
            "CPU 2 ran cook (pid 2) in boil+0x10/0x20, interrupts off",
            "1 CPU was idle",
            "Only CPU 2 was neither idle nor waiting for a lock: it may hold the lock",
        ] {
            assert!(says.contains(&expected), "{expected}: {says:#?}");
        }
        assert!(!told.cause_named);
        let alone = locked_up(vec![cpu(0, &spins), cpu(1, &spins)]);
        assert!(
            alone
                .evidence
                .iter()
                .any(|item| item.says.starts_with("Every other CPU was idle or waited"))
        );
        // What is further out has waited before.
        let loops = locked_up(vec![cpu(1, &["boil", "cook", "_raw_spin_lock"])]);
        assert!(loops.verdict.contains(
            "It waits for no spinlock: the code in boil+0x10/0x20 does not come to an end, with interrupts off."
        ));
        assert!(
            loops
                .gaps
                .iter()
                .any(|gap| gap.what == "what the code waits for")
        );
    }

    #[test]
    fn a_starved_thread_is_told_from_a_stuck_cpu() {
        let mut stall = event("rcu_stall", 1);
        stall.details = vec![detail(
            "starved",
            "rcu_preempt kthread starved for 5250 jiffies!",
        )];
        assert!(
            finding(stall)
                .verdict
                .contains("its own thread did not get to run")
        );
    }
}
