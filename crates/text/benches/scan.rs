//! How fast a log is read: text without events, and nothing but events.
#![allow(
    missing_docs,
    reason = "the macros of the harness make undocumented items"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark may stop"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use text::LogReader;

/// A healthy machine's log: the lines of boot and of daily life.
fn healthy(bytes: usize) -> Vec<u8> {
    repeated(include_bytes!("healthy.txt"), bytes)
}

/// Reports back to back.
fn dense(bytes: usize) -> Vec<u8> {
    repeated(include_bytes!("dense.log"), bytes)
}

fn repeated(piece: &[u8], bytes: usize) -> Vec<u8> {
    let mut log = Vec::with_capacity(bytes + piece.len());
    while log.len() < bytes {
        log.extend_from_slice(piece);
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
