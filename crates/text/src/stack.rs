//! Which function of a report is held responsible.
//!
//! A [`Recipe`] tells where in the report the frames stand: find the line of
//! the program counter, then the heading of the trace, then read the trace.
//! Of the frames that are not plumbing, a [`Choice`] picks one.

use std::sync::LazyLock;

use aho_corasick::packed;

use crate::Line;
use crate::frames::{self, FrameLine};
use crate::plumbing::{Names, is_plumbing};

/// One step through the lines of a report, from where the last one ended.
#[derive(Clone, Copy)]
pub enum Step {
    /// Go behind the next line that the function knows; a function named there is a frame.
    Seek(fn(&str) -> Seen<'_>),
    /// Read frames until the next heading of a trace.
    Trace,
}

/// What a line says to a [`Step::Seek`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// Nothing: look at the next line.
    No,
    /// This is the line; it names no function.
    Here,
    /// This is the line, and it names this function.
    Function(&'a str),
}

/// How one of the frames is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The innermost.
    First,
    /// The last before the code that dispatched the work: a stall shows a
    /// random place of a loop, its entry is what repeats.
    BeforeDispatch,
    /// The caller of the wait: a hang shows the primitive that waits.
    CallerOfWait,
}

/// Where the frames of a report stand and which one counts.
#[derive(Clone, Copy)]
pub struct Recipe {
    /// The steps.
    pub steps: &'static [Step],
    /// Tried when the first steps find no frame.
    pub or: &'static [Step],
    /// What is plumbing in this kind of report besides the usual.
    pub skip: Names,
    /// Which frame counts.
    pub choose: Choice,
}

impl Recipe {
    /// Program counter, then the trace.
    pub const FAULT: Recipe = Recipe {
        steps: &[
            Step::Seek(program_counter),
            Step::Seek(call_trace),
            Step::Trace,
        ],
        or: &[],
        skip: Names::NONE,
        choose: Choice::First,
    };
    /// The trace alone.
    pub const TRACE: Recipe = Recipe {
        steps: &[Step::Seek(call_trace), Step::Trace],
        or: &[],
        skip: Names::NONE,
        choose: Choice::First,
    };
    /// The program counter alone.
    pub const COUNTER: Recipe = Recipe {
        steps: &[Step::Seek(program_counter)],
        or: &[],
        skip: Names::NONE,
        choose: Choice::First,
    };
    /// `WARN()`: newer kernels trap, and the stack begins at the program
    /// counter; older ones only print the stack.
    pub const WARNING: Recipe = Recipe {
        steps: &[Step::Seek(warning_counter), Step::Trace],
        or: &[Step::Seek(call_trace), Step::Trace],
        skip: Names::NONE,
        choose: Choice::First,
    };

    /// The same recipe with more plumbing.
    #[must_use]
    pub const fn skipping(self, skip: Names) -> Recipe {
        Recipe { skip, ..self }
    }

    /// The same recipe with another choice.
    #[must_use]
    pub const fn choosing(self, choose: Choice) -> Recipe {
        Recipe { choose, ..self }
    }
}

/// The function that `recipe` holds responsible in `lines`, if it finds one.
pub fn responsible(lines: &[Line], recipe: &Recipe) -> Option<String> {
    let first = follow(lines, recipe, recipe.steps);
    if first.is_some() || recipe.or.is_empty() {
        return first;
    }
    follow(lines, recipe, recipe.or)
}

