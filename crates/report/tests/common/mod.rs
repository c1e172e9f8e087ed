//! Reports made by hand.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "shared by several test programs, none of which uses everything"
)]

use base::*;
use cause::InputFacts;
use report::Report;

/// An input of `lines` lines.
pub fn input(name: &str, lines: u64) -> InputFacts {
    InputFacts {
        name: name.into(),
        kind: "kernel log".into(),
        lines,
        bytes: lines * 60,
        gaps: Vec::new(),
    }
}

/// A frame as MIPS prints it.
pub fn frame(pc: u64, name: &str, offset: u64, size: u64, module: &str, line: u64) -> Frame {
    Frame {
        pc: Some(VirtAddr(pc)),
        function: Some(name.into()),
        offset: Some(offset),
        size: Some(size),
        module: (!module.is_empty()).then(|| module.into()),
        build_id: None,
        source: None,
        inline: false,
        stack: None,
        trust: Trust::PrintedByKernel,
        line,
    }
}

/// The oops in the bonding driver, as the log reader tells it.
pub fn bonding_oops() -> LogEvent {
    let pc = frame(
        0xffff_ffff_c044_5a10,
        "rlb_arp_recv",
        0x128,
        0x228,
        "bonding",
        14,
    );
    let mut frames = vec![Frame {
        line: 33,
        ..pc.clone()
    }];
    frames.push(frame(
        0xffff_ffff_807a_7648,
        "netif_receive_skb",
        0x3f0,
        0x4d8,
        "",
        34,
    ));
    let mut doubtful = frame(0xffff_ffff_8021_0000, "printk", 0x8, 0x60, "", 35);
    doubtful.trust = Trust::PrintedAsUnreliable;
    frames.push(doubtful);
    for (number, name) in [
        "cvm_oct_napi_poll_38",
        "net_rx_action",
        "__do_softirq",
        "do_softirq",
        "irq_exit",
        "do_IRQ",
        "octeon_irq_ip2_ciu",
        "plat_irq_dispatch",
        "ret_from_irq",
        "r4k_wait",
        "cpu_idle",
        "rest_init",
        "start_kernel",
    ]
    .into_iter()
    .enumerate()
    {
        frames.push(frame(
            0xffff_ffff_8031_0000,
            name,
            0x10,
            0x90,
            "",
            36 + number as u64,
        ));
    }
    let names = [
        "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "s0", "s1", "s2", "gp", "sp",
    ];
    let values = [
        0,
        0xffff_ffff_808b_1da0,
        0x300,
        0x30,
        0,
        0xa800_0000_029d_2160,
        0x2e,
        0xa800_0000_0255_9000,
        0xa800_0000_029d_214e,
        0x300,
        0xa800_0000_012d_1600,
        0xffff_ffff_811c_4000,
        0xffff_ffff_811c_7970,
    ];
    LogEvent {
        kind: "oops".into(),
        title: "BUG: unable to handle kernel paging request in rlb_arp_recv".into(),
        frame: Some("rlb_arp_recv".into()),
        crash: true,
        span: LineSpan {
            input: 0,
            start: 1,
            end: 51,
        },
        headline: "CPU 0 Unable to handle kernel paging request at virtual address \
                   0000000000000318, epc == ffffffffc0445a10, ra == ffffffffc04459dc"
            .into(),
        meaning: "the kernel used an address that is not mapped".into(),
        task: Task {
            cpu: Some(0),
            pid: Some(0),
            comm: Some("swapper".into()),
            context: None,
        },
        machine: Machine {
            arch: Some("mips64".into()),
            endian: Some(Endian::Big),
            taint: Some("P".into()),
            hardware: Some("Cavium Octeon II".into()),
            ..Machine::default()
        },
        fault: Some(Fault {
            address: Some(VirtAddr(0x318)),
            address_source: Some("BadVA".into()),
            code: Some(VirtAddr(0x80_0008)),
            code_kind: Some("Cause".into()),
            words: vec!["TLB miss on a load or an instruction fetch".into()],
            size: None,
            access: Some("read".into()),
        }),
        registers: vec![RegisterSet {
            whose: "kernel".into(),
            pc: Some(pc),
            link: None,
            registers: names
                .iter()
                .zip(values)
                .map(|(name, value)| Register {
                    name: (*name).into(),
                    value: VirtAddr(value),
                })
                .collect(),
            line: 4,
        }],
        code: Some(Code {
            units: [
                0xde44_0268,
                0x7043_1003,
                0x0082_882d,
                0x9223_0018,
                0x1060_0007,
            ]
            .into_iter()
            .map(|value| CodeUnit { value, size: 4 })
            .collect(),
            marked: Some(3),
            line: 50,
        }),
        traces: vec![Trace {
            label: "Call Trace".into(),
            frames,
            line: 32,
        }],
        panic: Some("Fatal exception in interrupt".into()),
        ..LogEvent::default()
    }
}

/// The oops and what the hardware watchdog printed after it.
pub fn bonding() -> Report {
    let watchdog = LogEvent {
        kind: "nmi".into(),
        title: "NMI watchdog".into(),
        crash: false,
        span: LineSpan {
            input: 0,
            start: 52,
            end: 73,
        },
        headline: "*** NMI Watchdog interrupt on Core 0x01 ***".into(),
        ..LogEvent::default()
    };
    Report::of_log(
        vec![input("bonding-rlb-oops.mips64.log", 73)],
        vec![bonding_oops(), watchdog],
        None,
    )
}

