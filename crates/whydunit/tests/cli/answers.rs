//! What an answer looks like, and which exit code goes with it.

use std::fs;

use serde_json::Value;

use crate::support::{OOPS, calm, folder_of, in_repository, oops, run, run_with};

#[test]
fn nothing_wrong_is_zero() {
    let ran = run_with(&calm(100), &["-"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.words().contains("100 lines"), "{}", ran.out);
}

#[test]
fn an_empty_log_is_said_to_be_empty() {
    let folder = folder_of("answers-empty", &[("empty.log", b"")]);
    let ran = run([folder.join("empty.log")]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.words().contains("the input is empty"), "{}", ran.out);
}

#[test]
fn the_exit_code_says_whether_the_cause_is_named() {
    let folder = folder_of("answers-codes", &[]);
    let saved = folder.join("saved.json");
    // What the program concludes will change; that it is told by the code will not.
    let report = run_with(&oops(), &["--json", "-"]).out;
    for (named, code) in [("true", 1), ("false", 3)] {
        let report = ["true", "false"]
            .iter()
            .fold(report.clone(), |report, old| {
                report.replace(
                    &format!("\"cause_named\": {old}"),
                    &format!("\"cause_named\": {named}"),
                )
            });
        fs::write(&saved, report).unwrap();
        assert_eq!(run([&saved]).code, Some(code), "cause named: {named}");
    }
}

#[test]
fn a_saved_report_renders_again() {
    let folder = folder_of("answers-saved", &[("a.log", &oops())]);
    let log = folder.join("a.log");
    let (text, json) = (run([&log]), run(["--json".as_ref(), log.as_os_str()]));
    let saved = folder.join("a.json");
    fs::write(&saved, &json.out).unwrap();
    fs::remove_file(&log).unwrap();
    let again = run([&saved]);
    assert_eq!((again.code, again.out), (text.code, text.out));
    assert_eq!(run(["--json".as_ref(), saved.as_os_str()]).out, json.out);
    assert!(
        run(["--titles".as_ref(), saved.as_os_str()])
            .out
            .contains(OOPS)
    );
}

#[test]
fn a_report_of_another_version_is_refused() {
    let ran = run_with(b"{\"whydunit_report\": \"999\", \"events\": []}", &["-"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("999"), "{}", ran.err);
    let ran = run_with(b"{\"whydunit_report\": \"1\", \"events\": [", &["-"]);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn json_follows_its_schema() {
    let schema = fs::read(in_repository("docs/schema/report-1.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = folder_of(
        "answers-schema",
        &[("a.log", &oops()), ("b.log", &calm(10)), ("c.log", b"")],
    );
    for arguments in [
        vec![folder.join("a.log")],
        vec![folder.clone()],
        vec![folder.join("c.log")],
    ] {
        let ran = run(arguments
            .iter()
            .map(|path| path.as_os_str())
            .chain(["--json".as_ref()]));
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{arguments:?}: {errors:?}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = folder_of("answers-same", &[("a.log", &oops()), ("b.log", &oops())]);
    for format in [&[][..], &["--json"], &["--titles", "--json"]] {
        let all = || run(format.iter().copied().chain([folder.to_str().unwrap()])).out;
        assert_eq!(all(), all());
    }
}

#[test]
fn titles_are_one_a_line_and_name_the_file_when_there_are_several() {
    let folder = folder_of("answers-titles", &[("a.log", &oops()), ("b.log", &oops())]);
    let (a, b) = (folder.join("a.log"), folder.join("b.log"));
    let one = run(["--titles".as_ref(), a.as_os_str()]);
    assert!(
        one.out.lines().next().unwrap().contains(OOPS),
        "{}",
        one.out
    );
    let two = run(["--titles".as_ref(), b.as_os_str(), a.as_os_str()]);
    let expected: String = [&b, &a]
        .iter()
        .flat_map(|path| {
            one.out
                .lines()
                .map(move |title| format!("{}: {title}\n", path.display()))
        })
        .collect();
    assert_eq!(two.out, expected);
    assert_eq!(one.code, two.code);
}

#[test]
fn titles_in_json_have_every_member() {
    let folder = folder_of("answers-rows", &[("a.log", &oops())]);
    let log = folder.join("a.log");
    let ran = run(["--titles".as_ref(), "--json".as_ref(), log.as_os_str()]);
    let plain = run(["--titles".as_ref(), log.as_os_str()]);
    assert_eq!(ran.out.lines().count(), plain.out.lines().count());
    for (line, title) in ran.out.lines().zip(plain.out.lines()) {
        let row: Value = serde_json::from_str(line).unwrap();
        let members: Vec<&str> = row
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        for member in [
            "file",
            "line_start",
            "line_end",
            "title",
            "alt",
            "type",
            "frame",
            "corrupted",
            "crash",
        ] {
            assert!(members.contains(&member), "{member} is not in {line}");
        }
        assert_eq!(row["file"], log.to_str().unwrap());
        assert_eq!(row["title"], title);
        assert!(row["line_start"].as_u64() <= row["line_end"].as_u64());
    }
}

#[test]
fn a_limit_cuts_lists() {
    let many: Vec<u8> = std::iter::repeat_n(oops(), 20).flatten().collect();
    let all = run_with(&many, &["--titles", "-"]);
    let some = run_with(&many, &["--titles", "--limit", "3", "-"]);
    assert_eq!(some.out.lines().count(), 3);
    assert!(all.out.starts_with(&some.out));
    assert_eq!(some.code, all.code);
    let folder = folder_of("answers-limit", &[("a.log", &many), ("b.log", &many)]);
    let ran = run(["--titles", "--limit", "25", folder.to_str().unwrap()]);
    assert_eq!(ran.out.lines().count(), 25);
}

#[test]
fn a_flood_of_events_is_told_in_full_by_titles_and_bounded_elsewhere() {
    let many: Vec<u8> = std::iter::repeat_n(oops(), 3000).flatten().collect();
    let one = run_with(&oops(), &["--titles", "-"]).out.lines().count();
    let titles = run_with(&many, &["--titles", "-"]);
    assert_eq!(titles.out.lines().count(), 3000 * one);
    let text = run_with(&many, &["-"]);
    assert_eq!(text.code, titles.code);
    assert!(
        text.words().contains("more events than are kept"),
        "{}",
        text.out
    );
}

#[test]
fn colour_and_width_are_as_asked() {
    let plain = run_with(&oops(), &["-"]);
    assert!(!plain.out.contains('\u{1b}'));
    assert!(
        run_with(&oops(), &["--color", "always", "-"])
            .out
            .contains('\u{1b}')
    );
    assert_eq!(run_with(&oops(), &["--color", "never", "-"]).out, plain.out);
    assert_eq!(run_with(&oops(), &["--width", "80", "-"]).out, plain.out);
    let narrow = run_with(&oops(), &["--width", "40", "-"]);
    assert!(narrow.out.lines().count() > plain.out.lines().count());
}

#[test]
fn a_redacted_list_of_titles_uses_one_token_for_one_thing() {
    let log = |host: &str| {
        let text = String::from_utf8(oops()).unwrap();
        let lines = text
            .lines()
            .map(|line| format!("Nov 20 10:00:01 {host} kernel: {line}\n"));
        lines.collect::<String>().into_bytes()
    };
    let folder = folder_of(
        "answers-redact",
        &[
            ("a.log", &log("anna-laptop")),
            ("b.log", &log("berta-desk")),
        ],
    );
    for format in [&["--titles"][..], &["--titles", "--json"], &["--json"], &[]] {
        let plain = run(format.iter().copied().chain([folder.to_str().unwrap()]));
        let redacted = run(format
            .iter()
            .copied()
            .chain(["--redact", folder.to_str().unwrap()]));
        assert_eq!(redacted.code, plain.code);
        assert!(redacted.words().contains(OOPS), "{}", redacted.out);
        for host in ["anna-laptop", "berta-desk"] {
            assert!(!redacted.out.contains(host), "{format:?}: {}", redacted.out);
        }
        if format.contains(&"--titles") {
            assert_eq!(redacted.out.lines().count(), plain.out.lines().count());
        }
    }
}