fn follow(lines: &[Line], recipe: &Recipe, steps: &[Step]) -> Option<String> {
    let mut frames: Vec<String> = Vec::new();
    let mut rest = lines.iter();
    let mut steps = steps.iter().peekable();
    let mut intact = true;
    while let Some(step) = steps.next() {
        match step {
            Step::Seek(known) => {
                for line in rest.by_ref() {
                    if is_interloper(&line.text) {
                        intact = false;
                        break;
                    }
                    match known(&line.text) {
                        Seen::No => continue,
                        Seen::Here => break,
                        Seen::Function(name) => {
                            push(&mut frames, name, recipe);
                            break;
                        }
                    }
                }
            }
            Step::Trace => {
                for line in rest.by_ref() {
                    if is_interloper(&line.text) {
                        intact = false;
                        break;
                    }
                    if line.opens_stack {
                        break;
                    }
                    if let Some(Step::Seek(known)) = steps.peek() {
                        let seen = known(&line.text);
                        if let Seen::Function(name) = seen {
                            push(&mut frames, name, recipe);
                        }
                        if seen != Seen::No {
                            steps.next();
                            break;
                        }
                    }
                    push_frame_line(&mut frames, &line.text, recipe);
                }
                // A second trace (where memory came from) never names the crash.
                break;
            }
        }
    }
    if !intact {
        return None;
    }
    match recipe.choose {
        Choice::First => frames.into_iter().next(),
        Choice::BeforeDispatch => before_dispatch(&frames),
        Choice::CallerOfWait => caller_of_wait(&frames),
    }
}

fn push_frame_line(frames: &mut Vec<String>, text: &str, recipe: &Recipe) {
    match frames::parse(text) {
        Some(FrameLine::Frame { symbol, tail, .. }) if !tail.inline => {
            // 32-bit ARM prints caller and callee on one line; the callee of the
            // first line stands nowhere else.
            let callee = symbol.name;
            if !push(frames, callee, recipe)
                && let Some((caller, ..)) = frames::arm_caller(symbol.rest)
            {
                push(frames, caller.name, recipe);
            }
        }
        _ => {}
    }
}

/// Adds `symbol` unless it is plumbing; tells whether it was added.
fn push(frames: &mut Vec<String>, symbol: &str, recipe: &Recipe) -> bool {
    let name = frames::function_name(symbol);
    // Compilers split functions: `foo.isra.3`, `foo.cold`.
    let name = if name == symbol {
        name.split('.').next().unwrap_or(symbol)
    } else {
        &name
    };
    if is_plumbing(name) || recipe.skip.has(name) {
        return false;
    }
    frames.push(without_syscall_prefix(name).to_owned());
    true
}

/// System calls have a prefix that differs between architectures and releases.
fn without_syscall_prefix(name: &str) -> &str {
    const PREFIXES: &[&str] = &[
        "SYSC_",
        "SyS_",
        "sys_",
        "__x64_",
        "__ia32_",
        "__arm64_",
        "____sys_",
        "___sys_",
        "__sys_",
        "__se_",
        "__do_sys_",
        "compat_SYSC_",
        "compat_SyS_",
        "ksys_",
    ];
    PREFIXES.iter().fold(name, |name, prefix| {
        name.strip_prefix(prefix).unwrap_or(name)
    })
}

fn before_dispatch(frames: &[String]) -> Option<String> {
    /// Generic functions that dispatch work, and their callers, so that a
    /// renamed one does not lead into the next stack.
    const DISPATCH: Names = Names {
        contains: &[
            // Work items, system calls, network receive, softirqs, timers, threads.
            "process_one_work",
            "do_syscall_",
            "do_fast_syscall_",
            "sysenter_dispatch",
            "tracesys_phase2",
            "el0_svc_handler",
            "invoke_syscall",
            "ret_fast_syscall",
            "netif_receive_skb",
            "do_softirq",
            "call_timer_fn",
            "_run_timers",
            "run_timer_softirq",
            "hrtimer_run",
            "run_ksoftirqd",
            "smpboot_thread_fn",
            "start_secondary",
            "cpu_startup_entry",
            "ret_from_fork",
            "tasklet_action",
            "tasklet_hi_action",
            "smp_call_function",
            // File operations: below them stands the one that implements it.
            "vfs_write",
            "vfs_read",
            "vfs_iter_read",
            "vfs_iter_write",
            "do_iter_read",
            "do_iter_write",
            "call_read_iter",
            "call_write_iter",
            "new_sync_read",
            "new_sync_write",
            "vfs_ioctl",
            "compat_ioctl",
            "compat_sys_ioctl",
            "blkdev_driver_ioctl",
            "blkdev_ioctl",
            "do_iter_readv_writev",
            "mmap_region",
            "do_mmap",
            "do_dentry_open",
            "vfs_open",
            // Sockets.
            "kernel_setsockopt",
            "sock_common_setsockopt",
            "kernel_listen",
            "sk_common_release",
            "kernel_accept",
            // Page faults and the way back to user space.
            "__do_fault",
            "do_page_fault",
            "__fput",
            "task_work_run",
            "exit_to_usermode",
        ],
        starts: &[
            "call_mmap",
            "sock_sendmsg",
            "sock_recvmsg",
            "sock_release",
            "__sock_release",
            "sock_mmap",
            "sock_do_ioctl",
            "sock_ioctl",
            "compat_sock_ioctl",
            "nfnetlink_rcv_msg",
            "rtnetlink_rcv_msg",
            "netlink_dump",
            "socketpair",
            "connect",
            "ioctl",
        ],
        ends: &[],
        is: &["kthread", "setsockopt", "listen", "accept", "page_fault"],
    };
    let mut previous = frames.first()?;
    for frame in frames {
        if DISPATCH.has(frame) {
            // A CPU that waits for the others is stuck in this very function.
            if frame.contains("smp_call_function") {
                return Some("smp_call_function".to_owned());
            }
            return Some(previous.clone());
        }
        previous = frame;
    }
    None
}

