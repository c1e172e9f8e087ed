//! Records that the firmware kept.

use std::fs;
use std::io::Write as _;

use crate::support::{OOPS, calm, folder, oops, run};

/// Cuts a log into records as the kernel does: part 1 is its end.
fn records(log: &[u8], why: &str) -> Vec<Vec<u8>> {
    let lines: Vec<&[u8]> = log.split_inclusive(|&byte| byte == b'\n').collect();
    lines
        .chunks(lines.len().div_ceil(5))
        .rev()
        .zip(1..)
        .map(|(lines, part)| [format!("{why} Part{part}\n").into_bytes(), lines.concat()].concat())
        .collect()
}

#[test]
fn the_parts_of_a_dump_are_one_log() {
    let folder = folder("pstore-efi");
    let log = [calm(40), oops()].concat();
    let plain = folder.join("plain.log");
    fs::write(&plain, &log).unwrap();
    let whole = run(["--titles".as_ref(), "--json".as_ref(), plain.as_os_str()]);
    fs::remove_file(&plain).unwrap();
    for (record, part) in records(&log, "Oops#1").iter().zip(1..) {
        let id = (1_700_000_000_u64 * 100 + part) * 1000 + 1;
        fs::write(folder.join(format!("dmesg-efi-{id}")), record).unwrap();
    }
    let ran = run(["--titles".as_ref(), "--json".as_ref(), folder.as_os_str()]);
    let lines = |ran: &str| -> Vec<(u64, String)> {
        ran.lines()
            .map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                (
                    row["line_start"].as_u64().unwrap(),
                    row["title"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    };
    assert!(ran.out.contains(OOPS), "{ran:?}");
    assert_eq!(lines(&ran.out), lines(&whole.out));
    // Named one by one they are the same log, in any order.
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.reverse();
    let named = run([std::path::PathBuf::from("--titles")].iter().chain(&files));
    assert!(
        named.out.contains(OOPS) && named.out.lines().count() == lines(&ran.out).len(),
        "{named:?}"
    );
}

#[test]
fn a_missing_part_is_said_and_a_compressed_one_undone() {
    let folder = folder("pstore-ramoops");
    let records = records(&oops(), "Panic#2");
    for (n, record) in records.iter().enumerate().filter(|(n, _)| *n != 1) {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(record).unwrap();
        let name = folder.join(format!(
            "dmesg-erst-{}.enc.z",
            7_000_000_000_000_000_000_u64 + n as u64
        ));
        fs::write(name, encoder.finish().unwrap()).unwrap();
    }
    let ran = run([&folder]);
    assert!(
        ran.words().contains("part 2 of the dump Panic#2"),
        "{ran:?}"
    );
    assert!(ran.out.contains(OOPS), "{ran:?}");
}