/// A log that an attacker could write into.
pub fn hostile() -> Report {
    let mut event = bonding_oops();
    event.title = "BUG: \x1b[2Jgone\u{202e}txt in f".into();
    event.headline = "Unable\x1b]0;owned\x07 to handle \u{9b}31m".into();
    event.task.comm = Some("\x1b[31mred\x1b[0m\n\r\t".into());
    event.machine.hardware = Some("表".repeat(60));
    event.traces[0].label = "Call\x08 Trace".into();
    event.traces[0].frames[0].function = Some("f\x1b[1m".into());
    event.traces[0].frames[0].module = Some("m".repeat(500));
    event.registers[0].registers[0].name = "\x1bc".repeat(30);
    Report::of_log(vec![input("\x1b[5mname.log", 73)], vec![event], None)
}

fn stack_frame(function: &str, rule: FrameRule) -> StackFrame {
    StackFrame {
        pc: VirtAddr(0xffff_ffff_8100_0010),
        sp: VirtAddr(0xffff_c900_0000_0000),
        function: Some(function.into()),
        offset: Some(0x10),
        size: Some(0x40),
        module: None,
        source: None,
        inlined: Vec::new(),
        rule,
        trust: rule.trust(),
        is_exact: rule == FrameRule::Interrupted,
        is_guess: rule == FrameRule::Search,
        stack: None,
    }
}

/// A dump whose CPUs are locked up: one crashed, one was idle, one cannot be read.
pub fn dumped() -> Report {
    let mut event = bonding_oops();
    event.kind = "hard_lockup".into();
    let thread = |pid, comm: &str, cpu| thread(pid, comm, "R", Some(cpu));
    let mut spin = stack_frame("native_queued_spin_lock_slowpath", FrameRule::Interrupted);
    spin.source = Some("kernel/locking/qspinlock.c:474".into());
    spin.inlined = vec![InlinedCall {
        function: "pv_wait\x1b[2J".into(),
        source: Some("arch/x86/include/asm/paravirt.h:600".into()),
    }];
    let mut nmi = stack_frame("panic", FrameRule::Registers);
    nmi.stack = Some("NMI".into());
    let stack = StackTrace {
        frames: vec![
            nmi,
            spin,
            stack_frame("cook_\x1b[31msoup", FrameRule::Orc),
            stack_frame("perhaps", FrameRule::Search),
        ],
        end: StackEnd::Lost,
        why: "0x12 is not mapped".into(),
        user: None,
    };
    let crashed = CrashedTask {
        thread: Some(thread(7, "cook", 1)),
        how: "the kernel panicked on CPU 1, which ran this task".into(),
        line: Some(event.span.start),
        stack: Some(stack.clone()),
        handling: 1,
    };
    let cpu = |cpu, thread, is_idle, stack| CpuState {
        cpu,
        is_online: true,
        thread,
        is_idle,
        contexts: vec!["a hard interrupt".into()],
        interrupts_on: Some(false),
        stack,
        handling: 0,
    };
    let idle = StackTrace {
        frames: vec![stack_frame("native_safe_halt", FrameRule::Registers)],
        end: StackEnd::Bottom,
        why: String::new(),
        user: None,
    };
    let dump = DumpFacts {
        input: 0,
        crashed: Some(crashed),
        cpus: vec![
            cpu(0, Some(thread(0, "swapper/0", 0)), true, Some(idle)),
            cpu(1, Some(thread(7, "cook", 1)), false, Some(stack)),
            cpu(2, None, false, None),
        ],
    };
    Report::of_all(
        vec![input("vmcore", 73)],
        vec![event],
        vec![dump],
        &[],
        None,
    )
}

fn thread(pid: u32, comm: &str, state: &str, cpu: Option<u32>) -> Thread {
    Thread {
        pid,
        tgid: pid,
        comm: comm.into(),
        state: state.into(),
        cpu,
        is_kernel: false,
    }
}

/// A thread that runs, some that wait alike, one whose stack cannot be read.
pub fn stacks() -> report::Stacks {
    let waiting = StackTrace {
        frames: vec![stack_frame("schedule", FrameRule::Switched)],
        end: StackEnd::User,
        why: String::new(),
        user: None,
    };
    let running = StackTrace {
        frames: vec![stack_frame("cook\x1b[2J", FrameRule::Registers)],
        end: StackEnd::Bottom,
        why: String::new(),
        user: None,
    };
    let group = |threads, stack| ThreadGroup {
        threads,
        stack,
        missing: None,
    };
    let many = (20..40).map(|pid| Thread {
        tgid: 20,
        ..thread(pid, "w\x1b[1m", "D", None)
    });
    let gap = Gap::new("the stack of task 9", "it was filtered out of the dump");
    let groups = vec![
        group(vec![thread(7, "cook", "R", Some(1))], Some(running)),
        group(many.collect(), Some(waiting)),
        ThreadGroup {
            threads: vec![thread(9, "lost", "S", None)],
            stack: None,
            missing: Some(gap.clone()),
        },
    ];
    report::Stacks::new("vmcore".into(), "a dump".into(), groups, vec![gap])
}