fn caller_of_wait(frames: &[String]) -> Option<String> {
    /// Waiting for these is a condition of the whole system: one name for all victims.
    const BUCKETS: &[(&str, Option<&str>)] = &[
        ("rtnl_lock", None),
        ("synchronize_rcu", Some("synchronize_rcu")),
        ("synchronize_srcu", Some("synchronize_rcu")),
        ("synchronize_net", Some("synchronize_rcu")),
        ("synchronize_sched", Some("synchronize_rcu")),
    ];
    const WAITS: Names = Names::containing(&[
        "sched",
        "_lock",
        "_slowlock",
        "down",
        "rwsem",
        "completion",
        "kthread",
        "wait",
        "synchronize",
        "context_switch",
        "__switch_to",
        "cancel_delayed_work",
        "rcu_barrier",
    ]);
    for frame in frames {
        for (part, bucket) in BUCKETS {
            if frame.contains(part) {
                return Some(bucket.map_or_else(|| frame.clone(), str::to_owned));
            }
        }
    }
    frames.iter().find(|frame| !WAITS.has(frame)).cloned()
}

/// The heading of the trace of a report.
pub fn call_trace(text: &str) -> Seen<'_> {
    if is_call_trace(text) {
        return Seen::Here;
    }
    // 32-bit ARM printed no heading before 6.2: the first frame is one.
    match frames::parse(text) {
        Some(FrameLine::Frame { symbol, .. }) if frames::arm_caller(symbol.rest).is_some() => {
            Seen::Function(symbol.name)
        }
        _ => Seen::No,
    }
}

fn is_call_trace(text: &str) -> bool {
    text.contains("Call Trace:") || text.contains("Call trace:") || text.contains("Backtrace:")
}

/// Whether `+0x` stands in the line, as in every frame.
pub fn has_offset(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'+', bytes)
        .any(|at| bytes.get(at..).is_some_and(|rest| rest.starts_with(b"+0x")))
}

/// What the headings of stacks have in common; one pass finds whether any can be there.
static HEADINGS: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| {
    packed::Searcher::new([
        "Call ",
        "Backtrace:",
        "Allocated",
        "Freed",
        "Uninit",
        " backtrace",
        " badaddr: ",
    ])
});

/// Whether a stack begins behind this line, whatever it is the stack of.
pub fn starts_stack(text: &str) -> bool {
    // Most lines of a report are frames.
    if has_offset(text) {
        return false;
    }
    if HEADINGS
        .as_ref()
        .is_some_and(|headings| headings.find(text).is_none())
    {
        return false;
    }
    text.contains("Call Trace")
        || text.contains("Call trace")
        || text.contains("Backtrace:")
        || text.contains("Allocated:")
        || text.contains("Freed:")
        || by_task(text, "Allocated by task ")
        || by_task(text, "Freed by task ")
        || text.contains("Uninit was stored to memory at")
        || is_leak_backtrace(text)
        || is_riscv_status(text)
}

fn by_task(text: &str, heading: &str) -> bool {
    text.split_once(heading).is_some_and(|(_, rest)| {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        after.len() < rest.len() && after.starts_with(':')
    })
}

