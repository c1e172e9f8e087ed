//! Tasks, kernels and modules in every form of their lines.

use std::path::Path;

use base::LogEvent;
use proptest::prelude::*;

use crate::Line;

fn read(text: &str) -> LogEvent {
    let lines: Vec<Line> = (1..)
        .zip(text.lines())
        .map(|(number, text)| Line::of(number, text.to_owned()))
        .collect();
    let mut event = LogEvent::default();
    super::read(&lines, &mut event);
    event
}

fn task(event: &LogEvent) -> (Option<u32>, Option<u32>, Option<&str>) {
    let task = &event.task;
    (task.cpu, task.pid, task.comm.as_deref())
}

fn kernel(event: &LogEvent) -> (Option<&str>, Option<&str>, Option<&str>) {
    let machine = &event.machine;
    (
        machine.taint.as_deref(),
        machine.release.as_deref(),
        machine.version.as_deref(),
    )
}

#[test]
fn the_line_of_today_in_its_variants() {
    let event = read(
        "CPU: 0 PID: 18769 Comm: syz-executor2 Tainted: G    B   W  O  6.1.0-1-amd64 #1 Debian 6.1.4-1\n\
         Hardware name: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2\n\
         Workqueue: events_unbound flush_to_ldisc",
    );
    assert_eq!(task(&event), (Some(0), Some(18769), Some("syz-executor2")));
    assert_eq!(
        kernel(&event),
        (
            Some("GBWO"),
            Some("6.1.0-1-amd64"),
            Some("#1 Debian 6.1.4-1")
        )
    );
    assert_eq!(
        event.machine.hardware.as_deref(),
        Some("QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2")
    );
    assert_eq!(
        event.task.context.as_deref(),
        Some("workqueue events_unbound flush_to_ldisc")
    );

    let event = read(
        "CPU: 3 UID: 1000 PID: 7 Comm: rs:main Q:Reg Kdump: loaded Not tainted 6.16.0 #1 PREEMPT(full) ",
    );
    assert_eq!(task(&event), (Some(3), Some(7), Some("rs:main Q:Reg")));
    assert_eq!(
        kernel(&event),
        (Some(""), Some("6.16.0"), Some("#1 PREEMPT(full)"))
    );
    assert_eq!(event.detail("uid"), Some("1000"));
    assert_eq!(event.detail("kdump"), Some("loaded"));

    let event = read(
        "CPU: 1 PID: 9 Comm: a Tainted: P x Tainted: P           OE     5.4.0-150-generic #167-Ubuntu",
    );
    assert_eq!(task(&event).2, Some("a Tainted: P x"));
    assert_eq!(
        kernel(&event),
        (Some("POE"), Some("5.4.0-150-generic"), Some("#167-Ubuntu"))
    );
}

#[test]
fn taint_in_words_repeats_the_letters() {
    let event = read("Tainted: [W]=WARN, [O]=OOT_MODULE");
    assert_eq!(event.machine.taint.as_deref(), Some("WO"));
    assert_eq!(event.machine.release, None);
    assert_eq!(event.detail("taint"), Some("[W]=WARN, [O]=OOT_MODULE"));
}

#[test]
fn lines_of_older_kernels() {
    let event = read("Pid: 2022, comm: cat Not tainted 2.6.32-5-amd64 #1 Bochs");
    assert_eq!(task(&event), (None, Some(2022), Some("cat")));
    assert_eq!(
        kernel(&event),
        (Some(""), Some("2.6.32-5-amd64"), Some("#1 Bochs"))
    );
    let event = read("Pid: 1, comm: init Tainted: G        W  (2.6.39 #1) Bochs Bochs");
    assert_eq!(kernel(&event), (Some("GW"), Some("2.6.39"), Some("#1")));
    assert_eq!(event.machine.hardware.as_deref(), Some("Bochs Bochs"));
    let event =
        read("CPU: 0    Not tainted  (2.6.39 #1)\nProcess insmod (pid: 118, stack limit = 0xc78)");
    assert_eq!(task(&event), (Some(0), Some(118), Some("insmod")));
    assert_eq!(kernel(&event), (Some(""), Some("2.6.39"), Some("#1")));
    let event = read(
        "REGS: c00000003e5d3a80 TRAP: 0300   Tainted: G  R  (3.10.0)\n\
         TASK = c00000003e5c0000[1234] 'it's me' THREAD: c00000003e5d0000 CPU: 1",
    );
    assert_eq!(task(&event), (Some(1), Some(1234), Some("it's me")));
    assert_eq!(kernel(&event), (Some("GR"), Some("3.10.0"), None));
}

#[test]
fn the_event_s_task_is_not_that_of_its_reporter() {
    let event = read(
        "INFO: task kworker/u8:4:1234 blocked for more than 143 seconds.\n\
         \x20     Not tainted 6.1.0-32-amd64 #1 Debian 6.1.129-1\n\
         CPU: 1 PID: 28 Comm: khungtaskd Not tainted 6.1.0-32-amd64 #1",
    );
    assert_eq!(task(&event), (None, Some(1234), Some("kworker/u8:4")));
    assert_eq!(
        kernel(&event),
        (
            Some(""),
            Some("6.1.0-32-amd64"),
            Some("#1 Debian 6.1.129-1")
        )
    );
    let event = read("watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [ksoftirqd/1:16]");
    assert_eq!(task(&event), (Some(1), Some(16), Some("ksoftirqd/1")));
    let event = read("NMI watchdog: Watchdog detected hard LOCKUP on cpu 3");
    assert_eq!(event.task.cpu, Some(3));
    let event = read("*** NMI Watchdog interrupt on Core 0x0a ***");
    assert_eq!(event.task.cpu, Some(10));
}

