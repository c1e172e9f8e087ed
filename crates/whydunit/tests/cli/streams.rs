//! Standard input, pipes that close, and interruption.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::support::{OOPS, calm, folder_of, in_repository, oops, run, run_with, why};

#[test]
fn a_pipe_and_a_redirection_are_the_same() {
    let folder = folder_of("streams-same", &[("a.log", &oops())]);
    let piped = run_with(&oops(), &["-"]);
    let file = std::fs::File::open(folder.join("a.log")).unwrap();
    let redirected = why().arg("-").stdin(Stdio::from(file)).output().unwrap();
    assert_eq!(String::from_utf8(redirected.stdout).unwrap(), piped.out);
}

#[test]
fn standard_input_can_be_named_once() {
    let ran = run_with(&oops(), &["-", "-"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("twice"), "{}", ran.err);
}

#[test]
fn a_pipe_can_stand_beside_files() {
    let folder = folder_of("streams-beside", &[("a.log", &calm(5))]);
    let ran = run_with(
        &oops(),
        &["--titles", folder.join("a.log").to_str().unwrap(), "-"],
    );
    assert!(
        ran.out.starts_with("-: ") && ran.out.contains(OOPS),
        "{ran:?}"
    );
}

#[test]
fn a_named_pipe_is_read_when_it_is_asked_for() {
    let folder = folder_of("streams-fifo", &[]);
    let pipe = folder.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let child = why()
        .arg("--titles")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::fs::write(&pipe, oops()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains(OOPS));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let many: Vec<u8> = std::iter::repeat_n(oops(), 5000).flatten().collect();
    let folder = folder_of("streams-head", &[("many.log", &many)]);
    let log = folder.join("many.log");
    let whole = run(["--titles".as_ref(), log.as_os_str()]);
    let mut child = why()
        .arg("--titles")
        .arg(&log)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let status = child.wait().unwrap();
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!((status.code(), err.as_str()), (whole.code, ""));
}

#[test]
fn an_output_that_fails_is_a_failure() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ran = why()
        .arg(in_repository("lab/cases/bonding-rlb-oops.mips64.log"))
        .stdout(Stdio::from(full))
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("cannot write"));
}

#[test]
fn an_interrupt_ends_the_stream_and_not_the_answer() {
    let mut child = why()
        .args(["--titles", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&oops()).unwrap();
    // More than any pipe holds: once it is taken, the program is reading.
    stdin.write_all(&calm(100_000)).unwrap();
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let out = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(out.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&out.stdout).contains(OOPS));
}

#[test]
fn captures_of_netconsole_and_of_the_journal_are_read() {
    let text = String::from_utf8(oops()).unwrap();
    let mut records = String::new();
    let mut journal = String::new();
    for (line, n) in text.lines().zip(0u64..) {
        // Packets come in pairs that have changed places.
        let line = line.replace('\\', "\\x5c").replace('\t', "\\x09");
        records += &format!("1,{n},{},-;{line}\n", 1_000_000 + n);
        let entry = serde_json::json!({ "MESSAGE": line, "_TRANSPORT": "kernel", "PRIORITY": "1" });
        journal += &format!("{entry}\n");
    }
    let mut lines: Vec<&str> = records.lines().collect();
    for pair in lines.chunks_mut(2).filter(|pair| pair.len() == 2) {
        pair.swap(0, 1);
    }
    let swapped = lines.join("\n");
    let plain = run_with(&oops(), &["--titles", "-"]);
    for capture in [records.as_str(), &swapped, &journal] {
        assert_eq!(
            run_with(capture.as_bytes(), &["--titles", "-"]).out,
            plain.out
        );
    }
}
