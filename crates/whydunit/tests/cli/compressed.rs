//! Compressed logs: whole, in several members, cut, and bombs.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::{OOPS, calm, folder, oops, run, run_with, why};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

type Encode = fn(&[u8]) -> Vec<u8>;
const CODECS: [(&str, Encode); 3] = [("gzip", gzip), ("xz", xz), ("zstd", zstd)];

#[test]
fn a_compressed_log_is_the_same_log() {
    let plain = run_with(&oops(), &["--titles", "-"]);
    for (name, encode) in CODECS {
        let ran = run_with(&encode(&oops()), &["--titles", "-"]);
        assert_eq!((&ran.out, ran.code), (&plain.out, plain.code), "{name}");
        // The name of a file says nothing about what it holds.
        let file = folder(&format!("compressed-{name}")).join("console.log");
        fs::write(&file, encode(&oops())).unwrap();
        assert_eq!(
            run(["--titles".as_ref(), file.as_os_str()]).out,
            plain.out,
            "{name}"
        );
    }
}

#[test]
fn members_in_a_row_are_one_log() {
    let (before, after) = (calm(1000), oops());
    for (name, encode) in CODECS {
        let ran = run_with(
            &[encode(&before), encode(&after)].concat(),
            &["--titles", "--json", "-"],
        );
        let row: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
        assert_eq!(row["line_start"], 1001, "{name}");
    }
}

#[test]
fn a_cut_stream_tells_what_it_holds_and_what_it_lacks() {
    let log = [oops(), calm(50_000)].concat();
    for (name, encode) in CODECS {
        let encoded = encode(&log);
        let ran = run_with(&encoded[..encoded.len() - 20], &["-"]);
        assert!(ran.out.contains(OOPS), "{name}: {}", ran.out);
        assert!(ran.words().contains("cut short"), "{name}: {}", ran.out);
        assert_ne!(ran.code, Some(2), "{name}");
        let ran = run_with(&encoded[..12], &["-"]);
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
        assert!(ran.words().contains("cut short"), "{name}: {}", ran.out);
        let ran = run_with(&encoded[..encoded.len() - 20], &["--titles", "-"]);
        assert!(ran.err.contains("cut short"), "{name}: {}", ran.err);
    }
}

#[test]
fn a_bomb_is_read_in_bounded_memory() {
    // 256 MiB of one line after the other, in some kilobytes.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let block = calm(20_000);
    let mut size = 0;
    while size < 256 << 20 {
        encoder.write_all(&block).unwrap();
        size += block.len();
    }
    let bomb = encoder.finish().unwrap();
    let ran = run_in_little_memory(&bomb);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// Runs the binary with 160 MiB of address space for everything it maps.
fn run_in_little_memory(input: &[u8]) -> crate::support::Ran {
    let mut command = std::process::Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -v 163840 && exec \"$0\" -",
            env!("CARGO_BIN_EXE_why"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap().into()
    })
}

#[test]
fn what_is_not_undone_says_how_to() {
    let ran = run_with(b"BZh91AY&SY0123456789", &["-"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("bzip2 -dc"), "{}", ran.err);
    let mut command = why();
    command.args(["/dev/null"]);
    assert_eq!(command.output().unwrap().status.code(), Some(0));
}
