//! Whatever a log reader hands over, an answer comes out, the same each time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use base::*;
use proptest::prelude::*;
use report::{FORMATS, Options, Report, redact};

/// Kinds with a detector of their own, and one that nobody knows.
const KINDS: &[&str] = &[
    "oops",
    "general_protection",
    "bug",
    "warning",
    "panic",
    "kasan",
    "kfence",
    "kmsan",
    "kcsan",
    "ubsan",
    "refcount",
    "list_corruption",
    "slab_corruption",
    "bad_page",
    "lockdep",
    "rcu_usage",
    "hung_task",
    "soft_lockup",
    "hard_lockup",
    "rcu_stall",
    "workqueue_lockup",
    "atomic_sleep",
    "preemption",
    "oom_kill",
    "kmemleak",
    "page_allocation_failure",
    "hardware_error",
    "filesystem",
    "sysrq",
    "user_fault",
    "nmi",
    "reboot",
    "netdevice_refs",
    "stack_overflow",
    "double_fault",
    "divide_error",
    "spinlock",
    "held_lock",
    "unheard_of",
];

/// Texts of the form that detectors take apart, whole and damaged.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        Just("INFO: task a:b:12 blocked for more than 120 seconds.".to_owned()),
        Just("INFO: task a:1 is blocked on a mutex likely owned by task a:1.".to_owned()),
        Just("#0: ffff02 (&desk->lock){+.+.}-{3:3}, at: f+0x1/0x2".to_owned()),
        Just("-> #4294967296 ((".to_owned()),
        Just("2 locks held by a/1:".to_owned()),
        Just("BUG: scheduling while atomic: a/1/0xffffffffff".to_owned()),
        Just("Attempted to kill init! exitcode=0x0é0".to_owned()),
        Just(
            "Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:99999999999999999999kB"
                .to_owned()
        ),
        Just("page allocation failure: order:99, mode".to_owned()),
        Just("list_del corruption, x->next is LIST_POISON1 (dead000000000100)".to_owned()),
        Just("null-ptr-deref in range [0x-0x7]".to_owned()),
        "[ -~]{0,30}\u{202e}\u{1b}\\[[0-9]m",
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    (
        prop::option::of(prop_oneof![
            Just("schedule".to_owned()),
            Just("mutex_lock".to_owned()),
            "[a-z_.]{0,12}"
        ]),
        prop::option::of(any::<u64>()),
        any::<bool>(),
        0u64..100,
    )
        .prop_map(|(function, number, doubtful, line)| Frame {
            pc: number.map(VirtAddr),
            function,
            offset: number,
            size: number,
            module: None,
            build_id: None,
            source: None,
            inline: doubtful,
            stack: doubtful.then(|| "IRQ".to_owned()),
            trust: if doubtful {
                Trust::PrintedAsUnreliable
            } else {
                Trust::PrintedByKernel
            },
            line,
        })
}

fn event() -> impl Strategy<Value = LogEvent> {
    let details = prop::collection::vec(
        (
            prop_oneof![
                Just("holder"),
                Just("held lock"),
                Just("blocker"),
                Just("wants"),
                Just("holds"),
                Just("in the chain"),
                Just("assertion"),
                Just("message"),
                Just("killed"),
                Just("freed"),
                Just("KASAN range"),
                Just("corruption"),
                Just("misuse"),
                Just("preemption")
            ],
            text(),
        ),
        0..6,
    );
    (
        (
            prop::sample::select(KINDS),
            text(),
            text(),
            any::<bool>(),
            0u32..2,
            0u64..1000,
        ),
        (
            details,
            prop::collection::vec(frame(), 0..20),
            prop::option::of(any::<u64>()),
            prop::option::of(text()),
        ),
        (
            prop::option::of(0u32..3),
            prop::option::of(any::<u64>()),
            prop::option::of("[A-Z ]{0,6}"),
        ),
    )
        .prop_map(|(head, body, stamp)| {
            let (kind, title, headline, crash, input, start) = head;
            let (details, frames, address, panic) = body;
            let (pid, uptime_us, taint) = stamp;
            LogEvent {
                kind: kind.into(),
                title,
                headline,
                crash,
                span: LineSpan {
                    input,
                    start,
                    end: start + 5,
                },
                stamp: Stamp {
                    uptime_us,
                    ..Stamp::default()
                },
                task: Task {
                    pid,
                    comm: pid.map(|_| "a".into()),
                    ..Task::default()
                },
                machine: Machine {
                    taint,
                    arch: pid.map(|_| "x86_64".into()),
                    ..Machine::default()
                },
                fault: address.map(|address| Fault {
                    address: Some(VirtAddr(address)),
                    ..Fault::default()
                }),
                registers: address
                    .map(|value| RegisterSet {
                        whose: "kernel".into(),
                        pc: frames.first().cloned(),
                        registers: vec![Register {
                            name: "rax".into(),
                            value: VirtAddr(value),
                        }],
                        ..RegisterSet::default()
                    })
                    .into_iter()
                    .collect(),
                traces: vec![
                    Trace {
                        label: "Call Trace".into(),
                        frames: frames.clone(),
                        line: 3,
                    },
                    Trace {
                        label: "Freed by task 1".into(),
                        frames,
                        line: 9,
                    },
                ],
                details: details
                    .into_iter()
                    .map(|(name, value)| Detail {
                        name: name.into(),
                        value,
                        line: 4,
                    })
                    .collect(),
                panic,
                ..LogEvent::default()
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_gets_an_answer(mut events in prop::collection::vec(event(), 0..8), width in any::<u16>()) {
        events.sort_by_key(|event| event.span);
        let inputs = vec![common::input("a.log", 1), common::input("b.log", 1)];
        let report = Report::of_log(inputs.clone(), events.clone(), None);
        if events.iter().any(|event| event.crash) {
            prop_assert!(report.diagnosis.finding.is_some(), "no crash goes without a verdict");
        }
        let again = Report::of_log(inputs, events, None);
        for format in FORMATS {
            let options = Options { color: false, width };
            let text = (format.render)(&report, &options);
            prop_assert_eq!(&text, &(format.render)(&again, &options));
            let bad = text.chars().find(|c| *c != '\n' && report::safe::is_hostile(*c));
            prop_assert_eq!(bad, None);
        }
        let json = (report::Format::find("json").unwrap().render)(&report, &Options::default());
        prop_assert_eq!(&Report::from_json(json.as_bytes()).unwrap(), &report);
        prop_assert_eq!(redact(&report).events.len(), report.events.len());
    }
}