/// `  backtrace (crc 1a2b3c4d):` of kmemleak, not lockdep's `stack backtrace:`.
fn is_leak_backtrace(text: &str) -> bool {
    let Some((head, rest)) = text.split_once(" backtrace") else {
        return false;
    };
    if head.is_empty() || head.ends_with('k') {
        return false;
    }
    let rest = rest.strip_prefix(" (crc ").map_or(rest, |rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_hexdigit())
            .strip_prefix(')')
            .unwrap_or(rest)
    });
    rest.starts_with(':')
}

/// The last line of RISC-V's `show_regs()`, behind which the stack follows without a heading.
pub fn is_riscv_status(text: &str) -> bool {
    text.contains("status: ") && text.contains(" badaddr: ") && text.contains(" cause: ")
}

/// A stack of fault injection, which often interrupts a report.
fn is_interloper(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(' ') else {
        return false;
    };
    let rest = match frames::bracketed_pc(rest) {
        Some((_, rest)) => rest.strip_prefix(' ').unwrap_or(rest),
        None => rest,
    };
    rest.starts_with("should_fail")
        && frames::symbol(rest).is_some_and(|symbol| {
            let name = symbol.name.split('.').next().unwrap_or_default();
            symbol.offset.is_some() && matches!(name, "should_fail" | "should_failslab")
        })
}

/// Whether the line is a frame of a stack trace.
pub fn is_frame(text: &str) -> bool {
    matches!(frames::parse(text), Some(FrameLine::Frame { tail, .. }) if !tail.inline)
}

/// How the architectures call the program counter; one pass finds whether any can be there.
static COUNTERS: LazyLock<Option<packed::Searcher>> =
    LazyLock::new(|| packed::Searcher::new(["IP", "pc ", "PC is at", "epc", "PSW", "ERA"]));

/// The line of the program counter, in the forms of all architectures.
pub fn program_counter(text: &str) -> Seen<'_> {
    if COUNTERS
        .as_ref()
        .is_some_and(|counters| counters.find(text).is_none())
    {
        return Seen::No;
    }
    for (mark, blanks) in [
        ("IP", false),
        ("pc ", false),
        ("PC is at", false),
        ("epc", true),
        ("PSW", true),
        ("ERA", true),
    ] {
        for (at, _) in text.match_indices(mark) {
            let rest = text.get(at + mark.len()..).unwrap_or_default();
            let seen = counter(rest, blanks);
            if seen != Seen::No {
                return seen;
            }
        }
    }
    Seen::No
}

/// What follows the name of the program counter.
fn counter(rest: &str, blanks: bool) -> Seen<'_> {
    let rest = if blanks { rest.trim_start() } else { rest };
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let Some(mut rest) = rest.strip_prefix(' ') else {
        return Seen::No;
    };
    if blanks {
        // MIPS, s390 and LoongArch print bare numbers before the symbol.
        loop {
            let word = rest.trim_start().trim_start_matches('(');
            match word.split_once(' ') {
                Some((number, after))
                    if number.len() >= 8 && number.bytes().all(|b| b.is_ascii_hexdigit()) =>
                {
                    rest = after;
                }
                _ => {
                    rest = word;
                    break;
                }
            }
        }
    }
    // The code segment: `0010:`.
    if let Some((segment, after)) = rest.split_once(':')
        && !segment.is_empty()
        && segment.bytes().all(|b| b.is_ascii_digit())
    {
        rest = after;
    }
    let mut addresses = 0;
    while addresses < 2 {
        match frames::bracketed_pc(rest) {
            Some((_, after)) if after.starts_with(' ') => rest = after.trim_start(),
            _ => break,
        }
        addresses += 1;
    }
    if let Some(symbol) = frames::symbol(rest) {
        let whole =
            symbol.offset.is_some() || symbol.rest.starts_with('+') || symbol.name.contains('.');
        return if whole {
            Seen::Function(symbol.name)
        } else {
            Seen::No
        };
    }
    let null = rest.trim_start().trim_start_matches("[<").trim_start();
    if addresses == 0 && rest.starts_with("0x") || null.starts_with("(null)") {
        return Seen::Here;
    }
    Seen::No
}

