//! Input that is no log, or a hostile one: bounded, and without a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

use base::LogEvent;
use proptest::prelude::*;
use text::LogReader;

fn read(blocks: &[&[u8]]) -> (Vec<LogEvent>, text::LogSummary) {
    let mut events = Vec::new();
    let mut reader = LogReader::new(0);
    for block in blocks {
        reader.feed(block, &mut |event| events.push(event));
    }
    let summary = reader.finish(&mut |event| events.push(event));
    (events, summary)
}

#[test]
fn an_empty_log_has_no_events() {
    let (events, summary) = read(&[]);
    assert!(events.is_empty());
    assert_eq!((summary.lines, summary.bytes), (0, 0));
}

#[test]
fn a_line_without_end_is_cut_and_said() {
    let block = vec![b'x'; 1 << 20];
    let mut reader = LogReader::new(0);
    for _ in 0..64 {
        reader.feed(&block, &mut |event| panic!("{}", event.title));
    }
    let summary = reader.finish(&mut |event| panic!("{}", event.title));
    assert_eq!(summary.lines, 1);
    assert_eq!(summary.long_lines, 1);
    assert!(summary.gaps[0].what.contains("long lines"));
}

#[test]
fn reports_inside_reports_are_bounded() {
    // A head in every line, of one caller and of many: each opens an event.
    let mut log = String::new();
    for line in 0..20_000 {
        log.push_str(&format!(
            "[{line:5}.000000][ T{}] BUG: KASAN: use-after-free in f+0x1/0x2\n",
            line % 1000
        ));
    }
    let (events, summary) = read(&[log.as_bytes()]);
    assert_eq!(events.len(), 20_000);
    assert_eq!(summary.events, 20_000);
}

#[test]
fn a_report_that_never_ends_is_cut() {
    let mut log = String::from(
        "[    1.000000] BUG: soft lockup - CPU#0 stuck for 22s! [a:1]\n[    1.000000] Call Trace:\n",
    );
    for frame in 0..100_000 {
        log.push_str(&format!("[    1.000000]  f{frame}+0x1/0x2\n"));
    }
    let (events, _) = read(&[log.as_bytes()]);
    assert_eq!(events.len(), 1);
    assert!(
        events[0]
            .gaps
            .iter()
            .any(|gap| gap.what.contains("the end of this report"))
    );
    assert!(events[0].traces[0].frames.len() <= 512);
}

#[test]
fn other_callers_do_not_disturb_a_report() {
    let mut log = String::new();
    for line in [
        "BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "RIP: 0010:good+0x1/0x2",
        "Call Trace:",
        " good+0x1/0x2",
        " ret+0x1/0x2",
        "---[ end trace 0 ]---",
    ] {
        log.push_str(&format!("[    1.000000][   T12] {line}\n"));
        log.push_str("[    1.000000][   T99] bad+0x1/0x2\n[    1.000000][    C1] RIP: 0010:bad+0x1/0x2\nbad+0x1/0x2\n");
    }
    let (events, _) = read(&[log.as_bytes()]);
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0].title,
        "BUG: unable to handle kernel NULL pointer dereference in good"
    );
    assert!(events[0].traces.iter().all(|trace| {
        trace
            .frames
            .iter()
            .all(|f| f.function.as_deref() != Some("bad"))
    }));
}

#[test]
fn the_preamble_does_not_depend_on_the_blocks() {
    // Long lines before a head that looks back: the window is the same bytes in any blocks.
    let mut log = String::new();
    for line in 0..40 {
        log.push_str(&format!(
            "[    1.000000] list_add corruption {line} {}\n",
            "x".repeat(line * 37 % 900)
        ));
        if line % 7 == 6 {
            log.push_str("[    1.000000] kernel BUG at lib/list_debug.c:23!\n");
        }
    }
    let (whole, _) = read(&[log.as_bytes()]);
    assert_eq!(whole.len(), 5);
    for block in 1..600 {
        let blocks: Vec<&[u8]> = log.as_bytes().chunks(block).collect();
        assert_eq!(read(&blocks).0, whole, "in blocks of {block}");
    }
}

/// Pieces of reports, to be put together in ways that no kernel would.
const PIECES: &[&str] = &[
    "BUG: KASAN: use-after-free in ",
    "Read of size 8 at addr ",
    "WARNING: CPU: 0 PID: 1 at a.c:1 ",
    "Call Trace:\n",
    "f+0x1/0x2",
    " ? g+0x3/0x4 [m]\n",
    "RIP: 0010:",
    "[<ffffffff81000000>] ",
    "\n",
    "[   12.345678] ",
    "[ T1] ",
    "Kernel panic - not syncing: ",
    "INFO: task a:1 blocked for more than 1 seconds\n",
    "INFO: rcu_preempt detected stalls",
    "possible circular locking dependency detected",
    "is trying to acquire lock:",
    " at: f+0x1/0x2",
    "Code: 00 <0f> 0b\n",
    "RAX: 0000000000000000 ",
    "$ 0 : 0 1 2 3\n",
    "pc : ",
    "x29: 0 x28: 0\n",
    "Modules linked in: a(O) b\n",
    "\u{fffd}",
    "\0",
    "\x1b[31m",
    "CPU: 1 PID: 2 Comm: c ",
    "Tainted: G",
    "general protection fault",
    ": 0000 [#1]\n",
    "Oops: ",
    "epc   : ",
    "NIP: ",
    "Krnl PSW : ",
    "BUG kmalloc-64 (Tainted: G    B): Right Redzone overwritten\n",
    "unreferenced object 0x",
    "backtrace (crc 1):\n",
    "[Hardware Error]",
    "a[1]: segfault at 0 ip 0 sp 0 error 4 in a[0+1]",
    "invoked oom-killer",
    "Sending NMI from CPU 0",
    "NMI backtrace for cpu 1\n",
];

proptest! {
    #[test]
    fn pieces_of_reports_in_any_order_are_read(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..120),
        block in 1usize..512,
    ) {
        let log = pieces.concat();
        let blocks: Vec<&[u8]> = log.as_bytes().chunks(block).collect();
        let (in_blocks, summary) = read(&blocks);
        let (whole, _) = read(&[log.as_bytes()]);
        prop_assert_eq!(in_blocks, whole);
        prop_assert_eq!(summary.bytes, log.len() as u64);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let (_, summary) = read(&[&bytes]);
        prop_assert_eq!(summary.bytes, bytes.len() as u64);
    }
}
