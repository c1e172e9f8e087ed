//! How fast a log is read: text without events, and nothing but events.
#![allow(
    missing_docs,
    reason = "the macros of the harness make undocumented items"
)]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use text::LogReader;

/// A healthy machine's log: the lines of boot and of daily life.
fn healthy(bytes: usize) -> Vec<u8> {
    const LINES: &[&str] = &[
        "[    0.000000] Command line: BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet",
        "[    0.004000] ACPI: RSDP 0x00000000000F05B0 000014 (v00 BOCHS )",
        "[    0.512345] pci 0000:00:1f.2: reg 0x24: [mem 0xfebf1000-0xfebf1fff]",
        "[    1.234567] usb 1-1: new high-speed USB device number 2 using ehci-pci",
        "[    2.345678] systemd[1]: Started Journal Service.",
        "[   12.345678] IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready",
        "[  100.000001] audit: type=1400 audit(1750305980.320:67): apparmor=\"STATUS\"",
        "[  200.123456] EXT4-fs (sda1): re-mounted. Opts: (null). Quota mode: none.",
        "Nov 20 10:00:01 box CRON[1234]: pam_unix(cron:session): session opened for user root",
    ];
    let mut log = Vec::with_capacity(bytes + 128);
    let mut at = 0;
    while log.len() < bytes {
        log.extend_from_slice(LINES[at % LINES.len()].as_bytes());
        log.push(b'\n');
        at += 1;
    }
    log
}

/// Reports back to back.
fn dense(bytes: usize) -> Vec<u8> {
    let report = include_bytes!("dense.log");
    let mut log = Vec::with_capacity(bytes + report.len());
    while log.len() < bytes {
        log.extend_from_slice(report);
    }
    log
}

fn read(log: &[u8]) -> u64 {
    let mut reader = LogReader::new(0);
    let mut events = 0;
    for block in log.chunks(1 << 20) {
        reader.feed(block, &mut |event| {
            black_box(event);
            events += 1;
        });
    }
    reader.finish(&mut |_| events += 1);
    events
}

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read a log");
    group.sample_size(10);
    for (name, log) in [("healthy", healthy(64 << 20)), ("dense", dense(16 << 20))] {
        group.throughput(Throughput::Bytes(log.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| read(black_box(&log))));
    }
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