#[test]
fn headlines_name_the_task_too() {
    let event = read(
        "WARNING: CPU: 2 PID: 71 at net/f.c:7 f+0x1/0x2\n\
         CPU: 2 PID: 71 Comm: a b Not tainted 6.6.0 #1",
    );
    assert_eq!(task(&event), (Some(2), Some(71), Some("a b")));
    let event = read("WARNING: net/f.c:7 at f+0x1/0x2 [demo], CPU#2: a/b/71");
    assert_eq!(task(&event), (Some(2), Some(71), Some("a/b")));
    let event = read("Read of size 8 at addr ffff888012345678 by task kworker/1:2/1234");
    assert_eq!(task(&event), (None, Some(1234), Some("kworker/1:2")));
    let event =
        read("a [b][71]: segfault at 8 ip 1 sp 2 error 6 in c[3+4] likely on CPU 1 (core 1)");
    assert_eq!(task(&event), (Some(1), Some(71), Some("a [b]")));
    let event = read("traps: a.out[71] trap divide error ip:4016b9 sp:7f error:0 in a.out[40+7]");
    assert_eq!(task(&event), (None, Some(71), Some("a.out")));
    let event = read("  comm \"a.out\", pid 7, jiffies 4294937296 (age 12.3s)");
    assert_eq!(task(&event), (None, Some(7), Some("a.out")));
}

#[test]
fn modules_may_run_over_several_lines() {
    let event = read(
        "Modules linked in: demo(O+) b(PE) c\n\
         \x20d-e(-) f [last unloaded: g(O)]\n\
         CPU: 0 PID: 1 Comm: a Not tainted 6.6.0 #1",
    );
    let modules: Vec<_> = event
        .modules
        .iter()
        .map(|m| (m.name.as_str(), m.flags.as_str()))
        .collect();
    assert_eq!(
        modules,
        [
            ("demo", "O+"),
            ("b", "PE"),
            ("c", ""),
            ("d-e", "-"),
            ("f", "")
        ]
    );
    assert_eq!(event.task.pid, Some(1));
    let event = read("Modules linked in:\nCPU: 0 PID: 1 Comm: a Not tainted 6.6.0 #1");
    assert_eq!(event.modules, []);
    assert_eq!(event.task.pid, Some(1));
    let event = read("Modules linked in: a b\nPanic");
    assert_eq!(event.modules.len(), 2);
    let event = read("Modules linked in: a [last unloaded: b(O)]");
    assert_eq!(event.detail("last unloaded"), Some("b(O)"));
    let long = format!("Modules linked in:{}\nlast\n", " module_name".repeat(100));
    assert_eq!(read(&long).modules.len(), 101);
    let longer = format!("Modules linked in:{}", " m".repeat(2000));
    assert_eq!(read(&longer).modules.len(), 512);
}

#[test]
fn a_mips_oops_that_lost_its_indentation() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lab/cases/bonding-rlb-oops.mips64.log");
    let event = read(&std::fs::read_to_string(path).unwrap());
    assert_eq!(task(&event), (Some(0), Some(0), Some("swapper")));
    assert_eq!(kernel(&event), (Some("P"), None, None));
    assert_eq!(event.modules.len(), 16);
    let flags: Vec<_> = event
        .modules
        .iter()
        .filter(|module| !module.flags.is_empty())
        .map(|module| (module.name.as_str(), module.flags.as_str()))
        .collect();
    assert_eq!(flags, [("run", "P"), ("cache", "P")]);
    assert_eq!(event.detail("task"), Some("ffffffff811e5280"));
}

const SNIPPET: &str = "\
INFO: task kworker/u8:4:1234 blocked for more than 143 seconds.
      Not tainted 6.1.0-32-amd64 #1 Debian 6.1.129-1
watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [ksoftirqd/1:16]
Modules linked in: demo(O+) b(PE) c [last unloaded: d]
CPU: 0 UID: 0 PID: 18769 Comm: a b Kdump: loaded Tainted: G    B   W  O  6.1.0-1-amd64 #1
Tainted: [W]=WARN, [O]=OOT_MODULE
Hardware name: QEMU Standard PC
Workqueue: events f
Pid: 1, comm: init Tainted: G        W  (2.6.39 #1) Bochs Bochs
Process insmod (pid: 118, stack limit = 0xc78)
TASK = c00000003e5c0000[1234] 'a' THREAD: c00000003e5d0000 CPU: 1
WARNING: net/f.c:7 at f+0x1/0x2 [demo], CPU#2: a/b/71
";

proptest! {
    #[test]
    fn mangled_lines_are_read_without_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..5u8, any::<char>()), 1..60),
    ) {
        let mut chars: Vec<char> = SNIPPET.chars().collect();
        for (index, how, other) in edits {
            let at = index.index(chars.len());
            match how {
                0 => { chars.remove(at); }
                1 => chars.insert(at, other),
                2 => chars[at] = '\u{fffd}',
                3 => chars[at] = '\n',
                _ => { let end = (at + 20).min(chars.len()); chars.drain(at..end); }
            }
            if chars.is_empty() { break; }
        }
        let event = read(&chars.into_iter().collect::<String>());
        prop_assert!(event.details.len() <= 16 && event.modules.len() <= 512);
    }
}