/// The program counter of a trapping `WARN()`, or PowerPC's `--- interrupt: 700 at f+0x…`.
fn warning_counter(text: &str) -> Seen<'_> {
    if let Some((_, rest)) = text.split_once("--- interrupt: ") {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        if let Some(symbol) = rest.strip_prefix(" at ").and_then(frames::symbol) {
            return Seen::Function(symbol.name);
        }
    }
    program_counter(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        text.lines()
            .enumerate()
            .map(|(i, text)| Line::of(i as u64 + 1, text.to_owned()))
            .collect()
    }

    #[test]
    fn the_program_counter_is_found_on_every_architecture() {
        for (text, seen) in [
            ("RIP: 0010:do_one+0x12/0x34 [mod]", Seen::Function("do_one")),
            (
                "RIP: 0010:[<ffffffff81234567>]  [<ffffffff81234567>] do_one+0x1/0x2",
                Seen::Function("do_one"),
            ),
            (
                "IP: [<ffffffff81234567>] do_one+0x1/0x2",
                Seen::Function("do_one"),
            ),
            ("IP: do_one+0x1/0x2", Seen::Function("do_one")),
            ("EIP: do_one+0x1/0x2", Seen::Function("do_one")),
            ("pc : do_one+0x1/0x2", Seen::Function("do_one")),
            ("PC is at do_one+0x1/0x2", Seen::Function("do_one")),
            ("epc : do_one+0x1/0x2", Seen::Function("do_one")),
            (
                "epc   : ffffffffc0445a10 do_one+0x128/0x228 [bonding]",
                Seen::Function("do_one"),
            ),
            (
                "NIP [c000000000012345] do_one+0x1/0x2",
                Seen::Function("do_one"),
            ),
            (
                "Krnl PSW : 0704c00180000000 0000000000abcdef (do_one+0x1/0x2)",
                Seen::Function("do_one"),
            ),
            (
                "ERA: 9000000000221c6c do_one+0x1/0x2",
                Seen::Function("do_one"),
            ),
            ("RIP: 0010:0x0", Seen::Here),
            ("RIP: 0033:0x7f12", Seen::Here),
            ("IP: [<          (null)>]           (null)", Seen::Here),
            ("Hardware name: IP phone", Seen::No),
            ("RSP: 0018:ffffc90000 EFLAGS: 00010246", Seen::No),
        ] {
            assert_eq!(program_counter(text), seen, "{text}");
        }
    }

    #[test]
    fn the_innermost_frame_that_is_not_plumbing_counts() {
        let text = "RIP: 0010:memcpy+0x1/0x2\nRSP: 0018:ff\nCall Trace:\n kasan_report+0x1/0x2\n my_read.isra.0+0x1/0x2\n vfs_read+0x1/0x2\n";
        assert_eq!(
            responsible(&lines(text), &Recipe::FAULT).as_deref(),
            Some("my_read")
        );
        assert_eq!(responsible(&lines(""), &Recipe::FAULT), None);
    }

    #[test]
    fn a_stall_is_named_by_the_entry_of_its_loop() {
        let text = "RIP: 0010:inner+0x1/0x2\nCall Trace:\n middle+0x1/0x2\n snd_write+0x1/0x2\n vfs_write+0x1/0x2\n";
        let recipe = Recipe::FAULT.choosing(Choice::BeforeDispatch);
        assert_eq!(
            responsible(&lines(text), &recipe).as_deref(),
            Some("snd_write")
        );
    }

    #[test]
    fn a_hang_is_named_by_the_caller_of_the_wait() {
        let recipe = Recipe::TRACE.choosing(Choice::CallerOfWait);
        let text = "Call Trace:\n __schedule+0x1/0x2\n schedule+0x1/0x2\n io_wait+0x1/0x2\n my_op+0x1/0x2\n";
        assert_eq!(responsible(&lines(text), &recipe).as_deref(), Some("my_op"));
        let text = "Call Trace:\n schedule+0x1/0x2\n my_op+0x1/0x2\n synchronize_srcu+0x1/0x2\n";
        assert_eq!(
            responsible(&lines(text), &recipe).as_deref(),
            Some("synchronize_rcu")
        );
    }
}
