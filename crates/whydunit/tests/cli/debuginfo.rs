//! `--debuginfo`, `--source`, and debug information among the targets.

use std::fs;

use crate::support::{Ran, folder_of, in_repository, run};

/// A crash in a function of the module that the small objects hold.
const LOG: &str = "\
[    2.016278] BUG: kernel NULL pointer dereference, address: 0000000000000010
[    2.017595] #PF: supervisor read access in kernel mode
[    2.017595] #PF: error_code(0x0000) - not-present page
[    2.017595] Oops: 0000 [#1] PREEMPT SMP NOPTI
[    2.017595] CPU: 1 PID: 92 Comm: provoke Tainted: G           OE      6.1.0-test #1
[    2.017595] RIP: 0010:bond_open+0x27/0x60 [bond_test]
[    2.017595] RAX: 0000000000000000 RBX: 0000000000000000 RCX: ffffffff8d806b78
[    2.017595] Call Trace:
[    2.017595]  <TASK>
[    2.017595]  bond_open+0x27/0x60 [bond_test]
[    2.017595]  dev_open+0x22/0x30
[    2.017595]  </TASK>
[    2.017595] ---[ end trace 0000000000000000 ]---
";

fn object(name: &str) -> Vec<u8> {
    fs::read(in_repository("crates/debuginfo/tests/objects").join(name)).unwrap()
}

/// A folder with a log, a kernel and a module that fit, and more.
fn folder(name: &str, more: &[(&str, &[u8])]) -> std::path::PathBuf {
    let (kernel, module) = (object("kernel-x86_64"), object("x86_64.ko"));
    let mut files = vec![
        ("oops.log", LOG.as_bytes()),
        ("vmlinux", &kernel),
        ("bond_test.ko", &module),
    ];
    files.extend(more);
    folder_of(name, &files)
}

/// Runs it with the names of files in `folder`, and options.
fn why(folder: &std::path::Path, arguments: &[&str]) -> Ran {
    let mut command = crate::support::why();
    command.current_dir(folder).args(arguments);
    command.output().unwrap().into()
}

#[test]
fn files_beside_a_log_are_used() {
    let folder = folder("debuginfo-used", &[]);
    let plain = why(&folder, &["oops.log"]);
    assert!(plain.out.contains("bond_open"), "{plain:?}");
    for arguments in [
        &[
            "oops.log",
            "--debuginfo",
            "vmlinux",
            "--debuginfo",
            "bond_test.ko",
        ][..],
        &["oops.log", "--debuginfo", "."],
        &["vmlinux", "bond_test.ko", "oops.log"],
        &[
            "--debuginfo=vmlinux",
            "explain",
            "oops.log",
            "bond_test.ko",
            "--source",
            ".",
        ],
    ] {
        let ran = why(&folder, arguments);
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (plain.code, ""),
            "{arguments:?}"
        );
        assert!(!ran.words().contains("debug information of"), "{}", ran.out);
        // Files of code are no logs.
        let json: serde_json::Value =
            serde_json::from_str(&why(&folder, &[arguments, &["--json"]].concat()).out).unwrap();
        assert_eq!(json["inputs"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn what_is_missing_or_does_not_fit_is_said() {
    let other = LOG.replace("6.1.0-test", "5.4.0-9");
    let folder = folder("debuginfo-missing", &[("other.log", other.as_bytes())]);
    let ran = why(&folder, &["oops.log", "--debuginfo", "vmlinux"]);
    assert!(ran.words().contains("the module bond_test"), "{}", ran.out);
    let ran = why(&folder, &["other.log", "--debuginfo", "vmlinux"]);
    assert!(
        ran.words()
            .contains("it is of kernel 6.1.0-test, the log is of 5.4.0-9"),
        "{}",
        ran.out
    );
    let ran = why(
        &folder,
        &["--titles", "other.log", "--debuginfo", "vmlinux"],
    );
    assert!(ran.err.contains("it is of kernel 6.1.0-test"), "{ran:?}");
}

#[test]
fn what_cannot_be_used_is_an_error_and_the_log_is_still_explained() {
    let module = object("x86_64.ko");
    let cut = &module[..module.len() / 2];
    let folder = folder("debuginfo-error", &[("cut.ko", cut), ("empty.ko", b"")]);
    fs::create_dir(folder.join("none")).unwrap();
    for (path, why_not) in [
        ("bond_tset.ko", "did you mean 'bond_test.ko'?"),
        ("cut.ko", "it is cut"),
        ("empty.ko", "it is empty"),
        ("oops.log", "neither an ELF file nor BTF"),
        (
            "none",
            "looked for vmlinux, vmlinux-6.1.0-test, bond_test.ko",
        ),
        ("/dev/null", "neither a file nor a folder"),
    ] {
        let ran = why(&folder, &["oops.log", "--debuginfo", path]);
        assert_eq!(ran.code, Some(2), "{path}: {ran:?}");
        assert!(ran.err.contains(why_not), "{path}: {}", ran.err);
        assert!(ran.err.contains("hint: "), "{path}: {}", ran.err);
        assert!(ran.out.contains("bond_open"), "{path}: {}", ran.out);
    }
    let ran = why(&folder, &["oops.log", "--source", "vmlinux"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("it is no folder"), "{}", ran.err);
    assert_eq!(why(&folder, &["oops.log", "--debuginfo"]).code, Some(2));
}

#[test]
fn code_without_a_log_explains_nothing() {
    let folder = folder(
        "debuginfo-alone",
        &[("calm.log", b"[    1.000000] usb 1-1: new device\n")],
    );
    for arguments in [&["vmlinux"][..], &["vmlinux", "bond_test.ko"]] {
        let ran = why(&folder, arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert_eq!(
            ran.err.matches("ELF program").count(),
            arguments.len(),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("name what died"), "{}", ran.err);
    }
    // Nothing died, so nothing of the code is needed.
    let ran = why(&folder, &["calm.log", "vmlinux", "--debuginfo", "."]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
}

#[test]
fn compressed_targets_are_code_too() {
    let packed = zstd::encode_all(&object("x86_64.ko")[..], 1).unwrap();
    let folder = folder("debuginfo-packed", &[("bond-test.ko.zst", &packed)]);
    let ran = why(&folder, &["oops.log", "vmlinux", "bond-test.ko.zst"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(3), ""), "{ran:?}");
    assert!(!ran.words().contains("debug information of"), "{}", ran.out);
}

#[test]
fn the_module_of_the_examples_fits_their_logs() {
    let examples = in_repository("examples");
    let ran = why(&examples, &["ptr-null-array.log", "whyptr.ko.xz"]);
    assert_eq!(
        (ran.code == Some(2), ran.err.as_str()),
        (false, ""),
        "{ran:?}"
    );
    let words = ran.words();
    assert!(
        !words.contains("debug information of the module"),
        "{words}"
    );
    assert!(
        words.contains("debug information of the kernel 6.1.0-56-cloud-amd64"),
        "{words}"
    );
    // A log of another module: the file is opened, as it was named, and fits the kernel.
    let ran = why(&examples, &["null-deref.log", "whyptr.ko.xz"]);
    assert!(!ran.words().is_empty() && ran.code != Some(2), "{ran:?}");
}

#[test]
fn help_is_readable_in_a_narrow_window() {
    for columns in ["40", "80"] {
        let mut command = crate::support::why();
        command.args(["explain", "--help"]).env("COLUMNS", columns);
        let ran: Ran = command.output().unwrap().into();
        assert_eq!(ran.code, Some(0));
        for option in ["--debuginfo <PATH>", "--source <DIR>"] {
            assert!(ran.out.contains(option), "{}", ran.out);
        }
        let widest = ran.out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= columns.parse().ok(), "{widest:?}: {}", ran.out);
    }
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(["completions", shell]);
        assert!(
            ran.out.contains("debuginfo") && ran.out.contains("source"),
            "{shell}"
        );
    }
    assert!(run(["man"]).out.contains("debuginfo"));
}
