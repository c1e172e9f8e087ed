//! Wrong and right command lines.

use std::fs;

use crate::support::{OOPS, calm, folder_of, oops, run, run_with, why};

#[test]
fn no_arguments_give_short_help_and_are_wrong_usage() {
    let ran = run::<&str>([]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert_eq!(
        ran.err.matches("\n  why ").count() + ran.err.matches("| why").count(),
        3,
        "{}",
        ran.err
    );
}

#[test]
fn what_does_not_exist_is_said_with_what_does() {
    let folder = folder_of("usage-missing", &[("console.log", b"x\n")]);
    let ran = run([folder.join("consloe.log")]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("cannot find"), "{}", ran.err);
    assert!(
        ran.err.contains("did you mean") && ran.err.contains("console.log"),
        "{}",
        ran.err
    );
}

#[test]
fn unknown_options_are_wrong_usage() {
    for arguments in [
        &["--nonsense", "x"][..],
        &["x", "--color", "blue"],
        &["x", "--limit", "0"],
    ] {
        assert_eq!(run(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn verbs_of_later_versions_say_so() {
    for verb in [
        "shell",
        "check",
        "outliers",
        "scan",
        "trace",
        "watch",
        "serve",
        "core-handler",
    ] {
        let ran = run([verb, "x"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{verb}");
        assert!(ran.err.contains("not in this version yet"), "{}", ran.err);
    }
}

#[test]
fn a_verb_wins_over_a_file_and_a_hint_says_so() {
    let folder = folder_of("usage-verb", &[("trace", &oops()), ("doctor", b"")]);
    let ran = why().current_dir(&folder).args(["trace"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("'./trace'"));
    let ran = why()
        .current_dir(&folder)
        .args(["./trace"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&ran.stdout).contains(OOPS));
    let ran = why()
        .current_dir(&folder)
        .args(["--", "trace"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&ran.stdout).contains(OOPS));
    let ran = why()
        .current_dir(&folder)
        .args(["doctor"])
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("'./doctor'"));
}

#[test]
fn options_may_stand_anywhere() {
    let folder = folder_of("usage-options", &[("a.log", &oops())]);
    let log = folder.join("a.log");
    let log = log.to_str().unwrap();
    let plain = run(["explain", "--titles", log]);
    for arguments in [
        &["--titles", log][..],
        &[log, "--titles"],
        &["--color", "never", "explain", log, "--titles"],
        &["--titles", "--", log],
    ] {
        assert_eq!(run(arguments).out, plain.out, "{arguments:?}");
    }
}

#[test]
fn targets_of_later_versions_are_told_for_what_they_are() {
    let mut core = vec![0; 64];
    core[..6].copy_from_slice(b"\x7fELF\x02\x01");
    core[16] = 4;
    let mut big_endian_core = core.clone();
    big_endian_core[5] = 2;
    big_endian_core[16..18].copy_from_slice(&[0, 4]);
    let mut object = core.clone();
    object[16] = 1;
    let folder = folder_of(
        "usage-later",
        &[
            ("core", &core),
            ("core.be", &big_endian_core),
            ("module.ko", &object),
            ("vmcore", b"KDUMP   \x06\0\0\0"),
            ("flat", b"makedumpfile\0\0\0\0"),
            ("perf.data", b"PERFILE2h\0\0\0"),
            ("archive.zip", b"PK\x03\x04\x14\0\0\0"),
            (
                "list.json",
                b"{\n  \"title\": \"BUG: unable to handle\"\n}\n",
            ),
        ],
    );
    for (name, is) in [
        ("core", "ELF core"),
        ("core.be", "ELF core"),
        ("module.ko", "ELF program"),
        ("vmcore", "kernel crash dump"),
        ("flat", "flattened"),
        ("perf.data", "recording of perf"),
        ("archive.zip", "zip archive"),
        ("list.json", "JSON"),
    ] {
        let ran = run([folder.join(name)]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{name}");
        assert!(ran.err.contains(is), "{name}: {}", ran.err);
    }
    for (name, is) in [("pid:1", "live process"), ("live", "running kernel")] {
        let ran = run([name]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(is), "{name}: {}", ran.err);
    }
    // A dump that comes through a pipe is the same dump.
    let ran = run_with(b"KDUMP   \x06\0\0\0", &["-"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("kernel crash dump"), "{}", ran.err);
}

#[test]
fn names_cannot_drive_the_terminal() {
    let ran = run(["no\u{1b}[2Jsuch\nfile"]);
    assert!(!ran.err.contains('\u{1b}'), "{:?}", ran.err);
    let folder = folder_of("usage-escape", &[("a\u{1b}[2J.log", &calm(3))]);
    let ran = run([&folder]);
    assert!(!ran.out.contains('\u{1b}'), "{:?}", ran.out);
}

#[test]
fn one_bad_target_does_not_hide_the_others() {
    let folder = folder_of("usage-one-bad", &[("good.log", &oops())]);
    let ran = run([folder.join("good.log"), folder.join("missing.log")]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.out.contains(OOPS) && ran.err.contains("missing.log"),
        "{ran:?}"
    );
}

#[test]
fn what_may_not_be_read_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder_of("usage-denied", &[("a.log", &calm(3))]);
    let log = folder.join("a.log");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&log).is_ok() {
        // This user may read everything: nothing can be denied.
        return;
    }
    let ran = run([&log]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("sudo"), "{}", ran.err);
}

#[test]
fn a_dump_cut_before_its_kernel_says_that_it_was_cut() {
    let core = synth::ElfCore {
        segments: vec![synth::Segment {
            physical: 0,
            bytes: vec![0; 8192],
            size: 8192,
        }],
        ..synth::ElfCore::default()
    };
    let whole = core.write();
    let cut = &whole[..whole.len() - 4096];
    let folder = folder_of("usage-dump", &[("whole", &whole), ("cut", cut)]);
    let ran = run([folder.join("cut")]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    for words in [
        "4096 bytes of memory",
        "it was cut",
        "supply the whole dump",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    let ran = run([folder.join("whole")]);
    assert_eq!(ran.code, Some(2));
    assert!(!ran.err.contains("cut"), "{}", ran.err);
    assert!(ran.err.contains("Linux on x86_64"), "{}", ran.err);
}
