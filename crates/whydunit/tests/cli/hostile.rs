//! Bytes that nobody meant to be read.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{OOPS, calm, oops, run_with, why};

/// Bytes without any order, the same at every run.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

#[test]
fn garbage_is_no_log() {
    for garbage in [noise(1 << 20), noise(100), vec![0; 5000]] {
        let ran = run_with(&garbage, &["-"]);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(2), ""),
            "{} bytes",
            garbage.len()
        );
        assert!(ran.err.contains("binary"), "{}", ran.err);
    }
}

#[test]
fn a_log_after_garbage_is_still_found() {
    let ran = run_with(
        &[noise(100_000), b"\n".to_vec(), oops()].concat(),
        &["--titles", "-"],
    );
    assert!(ran.out.contains(OOPS), "{ran:?}");
}

#[test]
fn one_line_of_64_mebibytes_is_read_past() {
    let mut child = why()
        .args(["-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let ran: crate::support::Ran = std::thread::scope(|scope| {
        scope.spawn(move || {
            stdin.write_all(&calm(10)).unwrap();
            for _ in 0..64 {
                stdin.write_all(&[b'x'; 1 << 20]).unwrap();
            }
            stdin.write_all(b"\n").unwrap();
            stdin.write_all(&oops()).unwrap();
        });
        child.wait_with_output().unwrap().into()
    });
    assert!(ran.out.contains(OOPS), "{ran:?}");
    assert_ne!(ran.code, Some(2));
}

#[test]
fn text_from_a_log_cannot_drive_the_terminal() {
    let text = String::from_utf8(oops()).unwrap();
    let evil = text.replace(OOPS, "rlb\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}_arp");
    for arguments in [
        &["-"][..],
        &["--titles", "-"],
        &["--json", "-"],
        &["--titles", "--json", "-"],
    ] {
        let ran = run_with(evil.as_bytes(), arguments);
        for hostile in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}'] {
            assert!(!ran.out.contains(hostile), "{arguments:?}: {:?}", ran.out);
        }
    }
}

#[test]
fn an_oops_cut_anywhere_ends_in_an_answer() {
    let log = oops();
    for end in (0..log.len()).step_by(log.len() / 40) {
        let ran = run_with(&log[..end], &["-"]);
        assert!(matches!(ran.code, Some(0 | 1 | 3)), "cut at {end}: {ran:?}");
    }
}
